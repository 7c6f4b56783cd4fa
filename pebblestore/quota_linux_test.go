// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package pebblestore_test

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/pebblestore"
)

// spoilLog lets the writes to the log of a store go to a device.
func spoilLog(t *testing.T, dir, device string) {
	t.Helper()
	to, err := os.OpenFile(device, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer to.Close()
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range open {
		name, err := os.Readlink(filepath.Join("/proc/self/fd", entry.Name()))
		if err != nil || !strings.HasPrefix(name, dir) || filepath.Ext(name) != ".log" {
			continue
		}
		fd, err := strconv.Atoi(entry.Name())
		if err == nil {
			err = syscall.Dup3(int(to.Fd()), fd, 0)
		}
		if err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Fatalf("no log is open in %s", dir)
}

// TestQuota has a log that can't be written, though the disk has room: nobody
// waits for ever, and what was acknowledged is there when it is opened again.
func TestQuota(t *testing.T) {
	t.Parallel() // it waits
	dir := t.TempDir()
	s := open(t, pebblestore.Options{Dir: dir})
	kept := session.NewID()
	if err := putData(t, s, kept, []byte("data")); err != nil {
		t.Fatal(err)
	}
	spoilLog(t, dir, "/dev/full")
	begun := time.Now()
	if err := putData(t, s, kept, []byte("other")); !errors.Is(err, pebblestore.ErrStopped) {
		t.Errorf("a commit without room for its log is answered %v", err)
	}
	if _, err := s.Get(t.Context(), kept, session.GetOptions{}); !errors.Is(err, pebblestore.ErrStopped) {
		t.Errorf("a read after that is answered %v", err)
	}
	if took := time.Since(begun); took > 25*time.Second {
		t.Errorf("that took %s", took)
	}
	_ = s.Close() // tells that its log was not written
	s = open(t, pebblestore.Options{Dir: dir})
	defer mustClose(t, s)
	if it, err := s.Get(t.Context(), kept, session.GetOptions{}); err != nil || string(it.Data) != "data" {
		t.Errorf("opened again, it has %q, error %v", it.Data, err)
	}
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package daemon_test

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sessionbridge/session/pebblestore"
	"github.com/sessionbridge/session/wire"
)

// breakLog has the writes to the log of a store fail, as a broken disk would.
func breakLog(t *testing.T, dir string) {
	t.Helper()
	null, err := os.Open(os.DevNull) // can't be written
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
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
			err = syscall.Dup3(int(null.Fd()), fd, 0)
		}
		if err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Fatalf("no log is open in %s", dir)
}

// TestStoreThatHasStopped breaks the log of a store that nobody but the next
// process can open again: the daemon ends, whatever is held, and the next one has
// what was committed.
func TestStoreThatHasStopped(t *testing.T) {
	c := onDisk(t)
	first := started(t, c, testLog(t))
	s, _ := first.hold(t)
	s.Items = []wire.Item{{Key: "visits", Value: []byte("1")}}
	first.put(t, s, http.StatusOK)
	held, _ := first.hold(t)
	breakLog(t, c.File.Dir)
	began := time.Now()
	first.put(t, held, http.StatusServiceUnavailable)
	if err := first.wait(t); !errors.Is(err, pebblestore.ErrStopped) {
		t.Errorf("the daemon ended with %v", err)
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("it ended after %s, so it has waited for those who hold sessions", took)
	}
	second := started(t, c, testLog(t))
	if got := second.stored(t, s.ID); len(got.Items) != 1 || string(got.Items[0].Value) != "1" {
		t.Errorf("at the next process the session is %+v", got)
	}
}

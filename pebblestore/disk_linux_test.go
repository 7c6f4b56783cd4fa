// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package pebblestore

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func noRoom() error { return syscall.ENOSPC }

// TestCloseWithoutRoom closes a store while one of its own goroutines waits for
// room on the disk: there may never be any.
func TestCloseWithoutRoom(t *testing.T) {
	s, err := Open(t.Context(), Options{Dir: filepath.Join(t.TempDir(), "store"), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	waited := make(chan error, 1)
	s.wg.Go(func() { waited <- s.disk.patiently(filepath.Join(s.o.Dir, engineName, "000001.log"), noRoom) })
	closed := make(chan error, 1)
	go func() { closed <- s.Close() }()
	select {
	case err := <-closed:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("Close waits for room")
	}
	if err := <-waited; !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("who waited is told %v", err)
	}
}

// TestFullByNoWallClock notes that a disk is full: how long ago that is must not
// depend on the time of day, which may be set back by an hour.
func TestFullByNoWallClock(t *testing.T) {
	life, end := context.WithCancel(t.Context())
	end()
	d, err := newDisk(life, t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := d.patiently(filepath.Join(d.dir, engineName, "000001.log"), noRoom); !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	if last := d.lastFull.Load(); last == nil || !strings.Contains(last.String(), " m=") {
		t.Errorf("it is noted by the time of day only: %v", last)
	}
}

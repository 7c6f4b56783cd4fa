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
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
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

// brokenFile can't be written.
type brokenFile struct{ vfs.File }

func (brokenFile) Write([]byte) (int, error) { return 0, syscall.EIO }
func (brokenFile) Sync() error               { return syscall.EIO }
func (brokenFile) SyncData() error           { return syscall.EIO }

// TestTablesFailSlowly has tables that can't be written, for any reason: Pebble
// tries again at once, thousands of times a second, and each failure is logged.
func TestTablesFailSlowly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, err := newDisk(t.Context(), t.TempDir(), slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]time.Duration{"000001.sst": time.Second, "000002.log": 0} {
			f := patientFile{File: brokenFile{}, name: filepath.Join(d.dir, engineName, name), disk: d}
			for what, try := range map[string]func() error{
				"create": func() error { return d.patiently(f.name, f.File.Sync) },
				"write":  func() error { _, err := f.Write([]byte("data")); return err },
				"sync":   f.Sync, "sync data": f.SyncData,
			} {
				begun := time.Now()
				if err := try(); !errors.Is(err, syscall.EIO) || time.Since(begun) != want {
					t.Errorf("to %s %s fails after %s, want %s: %v", what, name, time.Since(begun), want, err)
				}
			}
		}
	})
}

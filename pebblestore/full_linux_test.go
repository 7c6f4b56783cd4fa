// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package pebblestore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/pebblestore"
)

// smallDisk mounts a disk of so many MiB.
func smallDisk(t *testing.T, size int) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%dm", size)); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("no disk can be mounted: %v", err)
		}
		t.Skipf("no disk can be mounted: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fillDisk writes a file until nothing fits any more.
func fillDisk(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Error(err)
		return
	}
	defer f.Close()
	for _, size := range []int{1 << 20, 4096} {
		for err = nil; err == nil; {
			_, err = f.Write(make([]byte, size))
		}
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Error(err)
	}
}

// TestOthersFillDisk fills the disk while commits are made. They are refused,
// reads are not, and commits are made again when there is room.
func TestOthersFillDisk(t *testing.T) {
	disk := smallDisk(t, 64)
	s := open(t, pebblestore.Options{Dir: filepath.Join(disk, "store")})
	defer mustClose(t, s)
	stored := &book{data: map[string][]byte{}}
	for round := range 3 {
		writing := make(chan struct{})
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() { stored.writeUntilRefused(t, s, writing) })
		}
		filler := filepath.Join(disk, "filler")
		fillDisk(t, filler)
		time.Sleep(300 * time.Millisecond)
		close(writing)
		wg.Wait()
		err := putData(t, s, session.NewID(), noise(1000))
		if !errors.Is(err, session.ErrFull) || !strings.Contains(err.Error(), disk) || !strings.Contains(err.Error(), "free some") {
			t.Fatalf("round %d: Put on a full disk: %v", round, err)
		}
		stored.compare(t, s)
		if err := os.Remove(filler); err != nil {
			t.Fatal(err)
		}
		awaitRoom(t, s)
	}
	if len(stored.data) == 0 || stored.refused == 0 {
		t.Errorf("%d commits were made and %d refused", len(stored.data), stored.refused)
	}
}

// awaitRoom puts until there is room again.
func awaitRoom(t *testing.T, s *pebblestore.Store) {
	t.Helper()
	await(t, func() error { return putData(t, s, session.NewID(), noise(1000)) })
}

// await does something until there is room for it.
func await(t *testing.T, do func() error) {
	t.Helper()
	begun := time.Now()
	for {
		err := do()
		if err == nil {
			return
		}
		if !errors.Is(err, session.ErrFull) || time.Since(begun) > 30*time.Second {
			t.Fatalf("after %s: %v", time.Since(begun), err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// A book is what was stored.
type book struct {
	mu      sync.Mutex
	data    map[string][]byte
	refused int
}

// writeUntilRefused commits, while others do, until it is over.
func (b *book) writeUntilRefused(t *testing.T, s *pebblestore.Store, over <-chan struct{}) {
	for {
		select {
		case <-over:
			return
		default:
		}
		id, data := session.NewID(), noise(500)
		err := putData(t, s, id, data)
		b.mu.Lock()
		switch {
		case err == nil:
			b.data[id] = data
		case errors.Is(err, session.ErrFull):
			b.refused++
		default:
			t.Errorf("Put: %v", err)
		}
		b.mu.Unlock()
	}
}

func (b *book) compare(t *testing.T, s *pebblestore.Store) {
	t.Helper()
	for id, data := range b.data {
		it, err := s.Get(t.Context(), id, session.GetOptions{Touch: true})
		if err != nil || !bytes.Equal(it.Data, data) {
			t.Fatalf("%d bytes were stored, %d are read, error %v", len(data), len(it.Data), err)
		}
	}
}

// TestItemsFillDisk stores as much as fits. Nothing of it is lost, holds can be
// ended, and what is deleted makes room.
func TestItemsFillDisk(t *testing.T) {
	disk := smallDisk(t, 64)
	dir := filepath.Join(disk, "store")
	s := open(t, pebblestore.Options{Dir: dir})
	stored := &book{data: map[string][]byte{}}
	held := session.NewID()
	it, err := s.Lock(t.Context(), held, session.LockOptions{Timeout: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	for stored.refused == 0 && len(stored.data) < 10_000 {
		id, data := session.NewID(), noise(20_000)
		err := putData(t, s, id, data)
		switch {
		case err == nil:
			stored.data[id] = data
		case errors.Is(err, session.ErrFull):
			stored.refused++
		default:
			t.Fatal(err)
		}
	}
	if len(stored.data) < 500 {
		t.Errorf("%d items of 20 kB are on a disk of 64 MB", len(stored.data))
	}
	stored.compare(t, s)
	await(t, func() error { return s.Unlock(t.Context(), held, it.Hold.Token, session.UnlockOptions{}) })
	mustClose(t, s)
	s = open(t, pebblestore.Options{Dir: dir})
	defer mustClose(t, s)
	stored.compare(t, s)
	for id := range stored.data {
		await(t, func() error { return s.Delete(t.Context(), id, 0) }) // while Pebble tidies up, there may be less room for a moment
	}
	awaitRoom(t, s)
}

// TestOpenFull opens a store on a disk that others have filled: what is stored
// can be read, by the room of the ballast. Where there is none, it is said that
// there is no room, and nothing waits for it.
func TestOpenFull(t *testing.T) {
	disk := smallDisk(t, 64)
	dir := filepath.Join(disk, "store")
	ids := someStore(t, dir)
	fillDisk(t, filepath.Join(disk, "filler"))
	s := openWithin(t, dir)
	if s == nil {
		t.Fatal("there is no room to open it")
	}
	for _, id := range ids {
		if _, err := s.Get(t.Context(), id, session.GetOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := putData(t, s, session.NewID(), noise(1000)); !errors.Is(err, session.ErrFull) {
		t.Errorf("Put on a full disk: %v", err)
	}
	mustClose(t, s)
	fillDisk(t, filepath.Join(disk, "more"))
	for _, in := range []string{dir, filepath.Join(disk, "new")} {
		if s := openWithin(t, in); s != nil {
			mustClose(t, s)
			t.Errorf("%s was opened, so this test tells nothing", in)
		}
	}
	for _, name := range []string{"filler", "more"} {
		remove(t, filepath.Join(disk, name))
	}
	mustClose(t, openWithin(t, dir))
}

// openWithin opens a store within a while; nil if there is no room.
func openWithin(t *testing.T, dir string) (s *pebblestore.Store) {
	t.Helper()
	opened := make(chan error, 1)
	go func() {
		var err error
		s, err = pebblestore.Open(t.Context(), quiet(dir))
		opened <- err
	}()
	select {
	case err := <-opened:
		if err != nil && (!errors.Is(err, session.ErrFull) || !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), "free some")) {
			t.Fatal(err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("Open waits for room")
	}
	return s
}

// TestFullIsLogged checks that it is told once that the disk is full, and once
// that it has room again.
func TestFullIsLogged(t *testing.T) {
	disk := smallDisk(t, 64)
	synctest.Test(t, func(t *testing.T) {
		var said lines
		s := open(t, pebblestore.Options{Dir: filepath.Join(disk, "store"), Logger: slog.New(slog.NewTextHandler(&said, nil))})
		defer mustClose(t, s)
		for round := 1; round <= 2; round++ {
			filler := filepath.Join(disk, "filler")
			fillDisk(t, filler)
			for range 3 {
				if err := putData(t, s, session.NewID(), noise(1000)); !errors.Is(err, session.ErrFull) {
					t.Fatalf("Put on a full disk: %v", err)
				}
				time.Sleep(time.Minute)
			}
			told := func(full, room int) {
				t.Helper()
				text := said.String()
				if strings.Count(text, "level=WARN msg=\"the disk of the session store is full: commits are refused until there is room\"") != full ||
					strings.Count(text, "level=INFO msg=\"the disk of the session store has room again: commits are taken\"") != room {
					t.Errorf("the log should have told %d times that the disk is full and %d times that it is not: %s", full, room, text)
				}
			}
			told(round, round-1)
			remove(t, filler)
			time.Sleep(time.Minute)
			told(round, round)
		}
	})
}

// TestBackupGivenUp gives a backup up while it is copied to a disk on which it has
// no room: that must be noticed before all of it is copied.
func TestBackupGivenUp(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	fillTables(t, dir)
	s := open(t, quiet(dir))
	defer mustClose(t, s)
	to := filepath.Join(smallDisk(t, 8), "backup")
	ctx := &patience{Context: t.Context()}
	ctx.left.Store(10)
	if err := s.Backup(ctx, to, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("a backup that is given up: %v", err)
	}
	if err := s.Backup(t.Context(), to, nil); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("a backup on a disk without room, so that this test tells something: %v", err)
	}
	if left, err := filepath.Glob(to + "*"); left != nil || err != nil {
		t.Errorf("%q is left, error %v", left, err)
	}
}

// A patience is a context that is done after it was asked some times.
type patience struct {
	context.Context
	left atomic.Int32
}

func (p *patience) Err() error {
	if p.left.Add(-1) < 0 {
		return context.Canceled
	}
	return p.Context.Err()
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package pebblestore_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/pebblestore"
)

// TestSyncs checks what is synced, by the file that says how much of the log is.
func TestSyncs(t *testing.T) {
	for _, interval := range []time.Duration{0, time.Hour} {
		o := quiet(filepath.Join(t.TempDir(), "store"))
		o.SyncEvery = interval
		s := open(t, o)
		synced := func() string {
			b, err := os.ReadFile(filepath.Join(o.Dir, "synced"))
			if err != nil {
				t.Fatal(err)
			}
			return string(b)
		}
		before := synced()
		it, err := s.Lock(t.Context(), session.NewID(), session.LockOptions{Hold: session.Hold{Detached: true}, Timeout: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		if synced() != before {
			t.Error("Lock was synced")
		}
		if err := s.Put(t.Context(), it.ID, it.Hold.Token, noise(1000), session.PutOptions{Timeout: time.Hour}); err != nil {
			t.Fatal(err)
		}
		if was := synced() != before; was != (interval == 0) {
			t.Errorf("with SyncEvery %s, that Put was synced is %t", interval, was)
		}
		mustClose(t, s)
		if synced() == before {
			t.Error("Close was not synced")
		}
	}
}

// TestSyncEvery waits until the interval has passed.
func TestSyncEvery(t *testing.T) {
	o := quiet(filepath.Join(t.TempDir(), "store"))
	o.SyncEvery = 10 * time.Millisecond
	s := open(t, o)
	defer mustClose(t, s)
	path := filepath.Join(o.Dir, "synced")
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := putData(t, s, session.NewID(), noise(1000)); err != nil {
		t.Fatal(err)
	}
	for begun := time.Now(); ; time.Sleep(time.Millisecond) {
		now, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(now, before) {
			return
		}
		if time.Since(begun) > 30*time.Second {
			t.Fatal("nothing is synced")
		}
	}
}

// TestKilledAndCut cuts the log of a process that was killed: what it had
// acknowledged must not be missed in silence.
func TestKilledAndCut(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	for crash(t, dir, false, map[string]*crashBook{}) == 0 {
	}
	synced, err := os.ReadFile(filepath.Join(dir, "synced"))
	if err != nil || len(synced) < 16 {
		t.Fatalf("%d bytes say what was synced: %v", len(synced), err)
	}
	number, length := binary.BigEndian.Uint64(synced), binary.BigEndian.Uint64(synced[8:])
	spoil(t, filepath.Join(dir, "pebble", fmt.Sprintf("%06d.log", number)), func(b []byte) []byte { return b[:length*2/3] })
	s, err := pebblestore.Open(t.Context(), quiet(dir))
	if err == nil {
		mustClose(t, s)
	}
	if !errors.Is(err, pebblestore.ErrDamaged) || !strings.Contains(err.Error(), "log of its database") {
		t.Errorf("with a log that was cut: %v", err)
	}
}

// TestLogHasNoIDs lets Pebble write, flush and recover, and looks for ids in what
// it says.
func TestLogHasNoIDs(t *testing.T) {
	var said lines
	o := pebblestore.Options{Dir: filepath.Join(t.TempDir(), "store"), Logger: slog.New(slog.NewTextHandler(&said, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	s := open(t, o)
	var ids []string
	for range 1000 {
		ids = append(ids, session.NewID())
		if err := putData(t, s, ids[len(ids)-1], noise(20_000)); err != nil {
			t.Fatal(err)
		}
	}
	mustClose(t, s)
	mustClose(t, open(t, o))
	text := said.String()
	if !strings.Contains(text, "level=DEBUG msg=pebble") {
		t.Errorf("Pebble says nothing: %q", text)
	}
	if strings.Contains(text, "level=WARN") || strings.Contains(text, "level=ERROR") {
		t.Errorf("there are warnings where nothing is wrong: %s", text)
	}
	for _, id := range ids {
		if strings.Contains(text, id) {
			t.Fatalf("the id %s is in the log", id)
		}
	}
}

// lines are what was logged.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

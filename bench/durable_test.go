// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/pebblestore"
)

// durable compares commits that are on the disk before they are acknowledged
// with one write and one fsync for each.
func durable(m *meter) (lines []line) {
	store := m.openPebble(m.TempDir())
	fsync := m.syncedFile()
	took, err := fsync.timed()
	must(m, err)
	for _, n := range []int{1, 16, 64} {
		null := crowd(n, func(int) client { return fsync.append })
		ours := crowd(n, func(i int) client { return putCycle(m.Context(), store, sessionID(i)) })
		l := m.compareLoad(null, ours).throughput(fmt.Sprintf("durable commits of 1 KB, embedded store (bare: one fsync each), writers: %d", n), "/s", 10)
		switch {
		case n < 64:
			l.bar, l.verdict = "-", na
		case took < 100*time.Microsecond:
			l.bar, l.verdict = fmt.Sprintf("≥ 10, void: an fsync takes %s", took.Round(time.Microsecond)), na
		}
		lines = append(lines, l)
	}
	return lines
}

func (m *meter) openPebble(dir string) session.Store {
	m.Helper()
	s, err := pebblestore.Open(m.Context(), pebblestore.Options{Dir: dir, Logger: slog.New(slog.DiscardHandler)})
	must(m, err)
	m.closeAtEnd(s)
	return s
}

// putCycle stores a session that nobody holds.
func putCycle(ctx context.Context, s session.Store, id string) client {
	data := [][]byte{items(sampleKeys, 'b'), items(sampleKeys, 'c')}
	n := 0
	return func() error {
		n++
		return s.Put(ctx, id, 0, data[n%2], session.PutOptions{Timeout: timeout})
	}
}

// A syncedFile is the least that a durable store can do: it appends, and waits
// for the disk.
type syncedFile struct {
	mu   sync.Mutex
	file *os.File
	data []byte
}

func (m *meter) syncedFile() *syncedFile {
	m.Helper()
	f, err := os.Create(filepath.Join(m.TempDir(), "log"))
	must(m, err)
	m.Cleanup(func() { f.Close() })
	return &syncedFile{file: f, data: items(sampleKeys, 'a')}
}

func (f *syncedFile) append() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, err := f.file.Write(f.data); err != nil {
		return err
	}
	return f.file.Sync()
}

// timed returns how long one commit takes, in the middle of some.
func (f *syncedFile) timed() (time.Duration, error) {
	var samples []float64
	for range 21 {
		began := time.Now()
		if err := f.append(); err != nil {
			return 0, err
		}
		samples = append(samples, time.Since(began).Seconds())
	}
	return time.Duration(median(samples) * 1e9), nil
}

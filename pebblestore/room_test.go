// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package pebblestore

import (
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/sessionbridge/session"
)

// TestBoundBesideNonsense counts items of which one has a record that is none.
func TestBoundBesideNonsense(t *testing.T) {
	o := Options{Dir: filepath.Join(t.TempDir(), "store"), MaxBytes: 1 << 30, Logger: slog.New(slog.DiscardHandler)}
	var used []int64
	for round := range 3 {
		s, err := Open(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		used = append(used, s.used.Load())
		switch round {
		case 0:
			if err := s.Put(t.Context(), session.NewID(), 0, make([]byte, 1000), session.PutOptions{Timeout: time.Hour}); err != nil {
				t.Fatal(err)
			}
		case 1:
			if err := s.db.Set(itemKey(session.NewID()), []byte("nonsense"), pebble.Sync); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if used[0] != 0 || used[1] < 1000 || used[2] != used[1] {
		t.Errorf("with nothing, an item, and one that can't be read %d bytes are used", used)
	}
}

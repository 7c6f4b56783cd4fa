// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package pebblestore

import (
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/sessionbridge/session"
)

// TestExpireGoesOn has an item that can't be read among those that have expired:
// the others are removed all the same, and nothing is tried again and again.
func TestExpireGoesOn(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	synctest.Test(t, func(t *testing.T) {
		s, err := Open(t.Context(), Options{Dir: dir, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for range 3 {
			id := session.NewID()
			ids = append(ids, id)
			if err := s.Put(t.Context(), id, 0, nil, session.PutOptions{Timeout: time.Minute}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
		}
		if err := s.db.Set(itemKey(ids[0]), []byte("nonsense"), pebble.Sync); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Get(t.Context(), ids[0], session.GetOptions{}); !errors.Is(err, ErrDamaged) {
			t.Errorf("Get of what can't be read: %v", err)
		}
		time.Sleep(time.Hour)
		expired, next, err := s.Expire(t.Context(), 1)
		if !slices.Equal(expired, ids[1:2]) || next != 0 || err != nil {
			t.Errorf("Expire answers %d items, next in %s, error %v", len(expired), next, err)
		}
		expired, next, err = s.Expire(t.Context(), 10)
		if !slices.Equal(expired, ids[2:]) || next != session.Never || err != nil {
			t.Errorf("Expire answers %d items, next in %s, error %v", len(expired), next, err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

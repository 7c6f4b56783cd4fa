// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package pebblestore_test

import (
	"bytes"
	"log/slog"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/pebblestore"
	"github.com/sessionbridge/session/storetest"
)

func TestStore(t *testing.T) {
	dirs := map[session.Store]string{} // in a bubble there is one check at a time
	begin := func(t *testing.T, o pebblestore.Options) session.Store {
		if o.Dir == "" {
			o.Dir = filepath.Join(t.TempDir(), "store")
		}
		s := open(t, o)
		dirs[s] = o.Dir
		return s
	}
	storetest.Test(t, storetest.Options{
		New:    func(t *testing.T) session.Store { return begin(t, pebblestore.Options{}) },
		Bubble: synctest.Test, // twenty minutes pass in no time
		Second: func(_ *testing.T, s session.Store) session.Store { return again{s} },
		Reopen: func(t *testing.T, closed session.Store) session.Store {
			return begin(t, pebblestore.Options{Dir: dirs[closed]})
		},
		Small: func(t *testing.T) session.Store { return begin(t, pebblestore.Options{MaxBytes: 100 << 10}) },
	})
}

// again is a store that another handle closes.
type again struct{ session.Store }

func (again) Close() error { return nil }

func open(t testing.TB, o pebblestore.Options) *pebblestore.Store {
	t.Helper()
	if o.Logger == nil {
		o.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
	}
	s, err := pebblestore.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

func putData(t testing.TB, s *pebblestore.Store, id string, data []byte) error {
	return s.Put(t.Context(), id, 0, data, session.PutOptions{Timeout: time.Hour})
}

// noise is data that don't compress.
func noise(n int) []byte {
	var b bytes.Buffer
	for b.Len() < n {
		b.WriteString(session.NewID())
	}
	return b.Bytes()[:n]
}

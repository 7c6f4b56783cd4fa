// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package pebblestore_test

import (
	"errors"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sessionbridge/session"
)

// TestDowntime closes a store for a weekend: what was stored is as old as it was.
func TestDowntime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, id := quiet(filepath.Join(t.TempDir(), "store")), session.NewID()
		s := open(t, o)
		if err := putData(t, s, id, noise(10)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(30 * time.Minute)
		mustClose(t, s)
		time.Sleep(48 * time.Hour)
		s = open(t, o)
		defer mustClose(t, s)
		time.Sleep(30*time.Minute - time.Second)
		if _, err := s.Get(t.Context(), id, session.GetOptions{}); err != nil {
			t.Errorf("within its hour: %v", err)
		}
		time.Sleep(2 * time.Second)
		if _, err := s.Get(t.Context(), id, session.GetOptions{}); !errors.Is(err, session.ErrNotFound) {
			t.Errorf("after its hour: error %v", err)
		}
	})
}

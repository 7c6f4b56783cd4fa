// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package session_test

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/memstore"
)

const otherID = "aaaaaaaaaaaaaaaaaaaaaaaa"

// BenchmarkWrite measures what the Manager adds to a store: a session of 1 KB is
// held and committed, with and without a change, beside the same calls of the
// store alone.
func BenchmarkWrite(b *testing.B) {
	store, err := memstore.New(memstore.Options{})
	if err != nil {
		b.Fatal(err)
	}
	m, err := session.OpenManager(b.Context(), store, session.ManagerOptions{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(m.Close)
	one := update(shop, "user", `"ann"`, "cart", `"`+strings.Repeat("a", 1000)+`"`)
	two := update(shop, "user", `"eve"`, "cart", `"`+strings.Repeat("a", 1000)+`"`)

	b.Run("null", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			item, err := store.Lock(b.Context(), otherID, session.LockOptions{Timeout: time.Minute})
			if err != nil {
				b.Fatal(err)
			}
			if err := store.Put(b.Context(), item.ID, item.Hold.Token, one.Items, session.PutOptions{Timeout: time.Minute}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("changed", func(b *testing.B) { benchmarkWrite(b, m, one, two) })
	b.Run("unchanged", func(b *testing.B) { benchmarkWrite(b, m, one, one) })
}

func benchmarkWrite(b *testing.B, m *session.Manager, updates ...session.Update) {
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		h, err := m.Hold(b.Context(), session.HoldRequest{ID: testID, Client: shop.Name})
		if err != nil {
			b.Fatal(err)
		}
		if err := h.Commit(b.Context(), updates[i%2]); err != nil {
			b.Fatal(err)
		}
	}
}

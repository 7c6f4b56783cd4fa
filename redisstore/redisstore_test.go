// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package redisstore_test

import (
	"log/slog"
	"testing"

	"github.com/sessionbridge/session/redisstore"
)

// open opens a store that closes with the test.
func open(t testing.TB, o redisstore.Options) *redisstore.Store {
	t.Helper()
	s := openUnclosed(t, o)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func silent() *slog.Logger { return slog.New(slog.DiscardHandler) }

func openUnclosed(t testing.TB, o redisstore.Options) *redisstore.Store {
	t.Helper()
	if o.Logger == nil {
		o.Logger = silent()
	}
	s, err := redisstore.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

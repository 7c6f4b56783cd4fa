// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"context"
	"sync"
	"testing"

	"github.com/sessionbridge/session"
)

func brokenReopened() []brokenStore {
	whole := func(s session.Store) session.Store { return s }
	return []brokenStore{
		{
			name: "forgets bases when it is closed", check: "lost holds outlive the store, with their bases", wrap: whole,
			reopen: func(_ *testing.T, s session.Store) session.Store {
				return bases(func(it *session.Item) { it.Data = nil })(s)
			},
		},
		{
			name: "counts losses anew when it is opened", check: "Losses outlive the store", wrap: whole,
			reopen: func(_ *testing.T, s session.Store) session.Store {
				return told(func(it *session.Item) { it.Hold.Losses = max(it.Hold.Losses-2, 0) })(s)
			},
		},
		{
			name: "ends lost holds when it is opened", check: "lost holds outlive the store, with their bases", wrap: whole,
			reopen: func(_ *testing.T, s session.Store) session.Store { return endsLostAtOnce(s) },
		},
	}
}

// endsLostAtOnce ends the lost holds of an item when it is first asked for.
func endsLostAtOnce(s session.Store) session.Store {
	var seen sync.Map
	return twist(func(s session.Store, tw *twisted) {
		tw.get = func(ctx context.Context, id string, o session.GetOptions) (session.Item, error) {
			it, err := s.Get(ctx, id, o)
			if _, again := seen.LoadOrStore(id, true); err == nil && !again {
				unlockLost(ctx, s, it)
				return s.Get(ctx, id, o)
			}
			return it, err
		}
	})(s)
}

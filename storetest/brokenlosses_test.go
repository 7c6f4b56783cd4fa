// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"context"
	"slices"
	"sync"

	"github.com/sessionbridge/session"
)

func brokenLosses() []brokenStore {
	return []brokenStore{
		{name: "counts no losses", check: "Losses counts the holds that were lost in a row", wrap: told(func(it *session.Item) { it.Hold.Losses = 0 })},
		{name: "tells the losses of the present hold for all", check: "Losses counts the holds that were lost in a row", wrap: told(func(it *session.Item) {
			it.Lost = slices.Clone(it.Lost)
			for i := range it.Lost {
				it.Lost[i].Losses = it.Hold.Losses
			}
		})},
		{name: "counts the lost holds that are known", check: "an end without a commit leaves Losses", wrap: told(func(it *session.Item) { it.Hold.Losses = len(it.Lost) })},
		{name: "ends the row at every Unlock", check: "an end without a commit leaves Losses", wrap: twist(func(s session.Store, tw *twisted) {
			tw.unlock = func(ctx context.Context, id string, token uint64, _ session.UnlockOptions) error {
				return s.Unlock(ctx, id, token, session.UnlockOptions{Committed: true})
			}
		})},
		{name: "never ends the row", check: "a commit ends the row of Losses", wrap: countsForEver},
		{name: "counts on when the item is gone", check: "Losses end with the item", wrap: countsForEver},
		{name: "ends the row at Put only", check: "a commit ends the row of Losses", wrap: twist(func(s session.Store, tw *twisted) {
			tw.unlock = func(ctx context.Context, id string, token uint64, _ session.UnlockOptions) error {
				return s.Unlock(ctx, id, token, session.UnlockOptions{})
			}
		})},
		{name: "takes losses as they are passed", check: "Lock sets token, losses and age itself", wrap: twist(func(s session.Store, tw *twisted) {
			tw.lock = func(ctx context.Context, id string, o session.LockOptions) (session.Item, error) {
				it, err := s.Lock(ctx, id, o)
				it.Hold.Losses = o.Hold.Losses
				return it, err
			}
		})},
	}
}

// countsForEver counts the thefts of an id, whatever was committed between.
func countsForEver(s session.Store) session.Store {
	var mu sync.Mutex
	thefts := map[string]int{}
	return twist(func(s session.Store, tw *twisted) {
		tw.lock = func(ctx context.Context, id string, o session.LockOptions) (session.Item, error) {
			mu.Lock()
			defer mu.Unlock()
			if o.Steal != 0 && o.Steal == present(s, id) {
				thefts[id]++
			}
			it, err := s.Lock(ctx, id, o)
			it.Hold.Losses = thefts[id]
			return it, err
		}
	})(s)
}

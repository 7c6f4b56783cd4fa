// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/sessionbridge/session"
)

func brokenLost() []brokenStore {
	return []brokenStore{
		{name: "forgets who committed of the lost", check: "Unlock as committed makes a lost hold the committed one", wrap: twist(func(s session.Store, tw *twisted) {
			tw.unlock = func(ctx context.Context, id string, token uint64, o session.UnlockOptions) error {
				o.Committed = o.Committed && token == present(s, id)
				return s.Unlock(ctx, id, token, o)
			}
		})},
		{name: "knows lost holds for ever", check: "a hold forgets lost ones that are older than the timeout", wrap: remembersLost},
		{name: "forgets all lost holds at the next one", check: "lost holds stay until they are unlocked", wrap: twist(func(s session.Store, tw *twisted) {
			tw.lock = func(ctx context.Context, id string, o session.LockOptions) (session.Item, error) {
				if it, err := s.Get(ctx, id, session.GetOptions{}); err == nil && o.Steal == 0 {
					unlockLost(ctx, s, it)
				}
				return s.Lock(ctx, id, o)
			}
		})},
		{name: "forgets a hold that is old when it is stolen", check: "a hold that is stolen is known, however old", wrap: told(func(it *session.Item) {
			it.Lost = slices.DeleteFunc(slices.Clone(it.Lost), func(h session.Hold) bool { return h.Age > it.Timeout })
		})},
		{name: "drops a new item with its present hold", check: "a new item stays while it has lost holds", wrap: twist(func(s session.Store, tw *twisted) {
			tw.unlock = func(ctx context.Context, id string, token uint64, o session.UnlockOptions) error {
				if it, err := s.Get(ctx, id, session.GetOptions{}); err == nil && it.New && it.Hold.Token == token {
					return s.Delete(ctx, id, token)
				}
				return s.Unlock(ctx, id, token, o)
			}
		})},
		{name: "leaves a new item without holds", check: "a new item vanishes with its last lost hold", wrap: leavesNew},
		{name: "keeps lost holds of a new item for long", check: "lost holds keep a new item for its timeout", wrap: twist(func(s session.Store, tw *twisted) {
			tw.lock = func(ctx context.Context, id string, o session.LockOptions) (session.Item, error) {
				o.Timeout *= 2
				return s.Lock(ctx, id, o)
			}
		})},
		{name: "tells new items that have expired with their lost holds", check: "lost holds keep a new item for its timeout", wrap: tellsAllLocked},
		{name: "keeps the first timeout of a new item", check: "Lock sets the timeout of a new item", wrap: twist(func(s session.Store, tw *twisted) {
			tw.lock = func(ctx context.Context, id string, o session.LockOptions) (session.Item, error) {
				if it, err := s.Get(ctx, id, session.GetOptions{}); err == nil {
					o.Timeout = it.Timeout
				}
				return s.Lock(ctx, id, o)
			}
		})},
	}
}

// unlockLost ends all lost holds of an item.
func unlockLost(ctx context.Context, s session.Store, it session.Item) {
	for _, h := range it.Lost {
		s.Unlock(ctx, it.ID, h.Token, session.UnlockOptions{})
	}
}

// remembersLost tells every hold that was ever lost.
func remembersLost(s session.Store) session.Store {
	var mu sync.Mutex
	ever := map[string][]session.Hold{}
	return told(func(it *session.Item) {
		mu.Lock()
		defer mu.Unlock()
		for _, h := range it.Lost {
			if !slices.ContainsFunc(ever[it.ID], func(known session.Hold) bool { return known.Token == h.Token }) {
				ever[it.ID] = append(ever[it.ID], h)
			}
		}
		it.Lost = slices.Clone(ever[it.ID])
	})(s)
}

// leavesNew answers a new item where one has vanished.
func leavesNew(s session.Store) session.Store {
	var left sync.Map
	return twist(func(s session.Store, tw *twisted) {
		tw.unlock = func(ctx context.Context, id string, token uint64, o session.UnlockOptions) error {
			it, _ := s.Get(ctx, id, session.GetOptions{})
			err := s.Unlock(ctx, id, token, o)
			if it.New && err == nil {
				left.Store(id, session.Item{ID: id, New: true, Timeout: it.Timeout})
			}
			return err
		}
		tw.get = func(ctx context.Context, id string, o session.GetOptions) (session.Item, error) {
			it, err := s.Get(ctx, id, o)
			if old, ok := left.Load(id); ok && errors.Is(err, session.ErrNotFound) {
				return old.(session.Item), nil
			}
			return it, err
		}
	})(s)
}

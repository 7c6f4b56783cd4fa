// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Read returns the last committed state of a session, without a hold, and
// slides its expiry. It gives a writer in progress a moment to commit first,
// because Microsoft's client answers the browser before it commits, and the
// browser's next page would else not see what the last one wrote.
//
// A session that is not stored is an Item that is New; Read stores nothing.
func (m *Manager) Read(ctx context.Context, id string) (Item, error) {
	id, ok := ParseID(id)
	if !ok {
		return m.unknown(NewID()), nil
	}
	item, err := m.get(ctx, id)
	if err != nil {
		return Item{}, err
	}
	if item.Hold.Token != 0 && m.opts.ReadWait > 0 {
		if item, err = m.outwait(ctx, item); err != nil {
			return Item{}, err
		}
	}
	if !item.New {
		return item, nil
	}
	if m.opts.StrictIDs {
		id = NewID()
	}
	return m.unknown(id), nil
}

// unknown returns the item of a session that is not stored.
func (m *Manager) unknown(id string) Item {
	return Item{ID: id, New: true, Data: emptyItems, Timeout: m.opts.Timeout}
}

// get reads an item and slides its expiry. One that is not there is New.
func (m *Manager) get(ctx context.Context, id string) (Item, error) {
	item, err := m.store.Get(ctx, id, GetOptions{Touch: true})
	if errors.Is(err, ErrNotFound) {
		return Item{ID: id, New: true}, nil
	}
	return item, err
}

// outwait waits until the hold of an item has ended, or as long as a reader
// gives it, and returns the item then.
func (m *Manager) outwait(ctx context.Context, item Item) (Item, error) {
	hold := item.Hold
	most := m.readWait(item.ID, hold)
	if most <= 0 {
		return item, nil
	}
	changed, unwatch, err := m.store.Watch(ctx, item.ID)
	if err != nil {
		return Item{}, err
	}
	defer unwatch()
	timer := time.NewTimer(most)
	defer timer.Stop()
	for {
		// It may have ended before the watch began.
		if item, err = m.get(ctx, item.ID); err != nil || item.Hold.Token != hold.Token {
			return item, err
		}
		select {
		case <-changed:
		case <-timer.C:
			m.slow.add(item.ID, hold.Token)
			return item, nil
		case <-ctx.Done():
			return Item{}, context.Cause(ctx)
		case <-m.done.Done():
			return Item{}, ErrClosed
		}
	}
}

// readWait returns how long a reader waits for a hold: the less, the less it
// looks as if it ended soon.
func (m *Manager) readWait(id string, hold Hold) time.Duration {
	most := m.opts.ReadWait
	if m.slow.has(id, hold.Token) {
		most /= 10
	}
	if limit := hold.limit(); limit > 0 {
		most = min(most, limit-hold.Age)
	}
	return most
}

// mostSlowHolds bounds what is remembered of holds that outlived a reader's
// wait. To forget one costs one more full wait.
const mostSlowHolds = 10_000

// slowHolds remembers the holds for which a reader has waited in vain.
type slowHolds struct {
	mu    sync.Mutex
	token map[string]uint64 // by session id
}

func (s *slowHolds) add(id string, token uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.token == nil || len(s.token) >= mostSlowHolds {
		s.token = make(map[string]uint64)
	}
	s.token[id] = token
}

func (s *slowHolds) has(id string, token uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.token[id] == token
}

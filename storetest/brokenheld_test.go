// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"context"
	"sync"
	"time"

	"github.com/sessionbridge/session"
)

func brokenHeldExpiry() []brokenStore {
	return []brokenStore{
		{name: "slides at Put only", check: "Lock slides the expiry", wrap: slidesAtPut},
		{name: "does not slide at Unlock", check: "Unlock slides the expiry", wrap: slidesAtPut},
		{name: "does not slide at Unlock of a lost hold", check: "Unlock of a lost hold slides the expiry", wrap: slidesAtPut},
		{name: "does not slide at a steal", check: "a steal slides the expiry", wrap: slidesAtPut},
		{name: "expires what is held", check: "what a live node holds does not expire", wrap: twist(deafToBeats)},
		{name: "expires a new item that is held", check: "a new item that a live node holds does not expire", wrap: twist(deafToBeats)},
		{name: "takes a node for dead before its time", check: "what a dead node holds expires", wrap: twist(deafToBeats)},
		{name: "keeps for ever what is held", check: "what a dead node holds expires", wrap: beatsForAll},
		{name: "takes a stranger for alive", check: "what a node holds that has never beaten expires", wrap: beatsForAll},
		{name: "keeps a new item for ever that is held", check: "a new item that a dead node holds expires", wrap: beatsForAll},
		{name: "knows the holds of a dead node for ever", check: "nothing is left of what a dead node held", wrap: beatsForAll},
		{name: "has held items in no index", check: "Expire finds what a dead node held", wrap: twist(expiresFreeOnly)},
		{name: "takes an item out of its index that it finds held", check: "Expire finds what was held by a node that died after the timeout", wrap: twist(neverAgain)},
		{name: "has nothing to expire while all is held", check: "what a live node holds does not expire", wrap: twist(neverAgain)},
		{name: "looks at each held item each second", check: "Expire is not called often for what is held", wrap: answersNext(time.Second)},
		{name: "tells new items that have expired", check: "a new item that a dead node holds expires", wrap: tellsAllLocked},
	}
}

// slidesAtPut finds no item whose timeout has passed since it was put.
func slidesAtPut(s session.Store) session.Store {
	var due sync.Map // time.Time by id
	return twist(func(s session.Store, tw *twisted) {
		tw.put = func(ctx context.Context, id string, token uint64, data []byte, o session.PutOptions) error {
			due.Store(id, time.Now().Add(o.Timeout))
			return s.Put(ctx, id, token, data, o)
		}
		tw.get = func(ctx context.Context, id string, o session.GetOptions) (session.Item, error) {
			if at, ok := due.Load(id); ok && !time.Now().Before(at.(time.Time)) {
				return session.Item{}, session.ErrNotFound
			}
			return s.Get(ctx, id, o)
		}
	})(s)
}

func deafToBeats(s session.Store, tw *twisted) {
	tw.beat = func(ctx context.Context, node string, _ time.Duration) ([]string, error) {
		return []string{node}, ctx.Err()
	}
}

func beatsForAll(s session.Store) session.Store {
	return twist(func(s session.Store, tw *twisted) {
		tw.lock = func(ctx context.Context, id string, o session.LockOptions) (session.Item, error) {
			if _, err := s.Beat(ctx, o.Hold.Node, 1000*time.Hour); err != nil {
				return session.Item{}, err
			}
			return s.Lock(ctx, id, o)
		}
		tw.beat = func(ctx context.Context, node string, _ time.Duration) ([]string, error) {
			if _, err := s.Beat(ctx, node, 1000*time.Hour); err != nil {
				return nil, err
			}
			return []string{node}, nil
		}
	})(s)
}

// expiresFreeOnly answers Never until an item has expired that it may tell.
func expiresFreeOnly(s session.Store, tw *twisted) {
	tw.expire = func(ctx context.Context, _ int) ([]string, time.Duration, error) {
		return nil, session.Never, ctx.Err()
	}
}

// neverAgain answers Never when it finds nothing.
func neverAgain(s session.Store, tw *twisted) {
	tw.expire = func(ctx context.Context, limit int) ([]string, time.Duration, error) {
		ids, next, err := s.Expire(ctx, limit)
		if len(ids) == 0 {
			next = session.Never
		}
		return ids, next, err
	}
}

// tellsAllLocked tells all ids that were ever locked when it is asked what has
// expired.
func tellsAllLocked(s session.Store) session.Store {
	var mu sync.Mutex
	var locked []string
	return twist(func(s session.Store, tw *twisted) {
		tw.lock = func(ctx context.Context, id string, o session.LockOptions) (session.Item, error) {
			mu.Lock()
			defer mu.Unlock()
			locked = append(locked, id)
			return s.Lock(ctx, id, o)
		}
		tw.expire = func(ctx context.Context, limit int) ([]string, time.Duration, error) {
			mu.Lock()
			defer mu.Unlock()
			ids, next, err := s.Expire(ctx, limit)
			ids, locked = append(ids, locked...), nil
			return ids, next, err
		}
	})(s)
}

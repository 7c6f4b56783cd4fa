// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package torture_test

import (
	"context"
	"errors"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/internal/torture"
)

// TestTheCheckerFindsAStoreThat breaks one promise of the Store contract at a
// time: a checker that found nothing then would be worth nothing.
func TestTheCheckerFindsAStoreThat(t *testing.T) {
	for _, test := range []struct {
		name   string
		broken func(session.Store) session.Store
	}{
		{"puts with any token", func(s session.Store) session.Store { return anyToken{s} }},
		{"says that it has put what it has not", func(s session.Store) session.Store { return &everyTenth{Store: s, fail: skipPut} }},
		{"says that it has put what another id has", func(s session.Store) session.Store { return &everyTenth{Store: s, fail: putElsewhere} }},
		{"takes the present item for what a lost hold was sent", func(s session.Store) session.Store { return presentBase{s} }},
		{"lends a session to two", func(s session.Store) session.Store { return lender{s} }},
		{"gets an old item", func(s session.Store) session.Store { return &oldItems{Store: s, last: make(map[string]session.Item)} }},
		{"does not delete", func(s session.Store) session.Store { return undying{s} }},
		{"forgets holds that were stolen", func(s session.Store) session.Store { return forgetful{s} }},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			wantViolation(t, func(seed uint64) error {
				b := bubble{seed: seed, broken: test.broken, counts: new(torture.Counts)}
				return b.check(b.play(t))
			})
		})
	}
}

func TestTheCheckerFindsABrokenStoreBehindSockets(t *testing.T) {
	t.Parallel()
	wantViolation(t, func(seed uint64) error {
		l := live{seed: seed, counts: new(torture.Counts), broken: func(s session.Store) session.Store { return anyToken{s} }}
		return l.check(l.play(t, time.Second/2))
	})
}

// wantViolation plays rounds until one shows what is wrong.
func wantViolation(t *testing.T, round func(seed uint64) error) {
	t.Helper()
	const most = 100
	for seed := range uint64(most) {
		err := round(seed)
		var found *torture.Violation
		if !errors.As(err, &found) {
			continue
		}
		if found.Path != "" {
			os.Remove(found.Path)
		}
		t.Logf("round %d: %s", seed+1, found.What)
		return
	}
	t.Errorf("%d rounds showed nothing wrong", most)
}

// anyToken puts whoever has the hold, or none.
type anyToken struct{ session.Store }

func (s anyToken) Put(ctx context.Context, id string, _ uint64, data []byte, o session.PutOptions) error {
	item, err := s.Store.Get(ctx, id, session.GetOptions{})
	if err != nil && !errors.Is(err, session.ErrNotFound) {
		return err
	}
	return s.Store.Put(ctx, id, item.Hold.Token, data, o)
}

// everyTenth fails every tenth Put.
type everyTenth struct {
	session.Store
	fail func(ctx context.Context, s session.Store, id string, token uint64, data []byte, o session.PutOptions) error

	mu   sync.Mutex
	puts int
}

func (s *everyTenth) Put(ctx context.Context, id string, token uint64, data []byte, o session.PutOptions) error {
	s.mu.Lock()
	s.puts++
	fails := s.puts%10 == 0
	s.mu.Unlock()
	if fails {
		return s.fail(ctx, s.Store, id, token, data, o)
	}
	return s.Store.Put(ctx, id, token, data, o)
}

func skipPut(ctx context.Context, s session.Store, id string, token uint64, _ []byte, _ session.PutOptions) error {
	return s.Unlock(ctx, id, token, session.UnlockOptions{Committed: true})
}

func putElsewhere(ctx context.Context, s session.Store, id string, token uint64, data []byte, o session.PutOptions) error {
	for _, other := range ids(2) {
		if other != id {
			if item, err := s.Get(ctx, other, session.GetOptions{}); err == nil && !item.New {
				data = item.Data
			}
		}
	}
	return s.Put(ctx, id, token, data, o)
}

// presentBase merges nothing: all that changed since counts as sent.
type presentBase struct{ session.Store }

func (s presentBase) Base(ctx context.Context, id string, token uint64) (session.Item, error) {
	base, err := s.Store.Base(ctx, id, token)
	if err != nil {
		return base, err
	}
	now, err := s.Store.Get(ctx, id, session.GetOptions{})
	base.Data, base.New = now.Data, now.New
	return base, err
}

// lender grants a hold whoever has the session.
type lender struct{ session.Store }

func (s lender) Lock(ctx context.Context, id string, o session.LockOptions) (session.Item, error) {
	item, err := s.Store.Lock(ctx, id, o)
	var locked *session.LockedError
	if errors.As(err, &locked) {
		o.Steal = locked.Hold.Token
		return s.Store.Lock(ctx, id, o)
	}
	return item, err
}

// oldItems answers now and then what it answered the last time.
type oldItems struct {
	session.Store

	mu   sync.Mutex
	gets int
	last map[string]session.Item
}

func (s *oldItems) Get(ctx context.Context, id string, o session.GetOptions) (session.Item, error) {
	item, err := s.Store.Get(ctx, id, o)
	if err != nil {
		return item, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	old, ok := s.last[id]
	if s.gets++; ok && s.gets%5 == 0 {
		item.Data, item.New = old.Data, old.New
		return item, nil
	}
	s.last[id] = item
	return item, nil
}

// undying ends the hold and leaves the item.
type undying struct{ session.Store }

func (s undying) Delete(ctx context.Context, id string, token uint64) error {
	return s.Store.Unlock(ctx, id, token, session.UnlockOptions{Committed: true})
}

// forgetful knows nothing of lost holds.
type forgetful struct{ session.Store }

func (s forgetful) Lock(ctx context.Context, id string, o session.LockOptions) (session.Item, error) {
	if o.Hold.Late != 0 {
		return session.Item{}, session.ErrLockLost
	}
	return s.Store.Lock(ctx, id, o)
}

func (forgetful) Base(context.Context, string, uint64) (session.Item, error) {
	return session.Item{}, session.ErrLockLost
}

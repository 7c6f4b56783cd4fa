// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/sessionbridge/session"
)

func brokenLate() []brokenStore {
	return []brokenStore{
		{name: "forgets what a hold is late for", check: "Lock with Late is granted if that hold is lost", wrap: told(func(it *session.Item) { it.Hold.Late = 0 })},
		{name: "ends a lost hold when its late one is granted", check: "Lock with Late is granted if that hold is lost", wrap: twist(func(s session.Store, tw *twisted) {
			tw.lock = func(ctx context.Context, id string, o session.LockOptions) (session.Item, error) {
				it, err := s.Lock(ctx, id, o)
				if err == nil && o.Hold.Late != 0 {
					s.Unlock(ctx, id, o.Hold.Late, session.UnlockOptions{})
				}
				return it, err
			}
		})},
		{name: "grants any late hold", check: "Lock with Late is refused if that hold is not lost", wrap: twist(grantsAnyLate)},
		{name: "grants a late hold of no item", check: "Lock with Late that is refused makes no item", wrap: twist(grantsAnyLate)},
		{name: "makes an item and then refuses it", check: "Lock with Late that is refused makes no item", wrap: twist(func(s session.Store, tw *twisted) {
			tw.lock = func(ctx context.Context, id string, o session.LockOptions) (session.Item, error) {
				it, err := s.Lock(ctx, id, o)
				if errors.Is(err, session.ErrLockLost) {
					o.Hold.Late = 0
					s.Lock(ctx, id, o)
				}
				return it, err
			}
		})},
		{name: "removes what has expired when it refuses", check: "Lock with Late that is refused makes no item", wrap: twist(func(s session.Store, tw *twisted) {
			tw.lock = func(ctx context.Context, id string, o session.LockOptions) (session.Item, error) {
				it, err := s.Lock(ctx, id, o)
				if errors.Is(err, session.ErrLockLost) {
					s.Expire(ctx, 10)
				}
				return it, err
			}
		})},
		{name: "names the holder where a late hold is for nothing", check: "Lock with Late is refused if that hold is not lost", wrap: twist(func(s session.Store, tw *twisted) {
			tw.lock = func(ctx context.Context, id string, o session.LockOptions) (session.Item, error) {
				it, err := s.Get(ctx, id, session.GetOptions{})
				if err == nil && it.Hold.Token != o.Steal && it.Hold.Token != 0 {
					return session.Item{}, &session.LockedError{Hold: it.Hold}
				}
				return s.Lock(ctx, id, o)
			}
		})},
		{name: "steals, and then finds that a late hold is for nothing", check: "Lock with Late is refused if that hold is not lost", wrap: twist(func(s session.Store, tw *twisted) {
			tw.lock = func(ctx context.Context, id string, o session.LockOptions) (session.Item, error) {
				it, err := s.Lock(ctx, id, o)
				if errors.Is(err, session.ErrLockLost) && o.Steal != 0 {
					s.Lock(ctx, id, session.LockOptions{Steal: o.Steal, Timeout: o.Timeout})
				}
				return it, err
			}
		})},
		{name: "steals for every late hold", check: "Lock with Late of a held session tells the holder", wrap: twist(func(s session.Store, tw *twisted) {
			tw.lock = func(ctx context.Context, id string, o session.LockOptions) (session.Item, error) {
				if o.Hold.Late != 0 {
					o.Steal = present(s, id)
				}
				return s.Lock(ctx, id, o)
			}
		})},
		{name: "steals for no late hold", check: "Lock with Late may steal", wrap: twist(func(s session.Store, tw *twisted) {
			tw.lock = func(ctx context.Context, id string, o session.LockOptions) (session.Item, error) {
				if o.Hold.Late != 0 {
					o.Steal = 0
				}
				return s.Lock(ctx, id, o)
			}
		})},
		{name: "ends at Put the late hold only", check: "Put of a late hold ends the lost one too", wrap: lateOnly},
		{name: "ends at Unlock the late hold only", check: "Unlock of a late hold as committed ends the lost one too", wrap: lateOnly},
		{name: "commits a lost late hold only", check: "a lost late hold that is committed ends the lost one too", wrap: lateOnly},
		{name: "keeps a new item whose lost hold was committed late", check: "a new item can be committed late", wrap: lateOnly},
		{name: "ends all lost holds at a late Put", check: "Put of a late hold ends the lost one too", wrap: twist(func(s session.Store, tw *twisted) {
			tw.put = func(ctx context.Context, id string, token uint64, data []byte, o session.PutOptions) error {
				it, _ := s.Get(ctx, id, session.GetOptions{})
				err := s.Put(ctx, id, token, data, o)
				if err == nil && it.Hold.Late != 0 {
					unlockLost(ctx, s, it)
				}
				return err
			}
		})},
		{name: "forgets what the committed hold was late for", check: "Put of a late hold ends the lost one too", wrap: told(func(it *session.Item) { it.Committed.Late = 0 })},
		{name: "ends both holds at every Unlock", check: "Unlock of a late hold leaves the lost one", wrap: twist(func(s session.Store, tw *twisted) {
			tw.unlock = func(ctx context.Context, id string, token uint64, o session.UnlockOptions) error {
				it, _ := s.Get(ctx, id, session.GetOptions{})
				err := s.Unlock(ctx, id, token, o)
				if err == nil && it.Hold.Token == token && it.Hold.Late != 0 {
					s.Unlock(ctx, id, it.Hold.Late, o)
				}
				return err
			}
		})},
		{name: "loses no late hold", check: "a late hold may be lost itself", wrap: twist(func(s session.Store, tw *twisted) {
			tw.lock = func(ctx context.Context, id string, o session.LockOptions) (session.Item, error) {
				it, err := s.Lock(ctx, id, o)
				if err != nil {
					return it, err
				}
				for _, h := range it.Lost {
					if h.Late != 0 {
						s.Unlock(ctx, id, h.Token, session.UnlockOptions{})
					}
				}
				return it, err
			}
		})},
		{name: "compares before it commits late", check: "of many late commits of a lost hold one succeeds", wrap: lateOnlyInHaste},
	}
}

// grantsAnyLate takes a late hold that is for nothing for another.
func grantsAnyLate(s session.Store, tw *twisted) {
	tw.lock = func(ctx context.Context, id string, o session.LockOptions) (session.Item, error) {
		it, err := s.Lock(ctx, id, o)
		if errors.Is(err, session.ErrLockLost) {
			o.Hold.Late = 0
			return s.Lock(ctx, id, o)
		}
		return it, err
	}
}

// lateOnly never ends a lost hold with its late one.
func lateOnly(s session.Store) session.Store { return lateAfter(s, 0) }

// lateOnlyInHaste leaves a while between a look for the lost hold and the grant,
// and does not look again.
func lateOnlyInHaste(s session.Store) session.Store { return lateAfter(s, time.Millisecond) }

func lateAfter(s session.Store, haste time.Duration) session.Store {
	var lates sync.Map // what a token is late for
	tell := func(h *session.Hold) {
		if late, ok := lates.Load(h.Token); ok {
			h.Late = late.(uint64)
		}
	}
	tw := told(func(it *session.Item) {
		tell(&it.Hold)
		tell(&it.Committed)
		for i := range it.Lost {
			tell(&it.Lost[i])
		}
	})(s).(*twisted)
	lock := tw.lock
	tw.lock = func(ctx context.Context, id string, o session.LockOptions) (session.Item, error) {
		late := o.Hold.Late
		if late != 0 {
			if _, err := s.Base(ctx, id, late); err != nil {
				return session.Item{}, err
			}
			time.Sleep(haste)
			o.Hold.Late = 0
		}
		it, err := lock(ctx, id, o)
		if err == nil && late != 0 {
			lates.Store(it.Hold.Token, late)
			it.Hold.Late = late
		}
		return it, err
	}
	return tw
}

func brokenLateContexts() []brokenStore {
	const check = "a done context is refused and changes no item"
	return []brokenStore{
		{name: "answers bases with a done context", check: check, wrap: twist(func(s session.Store, tw *twisted) {
			tw.base = func(ctx context.Context, id string, token uint64) (session.Item, error) {
				return s.Base(context.WithoutCancel(ctx), id, token)
			}
		})},
		{name: "grants late holds with a done context", check: check, wrap: twist(func(s session.Store, tw *twisted) {
			tw.lock = func(ctx context.Context, id string, o session.LockOptions) (session.Item, error) {
				if o.Hold.Late != 0 {
					ctx = context.WithoutCancel(ctx)
				}
				return s.Lock(ctx, id, o)
			}
		})},
	}
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"slices"

	"github.com/sessionbridge/session"
)

// An event is something that a watch is to tell. Ready brings an item into the
// state that happen needs, and returns the token of the hold that is meant.
type event struct {
	name   string
	ready  func(c *trial, id string) (token uint64)
	happen func(c *trial, s session.Store, id string, token uint64) error
}

func (ev event) check(c *trial) {
	id := session.NewID()
	token := ev.ready(c, id)
	changed, stop := c.watch(id)
	defer stop()
	c.quiet(changed)
	c.must(ev.happen(c, c.other, id, token))
	c.signalled(changed)
}

func events() []event { return slices.Concat(itemEvents(), lostEvents()) }

func itemEvents() []event {
	nothing := func(*trial, string) uint64 { return 0 }
	stored := func(c *trial, id string) uint64 { c.Helper(); c.put(id, 0, "data"); return 0 }
	held := func(c *trial, id string) uint64 { c.Helper(); c.put(id, 0, "data"); return c.lock(id).Hold.Token }
	fresh := func(c *trial, id string) uint64 { c.Helper(); return c.lock(id).Hold.Token }
	expired := func(c *trial, id string) uint64 { c.Helper(); c.put(id, 0, "data"); c.wait(1.2); return 0 }

	remove := func(c *trial, s session.Store, id string, token uint64) error { return s.Delete(c.ctx, id, token) }
	steal := func(c *trial, s session.Store, id string, token uint64) error {
		_, err := s.Lock(c.ctx, id, session.LockOptions{Steal: token, Timeout: c.timeout})
		return err
	}
	expire := func(c *trial, s session.Store, _ string, _ uint64) error {
		_, _, err := s.Expire(c.ctx, 10)
		return err
	}
	return []event{
		{"Put of an unknown id", nothing, putOther},
		{"Put without a hold", stored, putOther},
		{"Put that ends a hold", held, putOther},
		{"Put that ends the hold of a new item", fresh, putOther},
		{"Unlock", held, unlockPlain},
		{"Unlock of a new item", fresh, unlockPlain},
		{"a steal", held, steal},
		{"a steal of a new item", fresh, steal},
		{"Delete", stored, remove},
		{"Delete of a held item", held, remove},
		{"Delete of a new item", fresh, remove},
		{"Expire", expired, expire},
		{"Expire of what a dead node held", func(c *trial, id string) uint64 { held(c, id); c.wait(1.2); return 0 }, expire},
	}
}

func lostEvents() []event {
	lost := func(c *trial, id string) uint64 {
		c.Helper()
		_, holds := robbed(c, id, 1)
		return holds[0].Token
	}
	free := func(c *trial, id string) uint64 {
		c.Helper()
		_, holds := c.overtaken(id, 1)
		return holds[0].Token
	}
	last := func(c *trial, id string) uint64 {
		c.Helper()
		it, holds := robbed(c, id, 1)
		c.unlock(id, it.Hold.Token)
		return holds[0].Token
	}
	late := func(c *trial, id string) uint64 { c.Helper(); return c.lockLate(id, free(c, id)).Hold.Token }
	return []event{
		{"Unlock of a lost hold", lost, unlockPlain},
		{"Unlock of a lost hold as committed", lost, unlockAsCommitted},
		{"Unlock of a lost hold of a free session", free, unlockPlain},
		{"Unlock of the last lost hold of a new item", last, unlockPlain},
		{"Put of a late hold", late, putOther},
		{"Unlock of a late hold as committed", late, unlockAsCommitted},
	}
}

func putOther(c *trial, s session.Store, id string, token uint64) error {
	return s.Put(c.ctx, id, token, []byte("other"), session.PutOptions{Timeout: c.timeout})
}

func unlockPlain(c *trial, s session.Store, id string, token uint64) error {
	return s.Unlock(c.ctx, id, token, session.UnlockOptions{})
}

func unlockAsCommitted(c *trial, s session.Store, id string, token uint64) error {
	return s.Unlock(c.ctx, id, token, session.UnlockOptions{Committed: true})
}

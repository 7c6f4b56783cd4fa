// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"github.com/sessionbridge/session"
)

func lossesChecks() []check {
	return []check{
		{"Losses counts the holds that were lost in a row", lossesCount},
		{"an end without a commit leaves Losses", lossesStay},
		{"a commit ends the row of Losses", lossesEnd},
		{"Losses end with the item", lossesGo},
	}
}

// losses checks how many holds were lost in a row before this one.
func (c *trial) losses(what string, h session.Hold, want int) {
	c.Helper()
	if h.Losses != want {
		c.Errorf("%s: the hold has %d losses, want %d", what, h.Losses, want)
	}
}

func lossesCount(c *trial) {
	id := session.NewID()
	it, _ := robbed(c, id, 3)
	for i, h := range append(c.get(id).Lost, it.Hold) {
		c.losses("of a row", h, i)
	}
	c.losses("of the present hold", c.get(id).Hold, 3)

	stored := session.NewID()
	c.put(stored, 0, "data")
	it, _ = robbed(c, stored, 2)
	c.losses("of a stored item", it.Hold, 2)
}

func lossesStay(c *trial) {
	id := session.NewID()
	it, lost := robbed(c, id, 3)
	c.unlock(id, it.Hold.Token)
	it = c.lock(id)
	c.losses("after Unlock", it.Hold, 3)
	c.unlock(id, lost[1].Token)
	c.unlock(id, it.Hold.Token)
	it = c.lockLate(id, lost[0].Token)
	c.losses("after Unlock of a lost hold", it.Hold, 3)
	c.losses("after the theft of a late hold", c.steal(id, it.Hold.Token).Hold, 4)
}

func lossesEnd(c *trial) {
	committed := session.UnlockOptions{Committed: true}
	for what, commit := range map[string]func(id string, present, lost uint64){
		"Put": func(id string, present, _ uint64) { c.put(id, present, "data") },
		"Put with token 0": func(id string, present, _ uint64) {
			c.unlock(id, present)
			c.put(id, 0, "data")
		},
		"Unlock as committed": func(id string, present, _ uint64) {
			c.must(c.s.Unlock(c.ctx, id, present, committed))
		},
		"Unlock of a lost hold as committed": func(id string, present, lost uint64) {
			c.must(c.s.Unlock(c.ctx, id, lost, committed))
			c.losses("of the present one after Unlock of a lost one as committed", c.get(id).Hold, 2)
			c.unlock(id, present)
		},
	} {
		id := session.NewID()
		c.put(id, 0, "data")
		it, lost := robbed(c, id, 2)
		commit(id, it.Hold.Token, lost[0].Token)
		it = c.lock(id)
		c.losses("after "+what, it.Hold, 0)
		c.losses("after "+what+" and a theft", c.steal(id, it.Hold.Token).Hold, 1)
	}
}

func lossesGo(c *trial) {
	deleted, vanished, expired := session.NewID(), session.NewID(), session.NewID()
	it, _ := robbed(c, deleted, 2)
	c.must(c.s.Delete(c.ctx, deleted, it.Hold.Token))
	c.losses("after Delete", c.lock(deleted).Hold, 0)
	it, lost := robbed(c, vanished, 1)
	c.unlock(vanished, lost[0].Token)
	c.unlock(vanished, it.Hold.Token)
	c.losses("of a new item that had vanished", c.lock(vanished).Hold, 0)
	it, _ = robbed(c, expired, 2)
	c.wait(1.2)
	c.losses("of an item that has expired", c.lock(expired).Hold, 0)
}

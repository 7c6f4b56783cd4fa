// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"github.com/sessionbridge/session"
)

func reopenChecks() []check {
	return []check{
		{"items and holds outlive the store", itemsOutlive},
		{"tokens rise when the store is opened again", tokensRiseReopened},
		{"learned keys outlive the store", learnedOutlive},
		{"lost holds outlive the store, with their bases", lostOutlive},
		{"Losses outlive the store", lossesOutlive},
	}
}

// reopen closes the stores of a trial and opens one on what they kept.
func (c *trial) reopen() {
	c.Helper()
	closed := c.s
	c.close()
	c.s = c.open(c.o.Reopen(c.t, closed))
	c.other = c.s
}

func itemsOutlive(c *trial) {
	free, held := session.NewID(), session.NewID()
	c.put(free, c.lock(free).Hold.Token, "data")
	it, _ := robbed(c, held, 1)
	it = c.putAndLock(held, it.Hold.Token, "data")
	wantFree, wantHeld := c.get(free), c.get(held)
	c.reopen()
	c.same("that was free", c.get(free), wantFree)
	c.same("that was held", c.get(held), wantHeld)
	c.put(held, it.Hold.Token, "other")
}

func tokensRiseReopened(c *trial) {
	id, deleted := session.NewID(), session.NewID()
	last := c.lock(id).Hold.Token
	c.put(id, last, "data")
	lastDeleted := c.lock(deleted).Hold.Token
	c.must(c.s.Delete(c.ctx, deleted, lastDeleted))
	c.reopen()
	if got := c.lock(id).Hold.Token; got <= last {
		c.Errorf("token %d follows %d", got, last)
	}
	if got := c.lock(deleted).Hold.Token; got <= lastDeleted {
		c.Errorf("token %d follows %d on an id that was deleted", got, lastDeleted)
	}
}

func learnedOutlive(c *trial) {
	c.learn("shop", "cart")
	c.reopen()
	c.knows("after the store was opened again", c.learn("shop"), "cart")
}

func lostOutlive(c *trial) {
	id := session.NewID()
	c.put(id, 0, "first")
	lost, present := c.robbedTwice(id)
	var bases []session.Item
	for _, h := range lost {
		bases = append(bases, c.base(id, h.Token))
	}
	want := c.get(id)
	c.reopen()
	c.same("with lost holds", c.get(id), want)
	for i, h := range lost {
		c.same("that is the base of a lost hold", c.base(id, h.Token), bases[i])
	}
	c.put(id, present.Token, "other")
	late := c.lockLate(id, lost[0].Token)
	c.put(id, late.Hold.Token, "late")
	c.noBase("that was committed late", id, lost[0].Token)
	c.same("that is the base of the other lost hold", c.base(id, lost[1].Token), bases[1])
}

func lossesOutlive(c *trial) {
	id := session.NewID()
	it, _ := robbed(c, id, 2)
	c.reopen()
	c.losses("of the present hold", c.get(id).Hold, 2)
	c.losses("after another theft", c.steal(id, it.Hold.Token).Hold, 3)
}

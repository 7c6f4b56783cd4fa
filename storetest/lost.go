// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"reflect"

	"github.com/sessionbridge/session"
)

func lostChecks() []check {
	return []check{
		{"Lock takes the hold that it names", stealTakes},
		{"Lock takes no other hold", stealOfAnother},
		{"Lock of a free session takes nothing away", stealOfFree},
		{"stolen holds are lost, oldest first", lostInOrder},
		{"Unlock forgets a lost hold", unlockForgets},
		{"lost holds stay until they are unlocked", lostStay},
		{"Unlock as committed makes a lost hold the committed one", unlockLostCommitted},
		{"a hold forgets lost ones that are older than the timeout", lockForgetsOld},
		{"a hold that is stolen is known, however old", oldIsStolen},
		{"a new item stays while it has lost holds", lostKeepNew},
		{"a new item vanishes with its last lost hold", newVanishes},
		{"lost holds keep a new item for its timeout", lostKeepNewFor},
		{"Lock sets the timeout of a new item", lockSetsTimeout},
	}
}

func stealTakes(c *trial) {
	id := session.NewID()
	first := c.lock(id).Hold
	thief := c.steal(id, first.Token)
	c.same("new, that was stolen", thief, session.Item{ID: id, New: true, Timeout: c.timeout, Hold: thief.Hold, Lost: []session.Hold{first}})
	c.put(id, thief.Hold.Token, "data")
	c.same("after the thief's Put", c.get(id), session.Item{ID: id, Data: []byte("data"), Timeout: c.timeout, Lost: []session.Hold{first}, Committed: thief.Hold})
}

func stealOfAnother(c *trial) {
	id := session.NewID()
	first := c.lock(id).Hold.Token
	second := c.steal(id, first).Hold
	for _, token := range []uint64{first, second.Token + 1000} {
		c.unchanged("Lock that would steal another hold", id, func() {
			_, err := c.other.Lock(c.ctx, id, session.LockOptions{Steal: token})
			c.locked("Lock that would steal another hold", err, second)
		})
	}
}

func stealOfFree(c *trial) {
	id := session.NewID()
	unknown := c.steal(id, 7)
	c.same("that was unknown", unknown, session.Item{ID: id, New: true, Timeout: c.timeout, Hold: unknown.Hold})
	c.put(id, unknown.Hold.Token, "data")
	free := c.steal(id, unknown.Hold.Token)
	c.same("that was free", free, session.Item{ID: id, Data: []byte("data"), Timeout: c.timeout, Hold: free.Hold, Committed: unknown.Hold})
}

// robbed returns an item of which a number of holds was stolen, and these holds.
func robbed(c *trial, id string, n int) (session.Item, []session.Hold) {
	c.Helper()
	it := c.lock(id)
	var lost []session.Hold
	for range n {
		lost = append(lost, it.Hold)
		it = c.steal(id, it.Hold.Token)
	}
	return it, lost
}

func lostInOrder(c *trial) {
	id := session.NewID()
	it, lost := robbed(c, id, 3)
	c.same("that Lock answers", it, session.Item{ID: id, New: true, Timeout: c.timeout, Hold: it.Hold, Lost: lost})
	c.same("that Get answers", c.get(id), session.Item{ID: id, New: true, Timeout: c.timeout, Hold: it.Hold, Lost: lost})

	id = session.NewID()
	it, lost = robbed(c, id, 100)
	got := comparable(c.get(id)).Lost
	if len(got) == 0 || len(got) > len(lost) {
		c.Fatalf("%d holds of 100 are known to be lost", len(got))
	}
	for i, h := range lost[len(lost)-len(got):] {
		if got[i] != ageless(h) {
			c.Fatalf("lost hold %d of %d is %+v, want %+v: only the oldest may be forgotten", i, len(got), got[i], ageless(h))
		}
	}
	c.unlock(id, it.Hold.Token)
}

func unlockForgets(c *trial) {
	id := session.NewID()
	it, lost := robbed(c, id, 3)
	c.must(c.other.Unlock(c.ctx, id, lost[1].Token, session.UnlockOptions{}))
	c.same("after Unlock of a lost hold", c.get(id), session.Item{ID: id, New: true, Timeout: c.timeout, Hold: it.Hold, Lost: []session.Hold{lost[0], lost[2]}})
	c.put(id, it.Hold.Token, "data")
	for _, h := range []session.Hold{lost[0], lost[2]} {
		c.must(c.s.Unlock(c.ctx, id, h.Token, session.UnlockOptions{}))
	}
	c.same("after Unlock of all lost holds", c.get(id), session.Item{ID: id, Data: []byte("data"), Timeout: c.timeout, Committed: it.Hold})
}

func lostStay(c *trial) {
	id := session.NewID()
	it, lost := robbed(c, id, 2)
	want := []session.Hold{ageless(lost[0]), ageless(lost[1])}
	still := func(when string) {
		c.Helper()
		if got := comparable(c.get(id)).Lost; !reflect.DeepEqual(got, want) {
			c.Errorf("%s the lost holds are %+v, want %+v", when, got, want)
		}
	}
	c.put(id, it.Hold.Token, "data")
	still("after Put")
	c.unlock(id, c.lock(id).Hold.Token)
	still("after another hold")
	c.put(id, 0, "data")
	still("after Put with token 0")
}

func unlockLostCommitted(c *trial) {
	id := session.NewID()
	it, lost := robbed(c, id, 2)
	c.must(c.other.Unlock(c.ctx, id, lost[0].Token, session.UnlockOptions{Committed: true}))
	c.same("after Unlock of a lost hold as committed", c.get(id),
		session.Item{ID: id, New: true, Timeout: c.timeout, Hold: it.Hold, Lost: lost[1:], Committed: lost[0]})
	c.refused("another Unlock", c.s.Unlock(c.ctx, id, lost[0].Token, session.UnlockOptions{Committed: true}), session.ErrLockLost)
}

func lockForgetsOld(c *trial) {
	id := session.NewID()
	it, old := robbed(c, id, 1)
	c.put(id, it.Hold.Token, "data")
	c.wait(0.7)
	young := c.lock(id).Hold
	c.put(id, c.steal(id, young.Token).Hold.Token, "data")
	c.wait(0.5)
	held := c.lock(id)
	for when, it := range map[string]session.Item{"that Lock answers": held, "that Get answers": c.get(id)} {
		if got := comparable(it).Lost; len(got) != 1 || got[0] != ageless(young) {
			c.Errorf("in the item %s these are lost: %+v, want only the one that is younger than the timeout", when, got)
		}
	}
	c.noBase("that was forgotten", id, old[0].Token)
	c.base(id, young.Token)
	_, err := c.s.Lock(c.ctx, id, session.LockOptions{Hold: session.Hold{Late: old[0].Token}, Steal: held.Hold.Token, Timeout: c.timeout})
	c.refused("Lock with Late of a hold that was forgotten", err, session.ErrLockLost)
	c.refused("Unlock of a hold that was forgotten", c.s.Unlock(c.ctx, id, old[0].Token, session.UnlockOptions{}), session.ErrLockLost)
}

func oldIsStolen(c *trial) {
	c.live(someHold().Node)
	id := session.NewID()
	c.put(id, 0, "data")
	old := c.lock(id).Hold
	c.wait(1.2)
	thief := c.steal(id, old.Token)
	c.same("whose hold was old", thief, session.Item{ID: id, Data: []byte("data"), Timeout: c.timeout, Hold: thief.Hold, Lost: []session.Hold{old}})
	c.put(id, thief.Hold.Token, "other")
	late := c.lockLate(id, old.Token)
	c.same("that is held to commit for an old hold", late,
		session.Item{ID: id, Data: []byte("other"), Timeout: c.timeout, Hold: late.Hold, Lost: []session.Hold{old}, Committed: thief.Hold})
	if got := string(c.base(id, old.Token).Data); got != "data" {
		c.Errorf("the base of an old hold is %q", got)
	}
}

func lostKeepNew(c *trial) {
	id := session.NewID()
	it, lost := robbed(c, id, 2)
	c.must(c.other.Unlock(c.ctx, id, it.Hold.Token, session.UnlockOptions{}))
	want := session.Item{ID: id, New: true, Timeout: c.timeout, Lost: lost}
	c.same("new, that nobody holds any more", c.get(id), want)
	again := c.lock(id)
	want.Hold = again.Hold
	c.same("new, that is held again", again, want)
}

func newVanishes(c *trial) {
	for _, committed := range []bool{false, true} {
		o := session.UnlockOptions{Committed: committed}
		id := session.NewID()
		it, lost := robbed(c, id, 2)
		for _, token := range []uint64{lost[0].Token, it.Hold.Token} {
			c.must(c.s.Unlock(c.ctx, id, token, o))
			c.get(id)
		}
		c.must(c.other.Unlock(c.ctx, id, lost[1].Token, o))
		c.gone("that was new, after Unlock of its last lost hold", id)

		id = session.NewID()
		it, lost = robbed(c, id, 1)
		c.must(c.s.Unlock(c.ctx, id, lost[0].Token, o))
		c.must(c.s.Unlock(c.ctx, id, it.Hold.Token, o))
		c.gone("that was new, after Unlock of its hold when none is lost any more", id)
		again := c.lock(id)
		c.same("that is held again", again, session.Item{ID: id, New: true, Timeout: c.timeout, Hold: again.Hold})
	}
}

func lostKeepNewFor(c *trial) {
	id := session.NewID()
	long := session.LockOptions{Hold: someHold(), Timeout: 2 * c.timeout}
	long.Steal = c.lockAs(id, long).Hold.Token
	lost := long.Steal
	thief := c.lockAs(id, long).Hold.Token
	c.wait(0.5)
	c.unlock(id, thief)
	c.wait(1.7)
	c.get(id)
	c.wait(0.5)
	c.gone("that is new, when its timeout has passed since Unlock", id)
	c.noBase("of an item that has expired", id, lost)
	c.expires() // it was never stored
}

func lockSetsTimeout(c *trial) {
	id := session.NewID()
	first := c.lock(id).Hold
	thief := c.lockAs(id, session.LockOptions{Hold: someHold(), Steal: first.Token, Timeout: 2 * c.timeout})
	c.same("that is new, with another timeout", thief, session.Item{ID: id, New: true, Timeout: 2 * c.timeout, Hold: thief.Hold, Lost: []session.Hold{first}})
	if got := c.base(id, first.Token).Timeout; got != c.timeout {
		c.Errorf("the timeout of the base is %s, want %s", got, c.timeout)
	}
	c.put(id, thief.Hold.Token, "data")
	stored := c.lockAs(id, session.LockOptions{Hold: someHold(), Timeout: 3 * c.timeout})
	if stored.Timeout != c.timeout {
		c.Errorf("the timeout of a stored item is %s after Lock, want that of Put, %s", stored.Timeout, c.timeout)
	}
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"errors"
	"reflect"
	"time"

	"github.com/sessionbridge/session"
)

func holdChecks() []check {
	return []check{
		{"Lock grants what was asked for", lockGrants},
		{"Lock sets token and age itself", lockSetsToken},
		{"Lock of a held session tells the holder", lockTellsHolder},
		{"the age of a hold is that at the answer", ageIsPresent},
		{"tokens rise for ever", tokensRise},
		{"Unlock ends the hold and leaves the data", unlockLeavesData},
		{"Unlock as committed makes the hold the committed one", unlockCommitted},
		{"Unlock of a new item makes it vanish", unlockNew},
		{"Unlock with a stale token changes nothing", unlockStale},
	}
}

func lostChecks() []check {
	return []check{
		{"Lock takes the hold that it names", stealTakes},
		{"Lock takes no other hold", stealOfAnother},
		{"Lock of a free session takes nothing away", stealOfFree},
		{"stolen holds are lost, oldest first", lostInOrder},
		{"Unlock forgets a lost hold", unlockForgets},
		{"lost holds stay until they are unlocked", lostStay},
	}
}

func lockGrants(c *trial) {
	id := session.NewID()
	c.put(id, 0, "data")
	held := c.lock(id)
	want := session.Item{ID: id, Data: []byte("data"), Timeout: c.timeout, Hold: someHold()}
	want.Hold.Token = held.Hold.Token
	c.same("that Lock answers", held, want)
	c.same("that Get answers", c.get(id), want)
	c.unlock(id, held.Hold.Token)

	bare := c.lockAs(id, session.LockOptions{}).Hold
	if want := (session.Hold{Token: bare.Token}); ageless(bare) != want {
		c.Errorf("the hold is %+v, want %+v", bare, want)
	}
}

func lockSetsToken(c *trial) {
	id := session.NewID()
	first := c.lock(id).Hold
	c.unlock(id, first.Token)
	wish := someHold()
	wish.Token, wish.Age = 7, time.Hour
	held := c.lockAs(id, session.LockOptions{Hold: wish}).Hold
	if held.Token <= first.Token {
		c.Errorf("token %d follows %d", held.Token, first.Token)
	}
	if held.Age < 0 || held.Age >= time.Hour {
		c.Errorf("the age of a new hold is %s", held.Age)
	}
}

func lockTellsHolder(c *trial) {
	for _, data := range []string{"", "data"} {
		id := session.NewID()
		held := c.lock(id).Hold
		if data != "" {
			held = c.putAndLock(id, held.Token, data).Hold
		}
		c.unchanged("Lock of a held session", id, func() {
			_, err := c.other.Lock(c.ctx, id, session.LockOptions{Hold: session.Hold{Node: "other"}})
			c.locked("Lock of a held session", err, held)
		})
	}
}

func ageIsPresent(c *trial) {
	id := session.NewID()
	held := c.lock(id).Hold
	c.aged("a hold that was just granted", held.Age, 0)
	c.wait(0.2)
	c.aged("the present hold", c.get(id).Hold.Age, 0.2)
	_, err := c.other.Lock(c.ctx, id, session.LockOptions{})
	var locked *session.LockedError
	if !errors.As(err, &locked) {
		c.Fatalf("Lock of a held session: %v", err)
	}
	c.aged("the holder that an error tells", locked.Hold.Age, 0.2)

	thief := c.steal(id, held.Token)
	c.aged("the hold of a thief", thief.Hold.Age, 0)
	if len(thief.Lost) != 1 {
		c.Fatalf("%d holds are lost, want 1", len(thief.Lost))
	}
	c.aged("a hold that was just lost", thief.Lost[0].Age, 0.2)
	c.put(id, thief.Hold.Token, "data")
	c.wait(0.2)
	it := c.get(id)
	c.aged("the committed hold", it.Committed.Age, 0.2)
	if len(it.Lost) == 1 {
		c.aged("a lost hold", it.Lost[0].Age, 0.4)
	}
}

// aged checks an age, in idle timeouts.
func (c *trial) aged(what string, got time.Duration, timeouts float64) {
	c.Helper()
	want := time.Duration(timeouts * float64(c.timeout))
	if early, late := want-c.timeout/20, want+c.timeout/2; got < max(early, 0) || got > late {
		c.Errorf("the age of %s is %s, want %s", what, got, want)
	}
}

func tokensRise(c *trial) {
	id := session.NewID()
	last := uint64(0)
	granted := func(it session.Item) uint64 {
		c.Helper()
		if it.Hold.Token <= last {
			c.Errorf("token %d follows %d", it.Hold.Token, last)
		}
		last = it.Hold.Token
		return last
	}
	grant := func() uint64 { c.Helper(); return granted(c.lock(id)) }
	for range 3 {
		c.unlock(id, grant()) // vanishes
		c.put(id, grant(), "data")
		c.unlock(id, grant())
		granted(c.steal(id, grant()))
		c.must(c.other.Delete(c.ctx, id, last))
		c.must(c.s.Delete(c.ctx, id, grant())) // new
		c.put(id, grant(), "data")
		c.must(c.s.Delete(c.ctx, id, 0)) // free
		c.put(id, grant(), "data")
		it, err := c.other.Lock(c.ctx, id, session.LockOptions{Timeout: c.timeout})
		c.must(err)
		c.unlock(id, granted(it))
	}
	c.wait(1.1)
	c.put(id, grant(), "data") // in place of what has expired
	c.wait(1.1)
	c.expire(10)
	grant()
}

func unlockLeavesData(c *trial) {
	id := session.NewID()
	committed := c.lock(id).Hold
	c.put(id, committed.Token, "data")
	before := c.get(id)
	token := c.lock(id).Hold.Token
	c.unlock(id, token)
	c.same("after Unlock", c.get(id), before)
	c.refused("another Unlock", c.s.Unlock(c.ctx, id, token, session.UnlockOptions{}), session.ErrLockLost)
}

func unlockCommitted(c *trial) {
	id := session.NewID()
	c.put(id, c.lock(id).Hold.Token, "data")
	held := c.lock(id).Hold
	c.must(c.other.Unlock(c.ctx, id, held.Token, session.UnlockOptions{Committed: true}))
	c.same("after Unlock as committed", c.get(id), session.Item{ID: id, Data: []byte("data"), Timeout: c.timeout, Committed: held})
}

func unlockNew(c *trial) {
	for _, committed := range []bool{false, true} {
		id := session.NewID()
		token := c.lock(id).Hold.Token
		c.must(c.other.Unlock(c.ctx, id, token, session.UnlockOptions{Committed: committed}))
		c.gone("that was new, after Unlock", id)
		again := c.lock(id)
		c.same("that is held again", again, session.Item{ID: id, New: true, Timeout: c.timeout, Hold: again.Hold})
	}
}

func unlockStale(c *trial) {
	free, held, unknown := session.NewID(), session.NewID(), session.NewID()
	ended := c.lock(free).Hold.Token
	c.put(free, ended, "data")
	present := c.lock(held).Hold.Token
	for _, try := range []struct {
		what  string
		id    string
		token uint64
	}{
		{"a token that has ended", free, ended},
		{"token 0 of a free session", free, 0},
		{"token 0 of a held session", held, 0},
		{"a token that never was", held, present + 1000},
	} {
		c.unchanged("Unlock with "+try.what, try.id, func() {
			err := c.other.Unlock(c.ctx, try.id, try.token, session.UnlockOptions{Committed: true})
			c.refused("Unlock with "+try.what, err, session.ErrLockLost)
		})
	}
	c.refused("Unlock of an unknown id", c.s.Unlock(c.ctx, unknown, present, session.UnlockOptions{}), session.ErrLockLost)
	c.gone("after Unlock of an unknown id", unknown)
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

func reopenChecks() []check {
	return []check{
		{"items and holds outlive the store", itemsOutlive},
		{"tokens rise when the store is opened again", tokensRiseReopened},
		{"learned keys outlive the store", learnedOutlive},
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

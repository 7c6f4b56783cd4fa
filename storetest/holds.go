// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"errors"
	"time"

	"github.com/sessionbridge/session"
)

func holdChecks() []check {
	return []check{
		{"Lock grants what was asked for", lockGrants},
		{"Lock sets token, losses and age itself", lockSetsToken},
		{"Lock of a held session tells the holder", lockTellsHolder},
		{"the age of a hold is that at the answer", ageIsPresent},
		{"tokens rise for ever", tokensRise},
		{"Unlock ends the hold and leaves the data", unlockLeavesData},
		{"Unlock as committed makes the hold the committed one", unlockCommitted},
		{"Unlock of a new item makes it vanish", unlockNew},
		{"Unlock with a stale token changes nothing", unlockStale},
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
	wish.Token, wish.Losses, wish.Age = 7, 5, time.Hour
	held := c.lockAs(id, session.LockOptions{Hold: wish}).Hold
	if held.Token <= first.Token {
		c.Errorf("token %d follows %d", held.Token, first.Token)
	}
	c.losses("of a session that was free", held, 0)
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

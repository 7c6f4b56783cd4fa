// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/sessionbridge/session"
)

func lateChecks() []check {
	return []check{
		{"Lock with Late is granted if that hold is lost", lateIsGranted},
		{"Lock with Late is refused if that hold is not lost", lateIsRefused},
		{"Lock with Late that is refused makes no item", lateMakesNothing},
		{"Lock with Late of a held session tells the holder", lateTellsHolder},
		{"Lock with Late may steal", lateSteals},
		{"Put of a late hold ends the lost one too", latePutEnds},
		{"Unlock of a late hold as committed ends the lost one too", lateUnlockEnds},
		{"Unlock of a late hold leaves the lost one", lateUnlockLeaves},
		{"a late hold may be lost itself", lateIsLost},
		{"a lost late hold that is committed ends the lost one too", lostLateCommitted},
		{"a new item can be committed late", lateOfNew},
		{"of many late commits of a lost hold one succeeds", oneLateCommit},
	}
}

// late is the hold that commits for a lost one.
func late(lost uint64) session.Hold {
	h := someHold()
	h.Late = lost
	return h
}

// lockLate takes a hold to commit for a lost one, which must be granted.
func (c *trial) lockLate(id string, lost uint64) session.Item {
	c.Helper()
	return c.lockAs(id, session.LockOptions{Hold: late(lost), Timeout: c.timeout})
}

// overtaken has a number of holds stolen from a stored item, and data stored
// since. It returns the item and the lost holds.
func (c *trial) overtaken(id string, n int) (session.Item, []session.Hold) {
	c.Helper()
	c.put(id, 0, "first")
	it, lost := robbed(c, id, n)
	c.put(id, it.Hold.Token, "second")
	return c.get(id), lost
}

func lateIsGranted(c *trial) {
	id := session.NewID()
	want, lost := c.overtaken(id, 2)
	got := c.lockLate(id, lost[1].Token)
	want.Hold = late(lost[1].Token)
	want.Hold.Token = got.Hold.Token
	c.same("that Lock with Late answers", got, want)
	c.same("that Get answers", c.get(id), want)
	if got := string(c.base(id, lost[1].Token).Data); got != "first" {
		c.Errorf("the base is %q while a late hold commits for it, want %q", got, "first")
	}
	_, err := c.other.Lock(c.ctx, id, session.LockOptions{Timeout: c.timeout})
	c.locked("Lock of a session that has a late hold", err, got.Hold)
}

func lateIsRefused(c *trial) {
	id := session.NewID()
	_, lost := c.overtaken(id, 4)
	ended := c.lock(id).Hold.Token
	c.put(id, ended, "data")
	c.unlock(id, lost[0].Token)
	c.must(c.s.Unlock(c.ctx, id, lost[1].Token, session.UnlockOptions{Committed: true}))
	c.put(id, c.lockLate(id, lost[2].Token).Hold.Token, "late")
	refused := func(what string, token, steal uint64) {
		c.Helper()
		what = "Lock with Late of a hold " + what
		c.unchanged(what, id, func() {
			_, err := c.other.Lock(c.ctx, id, session.LockOptions{Hold: late(token), Steal: steal, Timeout: c.timeout})
			c.refused(what, err, session.ErrLockLost)
		})
	}
	all := func(of string, steal uint64) {
		c.Helper()
		refused("that never was, "+of, lost[3].Token+1000, steal)
		refused("that has ended, "+of, ended, steal)
		refused("that was lost and unlocked, "+of, lost[0].Token, steal)
		refused("that was lost and unlocked as committed, "+of, lost[1].Token, steal)
		refused("that was committed late, "+of, lost[2].Token, steal)
	}
	all("of a free session", 0)
	held := c.lock(id).Hold.Token
	all("of a held session", 0)
	all("with a hold to steal", held)
	refused("that is the present one", held, held)
	c.unlock(id, held)
}

func lateMakesNothing(c *trial) {
	unknown, deleted, expired := session.NewID(), session.NewID(), session.NewID()
	_, lost := c.overtaken(deleted, 1)
	c.must(c.s.Delete(c.ctx, deleted, 0))
	_, lostToo := c.overtaken(expired, 1)
	c.wait(1.2)
	for id, token := range map[string]uint64{unknown: 7, deleted: lost[0].Token, expired: lostToo[0].Token} {
		_, err := c.s.Lock(c.ctx, id, session.LockOptions{Hold: late(token), Timeout: c.timeout})
		c.refused("Lock with Late where there is no item", err, session.ErrLockLost)
		c.gone("after Lock with Late where there was none", id)
	}
	c.expires(expired)
}

func lateTellsHolder(c *trial) {
	id := session.NewID()
	_, lost := c.overtaken(id, 1)
	held := c.lock(id).Hold
	c.unchanged("Lock with Late of a held session", id, func() {
		_, err := c.other.Lock(c.ctx, id, session.LockOptions{Hold: late(lost[0].Token), Timeout: c.timeout})
		c.locked("Lock with Late of a held session", err, held)
	})
}

func lateSteals(c *trial) {
	id := session.NewID()
	want, lost := c.overtaken(id, 1)
	held := c.lock(id).Hold
	got := c.lockAs(id, session.LockOptions{Hold: late(lost[0].Token), Steal: held.Token, Timeout: c.timeout})
	want.Hold, want.Lost = got.Hold, []session.Hold{lost[0], held}
	c.same("that was stolen to commit late", got, want)
	c.must(c.s.Delete(c.ctx, id, got.Hold.Token))
	c.noBase("of a session that was ended late", id, held.Token)
}

func latePutEnds(c *trial) {
	id := session.NewID()
	_, lost := c.overtaken(id, 3)
	held := c.lockLate(id, lost[1].Token).Hold
	c.put(id, held.Token, "late")
	c.same("after Put of a late hold", c.get(id),
		session.Item{ID: id, Data: []byte("late"), Timeout: c.timeout, Lost: []session.Hold{lost[0], lost[2]}, Committed: held})
	c.noBase("that was committed late", id, lost[1].Token)
	c.refused("Unlock of a hold that was committed late",
		c.s.Unlock(c.ctx, id, lost[1].Token, session.UnlockOptions{}), session.ErrLockLost)
}

func lateUnlockEnds(c *trial) {
	id := session.NewID()
	want, lost := c.overtaken(id, 2)
	held := c.lockLate(id, lost[0].Token).Hold
	c.must(c.other.Unlock(c.ctx, id, held.Token, session.UnlockOptions{Committed: true}))
	want.Lost, want.Committed = lost[1:], held
	c.same("after Unlock of a late hold as committed", c.get(id), want)
	c.noBase("that was committed late", id, lost[0].Token)
}

func lateUnlockLeaves(c *trial) {
	id := session.NewID()
	want, lost := c.overtaken(id, 2)
	c.unlock(id, c.lockLate(id, lost[0].Token).Hold.Token)
	c.same("after Unlock of a late hold", c.get(id), want)
	if got := string(c.base(id, lost[0].Token).Data); got != "first" {
		c.Errorf("the base is %q when a late hold has ended without a commit, want %q", got, "first")
	}
	c.put(id, c.lockLate(id, lost[0].Token).Hold.Token, "late")
}

func lateIsLost(c *trial) {
	id := session.NewID()
	want, lost := c.overtaken(id, 1)
	held := c.lockLate(id, lost[0].Token).Hold
	thief := c.steal(id, held.Token)
	want.Hold, want.Lost = thief.Hold, []session.Hold{lost[0], held}
	c.same("whose late hold was stolen", thief, want)
	c.same("that is the base of a late hold", c.base(id, held.Token),
		session.Item{ID: id, Data: []byte("second"), Timeout: c.timeout, Hold: held})
	c.put(id, thief.Hold.Token, "third")
	c.unlock(id, held.Token)
	again := c.lockLate(id, lost[0].Token).Hold
	c.put(id, again.Token, "late")
	c.same("that was committed late at the second try", c.get(id),
		session.Item{ID: id, Data: []byte("late"), Timeout: c.timeout, Committed: again})
}

func lostLateCommitted(c *trial) {
	id := session.NewID()
	want, lost := c.overtaken(id, 1)
	held := c.lockLate(id, lost[0].Token).Hold
	thief := c.steal(id, held.Token).Hold
	c.must(c.s.Unlock(c.ctx, id, held.Token, session.UnlockOptions{Committed: true}))
	want.Hold, want.Lost, want.Committed = thief, nil, held
	c.same("after Unlock of a lost late hold as committed", c.get(id), want)
}

func lateOfNew(c *trial) {
	id := session.NewID()
	it, lost := robbed(c, id, 1)
	c.unlock(id, it.Hold.Token)
	held := c.lockLate(id, lost[0].Token)
	c.same("new, that is held to commit late", held, session.Item{ID: id, New: true, Timeout: c.timeout, Hold: held.Hold, Lost: lost})
	c.put(id, held.Hold.Token, "late")
	c.same("new, after a late commit", c.get(id), session.Item{ID: id, Data: []byte("late"), Timeout: c.timeout, Committed: held.Hold})

	id = session.NewID()
	it, lost = robbed(c, id, 1)
	c.unlock(id, it.Hold.Token)
	c.must(c.s.Unlock(c.ctx, id, c.lockLate(id, lost[0].Token).Hold.Token, session.UnlockOptions{Committed: true}))
	c.gone("that is new still, after the end of its late hold and its lost one", id)
}

func oneLateCommit(c *trial) {
	const holds, callers = 4, 3
	id := session.NewID()
	c.put(id, 0, "0")
	it, lost := robbed(c, id, holds)
	c.unlock(id, it.Hold.Token)
	var made [holds]atomic.Int64
	c.together(holds*callers, func(i int) error {
		err := c.commitLate(c.node(i/2), id, lost[i%holds].Token)
		if err == nil {
			made[i%holds].Add(1)
		} else if !errors.Is(err, session.ErrLockLost) {
			return err
		}
		return nil
	})
	for i := range made {
		if n := made[i].Load(); n != 1 {
			c.Errorf("%d of %d late commits for a lost hold succeeded, want 1", n, callers)
		}
	}
	if got := string(c.get(id).Data); got != strconv.Itoa(holds) {
		c.Errorf("the item says that %q commits were made, want %d", got, holds)
	}
}

// commitLate adds 1 to the number in an item, for an exchange whose hold was
// lost.
func (c *trial) commitLate(s session.Store, id string, lost uint64) error {
	changed, stop, err := s.Watch(c.ctx, id)
	if err != nil {
		return err
	}
	defer stop()
	for {
		it, err := s.Lock(c.ctx, id, session.LockOptions{Hold: late(lost), Timeout: c.timeout})
		var locked *session.LockedError
		if err == nil {
			time.Sleep(time.Millisecond) // so that others meet the hold
			n, err := strconv.Atoi(string(it.Data))
			return errors.Join(err, s.Put(c.ctx, id, it.Hold.Token, strconv.AppendInt(nil, int64(n+1), 10), session.PutOptions{Timeout: c.timeout}))
		}
		if !errors.As(err, &locked) {
			return err
		}
		select {
		case <-changed:
		case <-time.After(c.patience):
			return fmt.Errorf("no signal came while the session was held")
		}
	}
}

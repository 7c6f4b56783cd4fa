// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"slices"
	"time"

	"github.com/sessionbridge/session"
)

func heldExpiryChecks() []check {
	return []check{
		{"what a live node holds does not expire", heldStays},
		{"a new item that a live node holds does not expire", newStays},
		{"a steal slides the expiry", stealSlides},
		{"what a dead node holds expires", deadHolds},
		{"what a node holds that has never beaten expires", strangerHolds},
		{"a new item that a dead node holds expires", deadHoldsNew},
		{"nothing is left of what a dead node held", deadLeavesNothing},
		{"Expire finds what a dead node held", expireDead},
		{"Expire finds what was held by a node that died after the timeout", expireDying},
		{"Expire is not called often for what is held", heldCallsSeldom},
	}
}

func heldStays(c *trial) {
	c.live(someHold().Node)
	id := session.NewID()
	c.put(id, 0, "data")
	token := c.lock(id).Hold.Token
	c.wait(2.5)
	if it := c.get(id); string(it.Data) != "data" || it.Hold.Token != token {
		c.Errorf("an item that was held for long is %+v", it)
	}
	c.idle("while the only item is held")
	c.unlock(id, token)
	c.wait(0.6)
	c.get(id)
	c.wait(0.6)
	c.gone("when its timeout has passed since Unlock", id)
	c.expires(id)
}

// idle checks that Expire removes nothing and asks to be called again later.
func (c *trial) idle(when string) {
	c.Helper()
	ids, next := c.expire(10)
	if len(ids) != 0 || next <= 0 || next == session.Never {
		c.Errorf("Expire answers %q and next %s %s, want none and a while", ids, next, when)
	}
}

func newStays(c *trial) {
	c.live(someHold().Node)
	id := session.NewID()
	it := c.lock(id)
	c.wait(1.5)
	c.idle("while the only item is new")
	c.same("new, that was held for long", c.get(id), it)
	c.put(id, it.Hold.Token, "data")
}

func stealSlides(c *trial) {
	id := session.NewID()
	c.put(id, 0, "data")
	token := c.lock(id).Hold.Token
	c.wait(0.6)
	token = c.steal(id, token).Hold.Token
	c.wait(0.6)
	if it := c.get(id); string(it.Data) != "data" || it.Hold.Token != token {
		c.Errorf("an item that was stolen is %+v", it)
	}
	c.put(id, token, "other")
	c.wait(0.6)
	c.get(id)
}

func deadHolds(c *trial) {
	id := session.NewID()
	c.beat(c.s, someHold().Node, 1.5, someHold().Node)
	c.put(id, 0, "data")
	c.lock(id)
	c.wait(1.2)
	c.get(id)
	c.wait(0.5)
	c.gone("when its timeout has passed and its node is dead", id)
}

func strangerHolds(c *trial) {
	id := session.NewID()
	c.live("another")
	c.put(id, 0, "data")
	c.wait(0.3)
	c.lock(id)
	c.wait(0.8)
	c.get(id)
	c.wait(0.4)
	c.gone("when its timeout has passed since Lock", id)
}

func deadHoldsNew(c *trial) {
	id := session.NewID()
	c.lockAs(id, session.LockOptions{Hold: someHold(), Timeout: 2 * c.timeout})
	c.wait(1.5)
	c.get(id)
	c.wait(0.7)
	c.gone("that is new, when its timeout has passed", id)
	c.expires() // it was never stored
}

func deadLeavesNothing(c *trial) {
	asked, locked, put := session.NewID(), session.NewID(), session.NewID()
	var tokens []uint64
	for _, id := range []string{asked, locked, put} {
		it, _ := robbed(c, id, 1)
		tokens = append(tokens, c.putAndLock(id, it.Hold.Token, "data").Hold.Token)
	}
	c.wait(1.2)
	c.refused("Put", c.s.Put(c.ctx, asked, tokens[0], nil, session.PutOptions{Timeout: c.timeout}), session.ErrLockLost)
	c.refused("Unlock", c.s.Unlock(c.ctx, asked, tokens[0], session.UnlockOptions{}), session.ErrLockLost)
	c.refused("Delete", c.s.Delete(c.ctx, asked, tokens[0]), session.ErrLockLost)
	_, err := c.s.Get(c.ctx, asked, session.GetOptions{Touch: true})
	c.refused("Get with Touch", err, session.ErrNotFound)

	it := c.lock(locked)
	c.same("that is held when a dead node's has expired", it, session.Item{ID: locked, New: true, Timeout: c.timeout, Hold: it.Hold})
	c.put(put, 0, "other")
	c.same("that is put when a dead node's has expired", c.get(put), session.Item{ID: put, Data: []byte("other"), Timeout: c.timeout})
	if ids, _ := c.expire(10); !slices.Equal(ids, []string{asked}) {
		c.Errorf("Expire answers %q, want %q", ids, asked)
	}
}

// delay is how much later than it expires an item may be removed that was held
// beyond its timeout.
func (c *trial) delay() time.Duration {
	return min(c.timeout, time.Minute)
}

func expireDead(c *trial) {
	id := session.NewID()
	c.put(id, 0, "data")
	c.lock(id)
	c.wait(0.5)
	c.follow(id, c.timeout/2)
}

func expireDying(c *trial) {
	id := session.NewID()
	c.beat(c.s, someHold().Node, 2, someHold().Node)
	c.put(id, 0, "data")
	c.lock(id)
	c.wait(1.1)
	c.idle("while the only item is held beyond its timeout")
	ids, _ := c.obey(time.Duration(0.9*float64(c.timeout)) + c.delay() + c.timeout/10)
	if !slices.Equal(ids, []string{id}) {
		c.Errorf("Expire told %q, want %q", ids, id)
	}
}

// obey calls Expire when it asks to be called, for a time. It returns what
// Expire told, and after how many calls.
func (c *trial) obey(most time.Duration) (told []string, calls int) {
	c.Helper()
	for end := time.Now().Add(most); calls < 1000; {
		ids, next := c.expire(100)
		told, calls = append(told, ids...), calls+1
		if next < 0 || time.Until(end) < next {
			return told, calls
		}
		c.sleep(next)
	}
	c.Fatalf("Expire asked to be called 1000 times in less than %s", most)
	return nil, 0
}

// heldCallsSeldom holds some items, each from another moment on.
func heldCallsSeldom(c *trial) {
	c.live(someHold().Node)
	const items = 30
	var ids []string
	for range items {
		id := session.NewID()
		c.put(id, 0, "data")
		c.lock(id)
		ids = append(ids, id)
		c.wait(0.47 / items) // no part of a minute
	}
	c.obey(c.timeout + c.timeout/10) // by then each was seen to be held beyond its timeout
	span := min(3*c.timeout, time.Hour)
	told, calls := c.obey(span)
	if len(told) != 0 {
		c.Errorf("Expire removed %d items that a live node holds", len(told))
	}
	if most := 2*int(span/c.delay()) + 10; calls > most {
		c.Errorf("Expire asked for %d calls in %s while %d items were held beyond their timeout, want at most %d", calls, span, items, most)
	}
	for _, id := range ids {
		c.get(id)
	}
}

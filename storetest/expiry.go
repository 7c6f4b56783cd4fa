// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"time"

	"github.com/sessionbridge/session"
)

func expiryChecks() []check {
	return []check{
		{"an item expires when its timeout has passed", itemExpires},
		{"Put slides the expiry", slides(func(c *trial, id string) { c.put(id, 0, "other") })},
		{"Lock slides the expiry", slides(func(c *trial, id string) { c.lock(id) })}, // for a node that has never beaten
		{"Unlock slides the expiry", slides(func(c *trial, id string) { c.unlock(id, c.lock(id).Hold.Token) })},
		{"Unlock of a lost hold slides the expiry", unlockLostSlides},
		{"Get slides the expiry if asked to", slides(func(c *trial, id string) { c.touch(c.other, id) })},
		{"Get does not slide the expiry unasked", slidesNot(func(c *trial, id string) { c.get(id) })},
		{"what is refused does not slide the expiry", slidesNot(refuseAll)},
		{"an expired item is not found", expiredNotFound},
		{"an expired item leaves nothing to the next", expiredLeavesNothing},
		{"a timeout may be very long", longTimeout},
	}
}

func itemExpires(c *trial) {
	short, long := session.NewID(), session.NewID()
	c.put(short, 0, "data")
	c.must(c.s.Put(c.ctx, long, 0, nil, session.PutOptions{Timeout: 2 * c.timeout}))
	c.wait(0.7)
	c.get(short)
	c.wait(0.5)
	c.gone("when its timeout has passed", short)
	c.get(long)
	c.wait(1)
	c.gone("when its long timeout has passed", long)
}

// slides checks that act slides the expiry of an item, and by no more than its
// timeout.
func slides(act func(c *trial, id string)) func(*trial) {
	return func(c *trial) {
		id := session.NewID()
		c.put(id, 0, "data")
		c.wait(0.6)
		act(c, id)
		c.wait(0.6)
		c.get(id)
		c.wait(0.6)
		c.gone("when its timeout has passed again", id)
	}
}

// slidesNot checks that act does not slide the expiry of a free item.
func slidesNot(act func(c *trial, id string)) func(*trial) {
	return func(c *trial) {
		id := session.NewID()
		c.put(id, 0, "data")
		c.wait(0.6)
		act(c, id)
		c.wait(0.6)
		c.gone("when its timeout has passed", id)
	}
}

func unlockLostSlides(c *trial) {
	id := session.NewID()
	_, lost := c.overtaken(id, 1)
	c.wait(0.6)
	c.unlock(id, lost[0].Token)
	c.wait(0.6)
	c.get(id)
	c.wait(0.6)
	c.gone("when its timeout has passed again", id)
}

// refuseAll tries everything with a token that never was.
func refuseAll(c *trial, id string) {
	c.refused("Put", c.s.Put(c.ctx, id, 7, nil, session.PutOptions{Timeout: c.timeout}), session.ErrLockLost)
	c.refused("Unlock", c.s.Unlock(c.ctx, id, 7, session.UnlockOptions{}), session.ErrLockLost)
	c.refused("Unlock", c.s.Unlock(c.ctx, id, 0, session.UnlockOptions{}), session.ErrLockLost)
	c.refused("Delete", c.s.Delete(c.ctx, id, 7), session.ErrLockLost)
}

func expiredNotFound(c *trial) {
	id := session.NewID()
	token := c.lock(id).Hold.Token
	c.put(id, token, "data")
	c.wait(1.2)
	c.gone("that has expired", id)
	_, err := c.s.Get(c.ctx, id, session.GetOptions{Touch: true})
	c.refused("Get with Touch", err, session.ErrNotFound)
	c.refused("Unlock", c.s.Unlock(c.ctx, id, token, session.UnlockOptions{}), session.ErrLockLost)
	c.refused("Put", c.s.Put(c.ctx, id, token, nil, session.PutOptions{Timeout: c.timeout}), session.ErrLockLost)
	c.must(c.s.Delete(c.ctx, id, 0))
	c.gone("that has expired, after all this", id)
}

func expiredLeavesNothing(c *trial) {
	held, put := session.NewID(), session.NewID()
	for _, id := range []string{held, put} {
		it, _ := robbed(c, id, 1)
		c.put(id, it.Hold.Token, "data")
	}
	c.wait(1.2)
	it := c.lock(held)
	c.same("that is held when the former one has expired", it, session.Item{ID: held, New: true, Timeout: c.timeout, Hold: it.Hold})
	c.put(put, 0, "other")
	c.same("that is put when the former one has expired", c.get(put), session.Item{ID: put, Data: []byte("other"), Timeout: c.timeout})

	if ids, _ := c.expire(10); len(ids) != 0 {
		c.Errorf("Expire answers %q, which are in use again", ids)
	}
	c.get(held)
	c.get(put)
}

func longTimeout(c *trial) {
	id := session.NewID()
	const century = 100 * 365 * 24 * time.Hour
	c.must(c.s.Put(c.ctx, id, 0, nil, session.PutOptions{Timeout: century}))
	c.wait(1.2)
	if it := c.get(id); it.Timeout != century {
		c.Errorf("the timeout is %s, want %s", it.Timeout, century)
	}
	if ids, next := c.expire(10); len(ids) != 0 || next < century/2 {
		c.Errorf("Expire answers %q and next %s", ids, next)
	}
}

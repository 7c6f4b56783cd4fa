// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"slices"
	"time"

	"github.com/sessionbridge/session"
)

func expiryChecks() []check {
	return []check{
		{"an item expires when its timeout has passed", itemExpires},
		{"Put slides the expiry", slides(func(c *trial, id string) { c.put(id, 0, "other") })},
		{"Unlock slides the expiry", slides(func(c *trial, id string) { c.unlock(id, c.lock(id).Hold.Token) })},
		{"Get slides the expiry if asked to", slides(func(c *trial, id string) { c.touch(c.other, id) })},
		{"Get does not slide the expiry unasked", slidesNot(func(c *trial, id string) { c.get(id) })},
		{"what is refused does not slide the expiry", slidesNot(refuseAll)},
		{"a held item does not expire", heldStays},
		{"a new item does not expire", newStays},
		{"a stolen item does not expire", stolenStays},
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

// slides checks that act slides the expiry of a free item, and by no more than
// its timeout.
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

// refuseAll tries everything with a token that never was.
func refuseAll(c *trial, id string) {
	c.refused("Put", c.s.Put(c.ctx, id, 7, nil, session.PutOptions{Timeout: c.timeout}), session.ErrLockLost)
	c.refused("Unlock", c.s.Unlock(c.ctx, id, 7, session.UnlockOptions{}), session.ErrLockLost)
	c.refused("Unlock", c.s.Unlock(c.ctx, id, 0, session.UnlockOptions{}), session.ErrLockLost)
	c.refused("Delete", c.s.Delete(c.ctx, id, 7), session.ErrLockLost)
}

func heldStays(c *trial) {
	id := session.NewID()
	c.put(id, 0, "data")
	token := c.lock(id).Hold.Token
	c.wait(2.5)
	if it := c.get(id); string(it.Data) != "data" || it.Hold.Token != token {
		c.Errorf("an item that was held for long is %+v", it)
	}
	if ids, next := c.expire(10); len(ids) != 0 || next == 0 {
		c.Errorf("Expire answers %q and next %s while the only item is held", ids, next)
	}
	c.unlock(id, token)
	c.wait(0.6)
	c.get(id)
	c.wait(0.6)
	c.gone("when its timeout has passed since Unlock", id)
	c.expires(id)
}

func newStays(c *trial) {
	id := session.NewID()
	it := c.lock(id)
	c.wait(1.5)
	if ids, next := c.expire(10); len(ids) != 0 || next != session.Never {
		c.Errorf("Expire answers %q and next %s while the only item is new, want none and Never", ids, next)
	}
	c.same("new, that was held for long", c.get(id), it)
	c.put(id, it.Hold.Token, "data")
}

func stolenStays(c *trial) {
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

func expireChecks() []check {
	return []check{
		{"Expire of an empty store answers Never", expireNothing},
		{"Expire tells what has expired, once", expireOnce},
		{"Expire removes at most limit items", expireLimit},
		{"Expire does not tell what was deleted", expireDeleted},
		{"Expire tells when to come again", expireNext},
		{"a timeout that becomes shorter is heeded", expireShorter},
		{"Expire tells each id to one caller", expireTogether},
	}
}

// expires checks that Expire tells just these ids, and that nothing is left.
func (c *trial) expires(want ...string) {
	c.Helper()
	got, next := c.expire(len(want) + 10)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		c.Errorf("Expire answers %q, want %q", got, want)
	}
	if next != session.Never {
		c.Errorf("next is %s when all has expired, want Never", next)
	}
}

func expireNothing(c *trial) {
	c.expires()
	id := session.NewID()
	c.put(id, 0, "data")
	c.must(c.s.Delete(c.ctx, id, 0))
	c.expires()
}

func expireOnce(c *trial) {
	early, late, held := session.NewID(), session.NewID(), session.NewID()
	c.put(early, 0, "data")
	c.put(held, 0, "data")
	token := c.lock(held).Hold.Token
	c.wait(0.5)
	c.put(late, 0, "data")
	ids, next := c.expire(10)
	if len(ids) != 0 || next <= 0 || next > c.timeout {
		c.Errorf("Expire answers %q and next %s when nothing is due", ids, next)
	}
	c.wait(0.7)
	ids, next = c.expire(10)
	if !slices.Equal(ids, []string{early}) || next <= 0 || next > c.timeout {
		c.Errorf("Expire answers %q and next %s, want %q and a while", ids, next, early)
	}
	c.gone("after Expire", early)
	c.get(late)
	c.must(c.s.Delete(c.ctx, held, token))
	c.wait(0.5)
	c.expires(late)
	c.expires()
}

func expireLimit(c *trial) {
	all := map[string]bool{}
	for range 7 {
		id := session.NewID()
		c.put(id, 0, "data")
		all[id] = true
	}
	c.wait(1.2)
	for len(all) > 0 {
		ids, next := c.expire(3)
		if want := min(3, len(all)); len(ids) != want {
			c.Fatalf("Expire answers %d ids, want %d", len(ids), want)
		}
		for _, id := range ids {
			if !all[id] {
				c.Fatalf("Expire answers %s, which was not stored or was told before", id)
			}
			delete(all, id)
		}
		if (next == 0) != (len(all) > 0) {
			c.Errorf("next is %s while %d more are due", next, len(all))
		}
	}
}

func expireDeleted(c *trial) {
	deleted, vanished, again := session.NewID(), session.NewID(), session.NewID()
	c.put(deleted, 0, "data")
	c.put(again, 0, "data")
	c.unlock(vanished, c.lock(vanished).Hold.Token)
	c.must(c.s.Delete(c.ctx, deleted, 0))
	c.must(c.s.Delete(c.ctx, again, 0))
	c.wait(0.6)
	c.put(again, 0, "data")
	c.wait(0.6)
	if ids, _ := c.expire(10); len(ids) != 0 {
		c.Errorf("Expire answers %q, which were deleted", ids)
	}
	c.get(again)
	c.wait(0.6)
	c.expires(again)
}

func expireNext(c *trial) {
	id := session.NewID()
	c.put(id, 0, "data")
	c.wait(0.5)
	c.touch(c.s, id)
	c.follow(id, c.timeout)
}

func expireShorter(c *trial) {
	id := session.NewID()
	c.must(c.s.Put(c.ctx, id, 0, nil, session.PutOptions{Timeout: 10 * c.timeout}))
	c.put(id, 0, "data")
	c.follow(id, c.timeout)
}

// follow comes again when Expire says so, until the item has expired. It must
// have done so after about the given time, and without many calls.
func (c *trial) follow(id string, after time.Duration) {
	c.Helper()
	begun := time.Now()
	for range 10 {
		ids, next := c.expire(10)
		if len(ids) == 0 {
			if next <= 0 || next > after+c.timeout/2 {
				c.Fatalf("next is %s after %s, while an item is due after %s", next, time.Since(begun), after)
			}
			c.sleep(next)
			continue
		}
		if !slices.Equal(ids, []string{id}) {
			c.Errorf("Expire answers %q, want %s", ids, id)
		}
		if took := time.Since(begun); took < after-c.timeout/10 || took > after+c.timeout/2 {
			c.Errorf("the item has expired after %s, want %s", took, after)
		}
		return
	}
	c.Errorf("Expire was called 10 times as it asked for, and the item is still there")
}

func expireTogether(c *trial) {
	const items, callers = 200, 8
	var want []string
	for range items {
		id := session.NewID()
		c.put(id, 0, "data")
		want = append(want, id)
	}
	c.wait(1.2)
	told := make([][]string, callers)
	c.together(callers, func(i int) error {
		for next := time.Duration(0); next == 0; {
			var ids []string
			var err error
			if ids, next, err = c.node(i).Expire(c.ctx, 3); err != nil {
				return err
			}
			told[i] = append(told[i], ids...)
		}
		return nil
	})
	got := slices.Concat(told...)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		c.Errorf("%d callers were told %d ids, %d of them different, want %d", callers, len(got), len(slices.Compact(got)), items)
	}
}

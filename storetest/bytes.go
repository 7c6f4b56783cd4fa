// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/sessionbridge/session"
)

func byteChecks() []check {
	return []check{
		{"bytes that are passed are not kept", passedNotKept},
		{"bytes that are returned stay as they are", returnedStay},
		{"two readers may append to what they got", readersAppend},
	}
}

func passedNotKept(c *trial) {
	id := session.NewID()
	data := []byte("data")
	c.must(c.s.Put(c.ctx, id, c.lock(id).Hold.Token, data, session.PutOptions{Timeout: c.timeout}))
	copy(data, "XXXX")
	if got := c.get(id).Data; string(got) != "data" {
		c.Errorf("what was passed was changed, and the item is %q", got)
	}
	keys := []string{"cart", "user"}
	_, err := c.s.Learn(c.ctx, "shop", keys)
	c.must(err)
	keys[0] = "other"
	c.knows("after the keys that were passed have changed", c.learn("shop"), "cart", "user")
}

func returnedStay(c *trial) {
	id := session.NewID()
	it, _ := robbed(c, id, 2)
	it = c.putAndLock(id, it.Hold.Token, "data")
	got, err := c.s.Get(c.ctx, id, session.GetOptions{})
	c.must(err)
	want := comparable(got)
	it = c.putAndLock(id, it.Hold.Token, "DATA")
	it = c.putAndLock(id, it.Hold.Token, strings.Repeat("x", 100))
	c.must(c.s.Unlock(c.ctx, id, got.Lost[0].Token, session.UnlockOptions{}))
	c.steal(id, it.Hold.Token)
	c.same("that was got before it changed", got, want)

	held, err := c.s.Get(c.ctx, id, session.GetOptions{})
	c.must(err)
	want = comparable(held)
	c.must(c.s.Delete(c.ctx, id, held.Hold.Token))
	c.put(session.NewID(), 0, strings.Repeat("y", 100))
	c.same("that was got before it was deleted", held, want)
}

func readersAppend(c *trial) {
	id := session.NewID()
	c.put(id, 0, "data")
	first, err := c.s.Get(c.ctx, id, session.GetOptions{})
	c.must(err)
	second, err := c.s.Get(c.ctx, id, session.GetOptions{})
	c.must(err)
	a, b := append(first.Data, "-first"...), append(second.Data, "-second"...)
	if !bytes.Equal(a, []byte("data-first")) || !bytes.Equal(b, []byte("data-second")) {
		c.Errorf("two readers appended and have %q and %q", a, b)
	}
	if got := c.get(id).Data; string(got) != "data" {
		c.Errorf("two readers appended and the item is %q", got)
	}
}

func contextChecks() []check {
	return []check{
		{"a done context is refused and changes no item", doneChangesNoItem},
		{"a done context slides no expiry", slidesNot(slideWithDone)},
		{"a done context removes nothing that has expired", doneExpiresNothing},
		{"a done context is refused by Watch, Beat and Learn", doneElsewhere},
	}
}

// done are contexts that are over.
func (c *trial) done() []context.Context {
	cancelled, cancel := context.WithCancel(c.ctx)
	cancel()
	late, cancel := context.WithDeadline(c.ctx, time.Now().Add(-time.Hour))
	cancel()
	return []context.Context{cancelled, late}
}

func doneChangesNoItem(c *trial) {
	free, unknown, held := session.NewID(), session.NewID(), session.NewID()
	c.put(free, 0, "data")
	c.put(held, 0, "data")
	present, lost := robbed(c, held, 1)
	token := present.Hold.Token
	put := session.PutOptions{Timeout: 2 * c.timeout}
	for _, ctx := range c.done() {
		refused := func(what, id string, f func() error) {
			c.Helper()
			c.unchanged(what, id, func() { c.refused(what, f(), ctx.Err()) })
		}
		refused("Get", free, func() error { _, err := c.s.Get(ctx, free, session.GetOptions{}); return err })
		refused("Lock", free, func() error { _, err := c.s.Lock(ctx, free, session.LockOptions{}); return err })
		refused("Put", free, func() error { return c.s.Put(ctx, free, 0, nil, put) })
		refused("Delete", free, func() error { return c.s.Delete(ctx, free, 0) })
		refused("Lock that steals", held, func() error { _, err := c.s.Lock(ctx, held, session.LockOptions{Steal: token}); return err })
		refused("Put of a hold", held, func() error { return c.s.Put(ctx, held, token, nil, put) })
		refused("Delete of a hold", held, func() error { return c.s.Delete(ctx, held, token) })
		refused("Unlock", held, func() error { return c.s.Unlock(ctx, held, token, session.UnlockOptions{}) })
		refused("Unlock of a lost hold", held, func() error { return c.s.Unlock(ctx, held, lost[0].Token, session.UnlockOptions{}) })
		_, err := c.s.Lock(ctx, unknown, session.LockOptions{})
		c.refused("Lock of an unknown id", err, ctx.Err())
		c.refused("Put of an unknown id", c.s.Put(ctx, unknown, 0, nil, put), ctx.Err())
		c.gone("after all this", unknown)
	}
}

func slideWithDone(c *trial, id string) {
	for _, ctx := range c.done() {
		_, err := c.s.Get(ctx, id, session.GetOptions{Touch: true})
		c.refused("Get with Touch", err, ctx.Err())
	}
}

func doneExpiresNothing(c *trial) {
	id := session.NewID()
	c.put(id, 0, "data")
	c.wait(1.2)
	for _, ctx := range c.done() {
		ids, _, err := c.s.Expire(ctx, 10)
		c.refused("Expire", err, ctx.Err())
		if len(ids) != 0 {
			c.Errorf("Expire answers %q with an error", ids)
		}
	}
	c.expires(id)
}

func doneElsewhere(c *trial) {
	for _, ctx := range c.done() {
		_, _, err := c.s.Watch(ctx, session.NewID())
		c.refused("Watch", err, ctx.Err())
		_, err = c.s.Beat(ctx, "dead", time.Hour)
		c.refused("Beat", err, ctx.Err())
		_, err = c.s.Learn(ctx, "shop", []string{"cart"})
		c.refused("Learn", err, ctx.Err())
	}
	live, err := c.s.Beat(c.ctx, "live", time.Hour)
	c.must(err)
	if !slices.Equal(live, []string{"live"}) {
		c.Errorf("the nodes %q are alive, want %q", live, "live")
	}
	c.knows("after a done context", c.learn("shop"))
}

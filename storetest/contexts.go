// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"context"
	"slices"
	"time"

	"github.com/sessionbridge/session"
)

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
	thief, robbedHolds := robbed(c, free, 1)
	robbedHold := robbedHolds[0].Token
	c.put(free, thief.Hold.Token, "data")
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
		refused("Base", held, func() error { _, err := c.s.Base(ctx, held, lost[0].Token); return err })
		refused("Lock with Late", free, func() error {
			_, err := c.s.Lock(ctx, free, session.LockOptions{Hold: late(robbedHold)})
			return err
		})
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

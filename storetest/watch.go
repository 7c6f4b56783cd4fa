// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"context"
	"time"

	"github.com/sessionbridge/session"
)

func watchChecks() []check {
	all := []check{
		{"signals that are not received become one", signalsBecomeOne},
		{"a watch is signalled again and again", signalledAgain},
		{"a signal finds the change made", signalAfterChange},
		{"every watch of an id is signalled", everyWatch},
		{"stop ends a watch, and no other", stopEnds},
		{"a watch outlives its context", watchOutlivesContext},
	}
	for _, ev := range events() {
		all = append(all, check{"Watch signals " + ev.name, ev.check})
	}
	return all
}

// An event is something that a watch is to tell. Ready brings an item into the
// state that happen needs, and returns the token of its hold.
type event struct {
	name   string
	ready  func(c *trial, id string) (token uint64)
	happen func(c *trial, s session.Store, id string, token uint64) error
}

func events() []event {
	nothing := func(*trial, string) uint64 { return 0 }
	fresh := func(c *trial, id string) uint64 { c.Helper(); return c.lock(id).Hold.Token }
	stored := func(c *trial, id string) uint64 { c.Helper(); c.put(id, 0, "data"); return 0 }
	held := func(c *trial, id string) uint64 { c.Helper(); c.put(id, 0, "data"); return c.lock(id).Hold.Token }
	expired := func(c *trial, id string) uint64 { c.Helper(); c.put(id, 0, "data"); c.wait(1.2); return 0 }

	put := func(c *trial, s session.Store, id string, token uint64) error {
		return s.Put(c.ctx, id, token, []byte("other"), session.PutOptions{Timeout: c.timeout})
	}
	remove := func(c *trial, s session.Store, id string, token uint64) error { return s.Delete(c.ctx, id, token) }
	unlock := func(c *trial, s session.Store, id string, token uint64) error {
		return s.Unlock(c.ctx, id, token, session.UnlockOptions{})
	}
	steal := func(c *trial, s session.Store, id string, token uint64) error {
		_, err := s.Lock(c.ctx, id, session.LockOptions{Steal: token, Timeout: c.timeout})
		return err
	}
	expire := func(c *trial, s session.Store, _ string, _ uint64) error {
		_, _, err := s.Expire(c.ctx, 10)
		return err
	}
	return []event{
		{"Put of an unknown id", nothing, put},
		{"Put without a hold", stored, put},
		{"Put that ends a hold", held, put},
		{"Put that ends the hold of a new item", fresh, put},
		{"Unlock", held, unlock},
		{"Unlock of a new item", fresh, unlock},
		{"a steal", held, steal},
		{"a steal of a new item", fresh, steal},
		{"Delete", stored, remove},
		{"Delete of a held item", held, remove},
		{"Delete of a new item", fresh, remove},
		{"Expire", expired, expire},
	}
}

func (ev event) check(c *trial) {
	id := session.NewID()
	token := ev.ready(c, id)
	changed, stop := c.watch(id)
	defer stop()
	c.quiet(changed)
	c.must(ev.happen(c, c.other, id, token))
	c.signalled(changed)
}

// watch watches an id, which must succeed.
func (c *trial) watch(id string) (<-chan struct{}, func()) {
	c.Helper()
	changed, stop, err := c.s.Watch(c.ctx, id)
	if err != nil {
		c.Fatalf("Watch: %v", err)
	}
	return changed, stop
}

// signalled waits for the signal that must come.
func (c *trial) signalled(changed <-chan struct{}) {
	c.Helper()
	begun := time.Now()
	defer func() { c.waited += time.Since(begun) }()
	select {
	case _, open := <-changed:
		if !open {
			c.Fatalf("the channel of a watch was closed")
		}
	case <-time.After(c.patience):
		c.Fatalf("no signal")
	}
}

// quiet waits until no signal can be under way any more. It reports whether
// there was none.
func (c *trial) quiet(changed <-chan struct{}) bool {
	c.Helper()
	quiet := true
	c.waited += c.settle
	over := time.After(c.settle)
	for {
		select {
		case _, open := <-changed:
			if !open {
				c.Fatalf("the channel of a watch was closed")
			}
			quiet = false
		case <-over:
			return quiet
		}
	}
}

func signalsBecomeOne(c *trial) {
	id := session.NewID()
	changed, stop := c.watch(id)
	defer stop()
	for range 100 {
		c.put(id, 0, "data")
	}
	c.sleep(c.settle)
	signals := 0
	for {
		select {
		case <-changed:
			signals++
			continue
		default:
		}
		break
	}
	if signals < 1 || signals > 2 { // a second one may have been on its way while the first was taken
		c.Errorf("%d signals for 100 changes that nobody waited for, want 1", signals)
	}
}

func signalledAgain(c *trial) {
	id := session.NewID()
	changed, stop := c.watch(id)
	defer stop()
	for range 5 {
		c.quiet(changed)
		c.put(id, 0, "data")
		c.signalled(changed)
	}
}

func signalAfterChange(c *trial) {
	id := session.NewID()
	for range 20 {
		token := c.lock(id).Hold.Token
		changed, stop := c.watch(id)
		unlocked := make(chan error, 1)
		go func() { unlocked <- c.other.Unlock(c.ctx, id, token, session.UnlockOptions{}) }()
		for held := true; held; {
			c.signalled(changed) // if a signal came before its change, there would be none after it
			it, err := c.s.Get(c.ctx, id, session.GetOptions{})
			held = err == nil && it.Hold.Token == token
		}
		c.must(<-unlocked)
		stop()
	}
}

func everyWatch(c *trial) {
	id := session.NewID()
	first, stopFirst := c.watch(id)
	defer stopFirst()
	second, stopSecond := c.watch(id)
	defer stopSecond()
	other, stopOther, err := c.other.Watch(c.ctx, id)
	c.must(err)
	defer stopOther()
	c.put(id, 0, "data")
	c.signalled(first)
	c.signalled(second)
	c.signalled(other)
}

func stopEnds(c *trial) {
	id := session.NewID()
	kept, stopKept := c.watch(id)
	defer stopKept()
	stopped, stop := c.watch(id)
	stop()
	stop()
	c.quiet(stopped)
	c.put(id, 0, "data")
	c.signalled(kept)
	if !c.quiet(stopped) {
		c.Errorf("a signal came after stop")
	}
	stop()
	again, stopAgain := c.watch(id)
	defer stopAgain()
	c.put(id, 0, "other")
	c.signalled(again)
}

func watchOutlivesContext(c *trial) {
	id := session.NewID()
	ctx, cancel := context.WithCancel(c.ctx)
	changed, stop, err := c.s.Watch(ctx, id)
	c.must(err)
	defer stop()
	cancel()
	c.quiet(changed)
	c.put(id, 0, "data")
	c.signalled(changed)
}

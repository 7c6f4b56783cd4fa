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

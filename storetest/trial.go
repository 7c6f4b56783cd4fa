// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"bytes"
	"context"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/sessionbridge/session"
)

// A reporter is told what is wrong. It is a [testing.T], except where the suite
// itself is tested.
type reporter interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any) // ends the goroutine
}

// A trial is one check of one store.
type trial struct {
	reporter
	t      *testing.T
	o      Options
	ctx    context.Context
	s      session.Store
	other  session.Store // what another node sees; s if it can't be opened twice
	opened []session.Store

	timeout  time.Duration // of the items
	patience time.Duration // how long to wait for what must come
	settle   time.Duration // how long to wait for what must not come

	begun  time.Time
	waited time.Duration // how long it meant to wait since
}

func newTrial(t *testing.T, r reporter, o Options) *trial {
	c := &trial{reporter: r, t: t, o: o, ctx: t.Context(), begun: time.Now()}
	c.timeout, c.patience, c.settle = 20*time.Minute, time.Hour, time.Second
	if o.Bubble == nil {
		c.timeout, c.patience, c.settle = 2*time.Second, 10*time.Second, 200*time.Millisecond
		if o.Timeout > 0 {
			c.timeout = o.Timeout
		}
	}
	c.s = c.open(o.New(t))
	c.other = c.s
	if o.Second != nil {
		c.other = c.open(o.Second(t, c.s))
	}
	return c
}

func (c *trial) open(s session.Store) session.Store {
	c.opened = append(c.opened, s)
	return s
}

// close closes all stores, the last one first.
func (c *trial) close() {
	c.Helper()
	for len(c.opened) > 0 {
		last := len(c.opened) - 1
		if err := c.opened[last].Close(); err != nil {
			c.Errorf("Close: %v", err)
		}
		c.opened = c.opened[:last]
	}
}

// wait lets a part of the idle timeout pass.
func (c *trial) wait(timeouts float64) {
	c.sleep(time.Duration(timeouts * float64(c.timeout)))
}

func (c *trial) sleep(d time.Duration) {
	time.Sleep(d)
	c.waited += d
}

func (c *trial) must(err error) {
	c.Helper()
	if err != nil {
		c.Fatalf("unexpected error: %v", err)
	}
}

// refused checks that err is the wanted one.
func (c *trial) refused(what string, err, want error) {
	c.Helper()
	if !errors.Is(err, want) {
		c.Errorf("%s: got error %v, want %v", what, err, want)
	}
}

// locked checks that err tells the holder.
func (c *trial) locked(what string, err error, holder session.Hold) {
	c.Helper()
	var locked *session.LockedError
	if !errors.As(err, &locked) {
		c.Errorf("%s: got error %v, want a *LockedError", what, err)
		return
	}
	if got := ageless(locked.Hold); got != ageless(holder) {
		c.Errorf("%s: the error tells the holder %+v, want %+v", what, got, ageless(holder))
	}
}

// lock takes a hold that must be granted.
func (c *trial) lock(id string) session.Item {
	c.Helper()
	return c.lockAs(id, session.LockOptions{Hold: someHold(), Timeout: c.timeout})
}

// steal takes a hold away that must be the present one.
func (c *trial) steal(id string, token uint64) session.Item {
	c.Helper()
	return c.lockAs(id, session.LockOptions{Hold: someHold(), Steal: token, Timeout: c.timeout})
}

func (c *trial) lockAs(id string, o session.LockOptions) session.Item {
	c.Helper()
	it, err := c.s.Lock(c.ctx, id, o)
	if err != nil {
		c.Fatalf("Lock: %v", err)
	}
	if it.Hold.Token == 0 {
		c.Fatalf("Lock granted token 0")
	}
	return it
}

// put stores data with the timeout of the trial, which must succeed.
func (c *trial) put(id string, token uint64, data string) {
	c.Helper()
	if err := c.s.Put(c.ctx, id, token, []byte(data), session.PutOptions{Timeout: c.timeout}); err != nil {
		c.Fatalf("Put: %v", err)
	}
}

// putAndLock stores data and takes the next hold.
func (c *trial) putAndLock(id string, token uint64, data string) session.Item {
	c.Helper()
	c.put(id, token, data)
	return c.lock(id)
}

// live keeps a node alive for as long as any check takes.
func (c *trial) live(node string) {
	c.Helper()
	if _, err := c.s.Beat(c.ctx, node, 1000*time.Hour); err != nil {
		c.Fatalf("Beat: %v", err)
	}
}

// touch slides the expiry of an item that must be there.
func (c *trial) touch(s session.Store, id string) {
	c.Helper()
	if _, err := s.Get(c.ctx, id, session.GetOptions{Touch: true}); err != nil {
		c.Fatalf("Get with Touch: %v", err)
	}
}

func (c *trial) unlock(id string, token uint64) {
	c.Helper()
	if err := c.s.Unlock(c.ctx, id, token, session.UnlockOptions{}); err != nil {
		c.Fatalf("Unlock: %v", err)
	}
}

// get reads an item that must be there, as another node sees it.
func (c *trial) get(id string) session.Item {
	c.Helper()
	it, err := c.other.Get(c.ctx, id, session.GetOptions{})
	if err != nil {
		c.Fatalf("Get: %v", err)
	}
	return it
}

// gone checks that there is no item.
func (c *trial) gone(when, id string) {
	c.Helper()
	it, err := c.other.Get(c.ctx, id, session.GetOptions{})
	if !errors.Is(err, session.ErrNotFound) {
		c.Errorf("%s: Get answers %+v and error %v, want ErrNotFound", when, it, err)
	}
}

// same checks that an item is as wanted, but for the ages of its holds.
func (c *trial) same(when string, got, want session.Item) {
	c.Helper()
	got, want = comparable(got), comparable(want)
	if !reflect.DeepEqual(got, want) {
		c.Errorf("%s: the item is\n\t%+v, want\n\t%+v", when, got, want)
	}
}

// unchanged checks that an item is as it was when f has run.
func (c *trial) unchanged(what, id string, f func()) {
	c.Helper()
	before := c.get(id)
	f()
	c.same("after "+what, c.get(id), before)
}

// expire calls Expire, which must succeed.
func (c *trial) expire(limit int) ([]string, time.Duration) {
	c.Helper()
	ids, next, err := c.s.Expire(c.ctx, limit)
	if err != nil {
		c.Fatalf("Expire: %v", err)
	}
	return ids, next
}

// comparable is an item without what may differ between two answers.
func comparable(it session.Item) session.Item {
	lost := it.Lost
	it.Lost = nil
	for _, h := range lost {
		it.Lost = append(it.Lost, ageless(h))
	}
	it.Hold, it.Committed = ageless(it.Hold), ageless(it.Committed)
	it.Data = bytes.Clone(it.Data)
	if len(it.Data) == 0 {
		it.Data = nil
	}
	return it
}

func ageless(h session.Hold) session.Hold {
	h.Age = 0
	return h
}

// someHold has something in every field, and names that an encoding may trip
// over.
func someHold() session.Hold {
	return session.Hold{
		Node:     "node 1:\"a\"",
		Client:   "shop|{ä},\n%s",
		Trace:    "0af7651916cd43dd8448eb211c80319c",
		Detached: true,
		Limit:    90 * time.Second,
	}
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/sessionbridge/session"
)

func crowdChecks() []check {
	return []check{
		{"writers take turns and lose nothing", writersTakeTurns},
		{"one of many gets a free session", oneGetsFree},
		{"one of many thieves succeeds", oneThief},
		{"a commit and a theft don't both succeed", commitOrTheft},
		{"what many teach is learned", manyTeach},
		{"all methods at once", allAtOnce},
	}
}

// node is the store that the i-th of several callers uses.
func (c *trial) node(i int) session.Store {
	if i%2 == 0 {
		return c.s
	}
	return c.other
}

// together calls f n times at once and reports what went wrong.
func (c *trial) together(n int, f func(i int) error) {
	c.Helper()
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { errs[i] = f(i) })
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			c.Errorf("one of %d at once: %v", n, err)
		}
	}
}

func writersTakeTurns(c *trial) {
	const writers, turns = 8, 10
	id := session.NewID()
	c.together(writers, func(i int) error {
		for range turns {
			if err := c.takeTurn(c.node(i), id); err != nil {
				return err
			}
		}
		return nil
	})
	if got, want := string(c.get(id).Data), strconv.Itoa(writers*turns); got != want {
		c.Errorf("the item says that %q turns were taken, want %s", got, want)
	}
}

// takeTurn adds 1 to the number in an item when it has got a hold on it.
func (c *trial) takeTurn(s session.Store, id string) error {
	changed, stop, err := s.Watch(c.ctx, id)
	if err != nil {
		return err
	}
	defer stop()
	want := session.LockOptions{Hold: someHold(), Timeout: time.Hour}
	it, err := s.Lock(c.ctx, id, want)
	for ; err != nil; it, err = s.Lock(c.ctx, id, want) {
		var locked *session.LockedError
		if !errors.As(err, &locked) {
			return err
		}
		select {
		case <-changed:
		case <-time.After(c.patience):
			return fmt.Errorf("no signal came while the session was held")
		}
	}
	n := 0
	if !it.New {
		if n, err = strconv.Atoi(string(it.Data)); err != nil {
			return err
		}
	}
	time.Sleep(time.Millisecond) // so that others meet the hold
	return s.Put(c.ctx, id, it.Hold.Token, strconv.AppendInt(nil, int64(n+1), 10), session.PutOptions{Timeout: time.Hour})
}

// race calls Lock for one session many times at once. It returns the hold that
// was granted, which must be one.
func (c *trial) race(id string, o session.LockOptions) session.Item {
	c.Helper()
	const callers = 8
	granted := make(chan session.Item, callers)
	c.together(callers, func(i int) error {
		it, err := c.node(i).Lock(c.ctx, id, o)
		var locked *session.LockedError
		if err == nil {
			granted <- it
		} else if !errors.As(err, &locked) {
			return err
		}
		return nil
	})
	if len(granted) != 1 {
		c.Fatalf("%d callers at once were granted %d holds, want 1", callers, len(granted))
	}
	return <-granted
}

func oneGetsFree(c *trial) {
	id := session.NewID()
	for range 20 {
		it := c.race(id, session.LockOptions{Hold: someHold(), Timeout: c.timeout})
		c.same("that one of many got", c.get(id), it)
		c.unlock(id, it.Hold.Token)
	}
}

func oneThief(c *trial) {
	id := session.NewID()
	held := c.lock(id).Hold
	for range 20 {
		thief := c.race(id, session.LockOptions{Hold: someHold(), Steal: held.Token, Timeout: c.timeout})
		if last := thief.Lost[len(thief.Lost)-1]; last.Token != held.Token {
			c.Errorf("token %d was stolen, and %d is the last that was lost", held.Token, last.Token)
		}
		held = thief.Hold
	}
}

func commitOrTheft(c *trial) {
	for range 50 {
		id := session.NewID()
		c.put(id, 0, "before")
		token := c.lock(id).Hold.Token
		var commit error
		var thief session.Item
		c.together(2, func(i int) (err error) {
			if i == 0 {
				commit = c.s.Put(c.ctx, id, token, []byte("after"), session.PutOptions{Timeout: c.timeout})
			} else {
				thief, err = c.other.Lock(c.ctx, id, session.LockOptions{Steal: token})
			}
			return err
		})
		data, lost := "after", 0
		if commit != nil {
			c.refused("Put by who was robbed", commit, session.ErrLockLost)
			data, lost = "before", 1
		}
		if string(thief.Data) != data || len(thief.Lost) != lost {
			c.Fatalf("Put answered %v, yet the thief has %+v", commit, thief)
		}
		c.same("after commit and theft", c.get(id), thief)
	}
}

func manyTeach(c *trial) {
	const teachers, keys = 8, 25
	var want []string
	for i := range teachers * keys {
		want = append(want, fmt.Sprintf("key %d", i))
	}
	c.together(teachers, func(i int) error {
		for _, key := range want[i*keys : (i+1)*keys] {
			if _, err := c.node(i).Learn(c.ctx, "shop", []string{key, "common"}); err != nil {
				return err
			}
		}
		return nil
	})
	c.knows("after many have taught", c.learn("shop"), append(want, "common")...)
}

// allAtOnce is for the race detector, and for stores that get stuck.
func allAtOnce(c *trial) {
	ids := []string{session.NewID(), session.NewID(), session.NewID()}
	c.together(8, func(i int) error {
		s, node := c.node(i), fmt.Sprint("node ", i)
		for round := range 30 {
			if err := c.everything(s, ids[round%len(ids)], node); err != nil {
				return err
			}
		}
		return nil
	})
	for _, id := range ids {
		it, err := c.s.Get(c.ctx, id, session.GetOptions{})
		if err == nil {
			c.must(c.s.Delete(c.ctx, id, it.Hold.Token))
		}
		c.gone("after all", id)
	}
}

// everything calls every method once or more. Errors that come from others who
// do the same are expected.
func (c *trial) everything(s session.Store, id, node string) error {
	_, stop, err := s.Watch(c.ctx, id)
	if err != nil {
		return err
	}
	defer stop()
	live, err := s.Beat(c.ctx, node, time.Hour)
	if err != nil || !slices.Contains(live, node) {
		return fmt.Errorf("node %s beats and is told %q and error %w", node, live, err)
	}
	if _, err := s.Learn(c.ctx, "shop", []string{node}); err != nil {
		return err
	}
	if _, _, err := s.Expire(c.ctx, 3); err != nil {
		return err
	}
	got, err := s.Get(c.ctx, id, session.GetOptions{Touch: true})
	if err != nil && !errors.Is(err, session.ErrNotFound) {
		return err
	}
	it, err := s.Lock(c.ctx, id, session.LockOptions{Steal: got.Hold.Token, Timeout: c.timeout})
	errs := []error{err}
	if it.Hold.Token != 0 {
		errs = append(errs,
			s.Put(c.ctx, id, it.Hold.Token, []byte(node), session.PutOptions{Timeout: c.timeout}),
			s.Unlock(c.ctx, id, it.Hold.Token, session.UnlockOptions{Committed: true}),
			s.Delete(c.ctx, id, it.Hold.Token))
	}
	for _, err := range errs {
		var locked *session.LockedError
		if err != nil && !errors.As(err, &locked) && !errors.Is(err, session.ErrLockLost) && !errors.Is(err, session.ErrNotFound) {
			return err
		}
	}
	return nil
}

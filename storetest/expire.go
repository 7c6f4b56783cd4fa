// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"slices"
	"time"

	"github.com/sessionbridge/session"
)

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
	c.live(someHold().Node)
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

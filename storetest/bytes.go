// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"bytes"
	"strings"

	"github.com/sessionbridge/session"
)

func byteChecks() []check {
	return []check{
		{"bytes that are passed are not kept", passedNotKept},
		{"bytes that are returned stay as they are", returnedStay},
		{"bytes that Base returns stay as they are", basesStay},
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
	it, lost := robbed(c, id, 2)
	it = c.putAndLock(id, it.Hold.Token, "data")
	got, err := c.s.Get(c.ctx, id, session.GetOptions{})
	c.must(err)
	want := comparable(got)
	it = c.putAndLock(id, it.Hold.Token, "DATA")
	it = c.putAndLock(id, it.Hold.Token, strings.Repeat("x", 100))
	c.must(c.s.Unlock(c.ctx, id, lost[0].Token, session.UnlockOptions{}))
	c.steal(id, it.Hold.Token)
	c.same("that was got before it changed", got, want)

	held, err := c.s.Get(c.ctx, id, session.GetOptions{})
	c.must(err)
	want = comparable(held)
	c.must(c.s.Delete(c.ctx, id, held.Hold.Token))
	c.put(session.NewID(), 0, strings.Repeat("y", 100))
	c.same("that was got before it was deleted", held, want)
}

func basesStay(c *trial) {
	id := session.NewID()
	c.put(id, 0, "data")
	lost := c.lock(id).Hold.Token
	held := c.steal(id, lost).Hold.Token
	first, err := c.s.Base(c.ctx, id, lost)
	c.must(err)
	want := comparable(first)
	second, err := c.s.Base(c.ctx, id, lost)
	c.must(err)
	a, b := append(first.Data, "-first"...), append(second.Data, "-second"...)
	if string(a) != "data-first" || string(b) != "data-second" {
		c.Errorf("two readers of a base appended and have %q and %q", a, b)
	}
	held = c.putAndLock(id, held, "DATA").Hold.Token
	c.base(id, lost)
	c.put(id, held, strings.Repeat("x", 100))
	other := c.lock(id).Hold.Token
	held = c.steal(id, other).Hold.Token
	c.base(id, other)
	c.unlock(id, lost)
	c.put(id, held, strings.Repeat("y", 100))
	c.must(c.s.Delete(c.ctx, id, 0))
	c.same("that was answered as a base", first, want)
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

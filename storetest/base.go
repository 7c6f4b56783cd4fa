// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"github.com/sessionbridge/session"
)

func baseChecks() []check {
	return []check{
		{"Base answers the item as it was when the hold was stolen", baseAsStolen},
		{"the base of a hold of a new item is new", baseOfNew},
		{"lost holds have bases of their own", basesApart},
		{"Base tells losses and age of its hold", baseTellsHold},
		{"Base finds lost holds only", baseOfLostOnly},
		{"Base does not slide the expiry", baseSlidesNot},
	}
}

// base asks for the base of a hold that must be lost, as another node does.
func (c *trial) base(id string, token uint64) session.Item {
	c.Helper()
	it, err := c.other.Base(c.ctx, id, token)
	if err != nil {
		c.Fatalf("Base: %v", err)
	}
	return it
}

// noBase checks that no hold with a token is lost.
func (c *trial) noBase(of, id string, token uint64) {
	c.Helper()
	it, err := c.other.Base(c.ctx, id, token)
	c.refused("Base of a hold "+of, err, session.ErrLockLost)
	if err == nil {
		c.Errorf("it answers %+v", it)
	}
}

// robbedTwice has two holds of an item stolen. Data and timeout are others each
// time. It returns the lost holds and the present one.
func (c *trial) robbedTwice(id string) (lost []session.Hold, present session.Hold) {
	c.Helper()
	first := c.lock(id).Hold
	thief := c.steal(id, first.Token).Hold
	c.must(c.s.Put(c.ctx, id, thief.Token, []byte("second"), session.PutOptions{Timeout: 2 * c.timeout}))
	second := c.lock(id).Hold
	return []session.Hold{first, second}, c.steal(id, second.Token).Hold
}

func baseAsStolen(c *trial) {
	id := session.NewID()
	c.put(id, c.lock(id).Hold.Token, "data")
	lost := c.lock(id).Hold
	thief := c.steal(id, lost.Token).Hold
	want := session.Item{ID: id, Data: []byte("data"), Timeout: c.timeout, Hold: lost}
	still := func(when string) {
		c.Helper()
		c.same("that is the base "+when, c.base(id, lost.Token), want)
	}
	still("after the theft")
	c.must(c.s.Put(c.ctx, id, thief.Token, []byte("other"), session.PutOptions{Timeout: 2 * c.timeout}))
	still("after the thief's Put")
	token := c.lock(id).Hold.Token
	still("after another hold")
	token = c.steal(id, token).Hold.Token
	still("after another theft")
	c.unlock(id, token)
	c.put(id, 0, "third")
	still("after Put with token 0")
	c.unchanged("Base", id, func() { c.base(id, lost.Token) })
}

func baseOfNew(c *trial) {
	id := session.NewID()
	it, lost := robbed(c, id, 1)
	want := session.Item{ID: id, New: true, Timeout: c.timeout, Hold: lost[0]}
	c.same("that is the base while the item is new", c.base(id, lost[0].Token), want)
	c.put(id, it.Hold.Token, "data")
	base := c.base(id, lost[0].Token)
	c.same("that is the base when the item is stored", base, want)
	if base.Data != nil {
		c.Errorf("Data of a new base are %q, want nil", base.Data)
	}
}

func basesApart(c *trial) {
	id := session.NewID()
	c.put(id, 0, "first")
	lost, present := c.robbedTwice(id)
	first := session.Item{ID: id, Data: []byte("first"), Timeout: c.timeout, Hold: lost[0]}
	second := session.Item{ID: id, Data: []byte("second"), Timeout: 2 * c.timeout, Hold: lost[1]}
	c.same("that is the base of the first", c.base(id, lost[0].Token), first)
	c.same("that is the base of the second", c.base(id, lost[1].Token), second)
	c.put(id, present.Token, "third")
	c.unlock(id, lost[1].Token)
	c.same("that is the base of the first when the second is unlocked", c.base(id, lost[0].Token), first)
	third := c.lock(id).Hold
	c.steal(id, third.Token)
	c.same("that is the base of the third", c.base(id, third.Token), session.Item{ID: id, Data: []byte("third"), Timeout: c.timeout, Hold: third})
}

func baseTellsHold(c *trial) {
	id := session.NewID()
	c.wait(0.1)
	_, lost := robbed(c, id, 2)
	c.wait(0.3)
	got := c.base(id, lost[1].Token).Hold
	c.losses("of a base", got, 1)
	c.aged("the hold of a base", got.Age, 0.3)
}

func baseOfLostOnly(c *trial) {
	id := session.NewID()
	c.noBase("of an unknown id", id, 7)
	it, lost := robbed(c, id, 4)
	present := it.Hold.Token
	c.noBase("that never was", id, present+1000)
	c.noBase("with token 0", id, 0)
	c.noBase("that is the present one", id, present)
	c.unlock(id, lost[0].Token)
	c.noBase("that was lost and unlocked", id, lost[0].Token)
	c.must(c.s.Unlock(c.ctx, id, lost[1].Token, session.UnlockOptions{Committed: true}))
	c.noBase("that was lost and unlocked as committed", id, lost[1].Token)
	c.put(id, present, "data")
	c.noBase("that has ended", id, present)
	c.noBase("with token 0 of a free session", id, 0)
	c.put(id, c.lockLate(id, lost[2].Token).Hold.Token, "late")
	c.noBase("that was committed late", id, lost[2].Token)
	c.base(id, lost[3].Token)

	c.must(c.s.Delete(c.ctx, id, 0))
	c.noBase("of an item that was deleted", id, lost[3].Token)
	it, lost = robbed(c, id, 1)
	c.put(id, it.Hold.Token, "data")
	c.wait(1.2)
	c.noBase("of an item that has expired", id, lost[0].Token)
	c.lock(id)
	c.noBase("of an item that has expired and is held again", id, lost[0].Token)
}

func baseSlidesNot(c *trial) {
	id := session.NewID()
	it, lost := robbed(c, id, 1)
	c.put(id, it.Hold.Token, "data")
	c.wait(0.6)
	c.base(id, lost[0].Token)
	c.wait(0.6)
	c.gone("when its timeout has passed", id)
}

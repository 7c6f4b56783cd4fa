// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"bytes"
	"errors"
	"time"

	"github.com/sessionbridge/session"
)

func itemChecks() []check {
	return []check{
		{"an unknown id is not found", unknownNotFound},
		{"an id that is only held is a new item", heldIsNew},
		{"what was put is got", putIsGot},
		{"empty data are stored", emptyIsStored},
		{"any bytes are stored", anyBytesAreStored},
		{"Put replaces data and timeout", putReplaces},
		{"Put ends the hold and makes it the committed one", putEndsHold},
		{"Put with token 0 needs a free session", putFree},
		{"Put with a stale token changes nothing", putStale},
		{"Delete removes the item, its hold and all that is known of former ones", deleteRemovesAll},
		{"Delete of no item is no error", deleteNothing},
		{"Delete with token 0 needs a free session", deleteFree},
		{"Delete with a stale token changes nothing", deleteStale},
		{"items are apart", itemsAreApart},
	}
}

func unknownNotFound(c *trial) {
	c.gone("of an unknown id", session.NewID())
	_, err := c.s.Get(c.ctx, session.NewID(), session.GetOptions{Touch: true})
	c.refused("Get with Touch of an unknown id", err, session.ErrNotFound)
}

func heldIsNew(c *trial) {
	id := session.NewID()
	want := session.Item{ID: id, New: true, Timeout: c.timeout, Hold: someHold()}
	locked := c.lock(id)
	want.Hold.Token = locked.Hold.Token
	c.same("that Lock answers", locked, want)
	if locked.Data != nil {
		c.Errorf("Data of a new item are %q, want nil", locked.Data)
	}
	c.same("that Get answers", c.get(id), want)
	touched, err := c.s.Get(c.ctx, id, session.GetOptions{Touch: true})
	c.must(err)
	c.same("that Get with Touch answers", touched, want)
}

func putIsGot(c *trial) {
	id := session.NewID()
	c.put(id, 0, "data")
	c.same("that was put", c.get(id), session.Item{ID: id, Data: []byte("data"), Timeout: c.timeout})
}

func emptyIsStored(c *trial) {
	id := session.NewID()
	c.put(id, 0, "")
	c.same("that was put without data", c.get(id), session.Item{ID: id, Timeout: c.timeout})
	held := c.lock(id)
	if held.New {
		c.Errorf("an item with empty data is new when it is held")
	}
	c.unlock(id, held.Hold.Token)
	if c.get(id).New {
		c.Errorf("an item with empty data is new when it is free again")
	}
}

func anyBytesAreStored(c *trial) {
	var every []byte
	for i := range 256 {
		every = append(every, byte(i), 0xff, '\r', '\n')
	}
	for _, data := range [][]byte{every, bytes.Repeat(every, 1024), {0}, []byte("\xff\xfe{}")} {
		id := session.NewID()
		c.put(id, 0, string(data))
		if got := c.get(id).Data; !bytes.Equal(got, data) {
			c.Errorf("%d bytes were put, other %d bytes were got", len(data), len(got))
		}
	}
}

func putReplaces(c *trial) {
	id := session.NewID()
	c.put(id, 0, "a longer one")
	c.must(c.other.Put(c.ctx, id, 0, []byte("other"), session.PutOptions{Timeout: 2 * c.timeout}))
	c.same("that was put again", c.get(id), session.Item{ID: id, Data: []byte("other"), Timeout: 2 * c.timeout})
}

func putEndsHold(c *trial) {
	id := session.NewID()
	first := c.lock(id).Hold
	c.put(id, first.Token, "first")
	c.same("after Put", c.get(id), session.Item{ID: id, Data: []byte("first"), Timeout: c.timeout, Committed: first})

	second := c.lock(id)
	c.same("that is held again", second, session.Item{ID: id, Data: []byte("first"), Timeout: c.timeout, Hold: second.Hold, Committed: first})
	c.put(id, second.Hold.Token, "second")
	c.same("after another Put", c.get(id), session.Item{ID: id, Data: []byte("second"), Timeout: c.timeout, Committed: second.Hold})

	c.put(id, 0, "third")
	c.same("after Put without a hold", c.get(id), session.Item{ID: id, Data: []byte("third"), Timeout: c.timeout, Committed: second.Hold})
}

func putFree(c *trial) {
	id := session.NewID()
	put := func() error {
		return c.other.Put(c.ctx, id, 0, []byte("other"), session.PutOptions{Timeout: 2 * c.timeout})
	}
	held := c.lock(id).Hold
	c.unchanged("Put with token 0 of a new item that is held", id, func() {
		c.locked("Put with token 0 of a new item that is held", put(), held)
	})
	c.put(id, held.Token, "data")
	held = c.lock(id).Hold
	c.unchanged("Put with token 0 of an item that is held", id, func() {
		c.locked("Put with token 0 of an item that is held", put(), held)
	})
	c.unlock(id, held.Token)
	c.must(put())
}

// stale calls f with tokens that aren't the present hold's, on items that are
// free, held, new or unknown, and checks that it is refused and changes nothing.
func stale(c *trial, what string, f func(id string, token uint64) error) {
	free, held, fresh, unknown := session.NewID(), session.NewID(), session.NewID(), session.NewID()
	ended := c.lock(free).Hold.Token
	c.put(free, ended, "data")
	stolen := c.lock(held).Hold.Token
	c.put(held, stolen, "data")
	stolen = c.lock(held).Hold.Token
	present := c.steal(held, stolen).Hold.Token
	freshToken := c.lock(fresh).Hold.Token

	for _, try := range []struct {
		of    string
		id    string
		token uint64
	}{
		{"that has ended, of a free session", free, ended},
		{"that never was, of a free session", free, ended + 1000},
		{"that was stolen", held, stolen},
		{"that never was, of a held session", held, present + 1000},
		{"that never was, of a new session", fresh, freshToken + 1000},
	} {
		what := what + " with a token " + try.of
		c.unchanged(what, try.id, func() {
			c.refused(what, f(try.id, try.token), session.ErrLockLost)
		})
	}
	c.refused(what+" with a token of an unknown id", f(unknown, present), session.ErrLockLost)
	c.gone("after "+what+" with a token of an unknown id", unknown)
}

func putStale(c *trial) {
	stale(c, "Put", func(id string, token uint64) error {
		return c.other.Put(c.ctx, id, token, []byte("other"), session.PutOptions{Timeout: 2 * c.timeout})
	})
}

func deleteStale(c *trial) {
	stale(c, "Delete", func(id string, token uint64) error { return c.other.Delete(c.ctx, id, token) })
}

func deleteRemovesAll(c *trial) {
	id := session.NewID()
	c.put(id, c.lock(id).Hold.Token, "data")
	thief := c.steal(id, c.lock(id).Hold.Token).Hold
	c.must(c.other.Delete(c.ctx, id, thief.Token))
	c.gone("after Delete", id)
	c.refused("Put after Delete", c.s.Put(c.ctx, id, thief.Token, nil, session.PutOptions{Timeout: c.timeout}), session.ErrLockLost)
	c.gone("after that Put", id)

	again := c.lock(id)
	c.same("that is held after Delete", again, session.Item{ID: id, New: true, Timeout: c.timeout, Hold: again.Hold})
	c.must(c.s.Delete(c.ctx, id, again.Hold.Token))
	c.gone("that was new, after Delete", id)
}

func deleteNothing(c *trial) {
	id := session.NewID()
	c.must(c.s.Delete(c.ctx, id, 0))
	c.put(id, 0, "data")
	c.must(c.s.Delete(c.ctx, id, 0))
	c.gone("after Delete", id)
	c.must(c.s.Delete(c.ctx, id, 0))
}

func deleteFree(c *trial) {
	id := session.NewID()
	c.put(id, 0, "data")
	held := c.lock(id).Hold
	c.unchanged("Delete with token 0", id, func() {
		c.locked("Delete with token 0", c.other.Delete(c.ctx, id, 0), held)
	})
}

func itemsAreApart(c *trial) {
	ids := make([]string, 500)
	for i := range ids {
		ids[i] = session.NewID()
		// None may expire, however long a store on a busy machine takes.
		c.must(c.s.Put(c.ctx, ids[i], 0, []byte(ids[i]), session.PutOptions{Timeout: time.Hour}))
	}
	for i, id := range ids {
		switch i % 3 {
		case 1:
			c.lock(id)
		case 2:
			c.must(c.s.Delete(c.ctx, id, 0))
		}
	}
	for i, id := range ids {
		it, err := c.other.Get(c.ctx, id, session.GetOptions{})
		if deleted := i%3 == 2; deleted != errors.Is(err, session.ErrNotFound) {
			c.Fatalf("item %d: deleted is %t, but Get answers error %v", i, deleted, err)
		}
		if err == nil && (string(it.Data) != id || (i%3 == 1) != (it.Hold.Token != 0)) {
			c.Fatalf("item %d of id %s is %+v", i, id, it)
		}
	}
}

// fullStore fills a store and finds out what it refuses.
func fullStore(c *trial) {
	s := c.open(c.o.Small(c.t))
	held := session.NewID()
	c.must(s.Put(c.ctx, held, 0, []byte("data"), session.PutOptions{Timeout: time.Hour}))
	it, err := s.Lock(c.ctx, held, session.LockOptions{Hold: someHold()})
	c.must(err)
	before, err := s.Get(c.ctx, held, session.GetOptions{})
	c.must(err)

	ids := fill(c, s)
	err = s.Put(c.ctx, held, it.Hold.Token, make([]byte, 64<<10), session.PutOptions{Timeout: time.Hour})
	c.refused("Put of 64 KiB", err, session.ErrFull)
	after, err := s.Get(c.ctx, held, session.GetOptions{})
	c.must(err)
	c.same("after a Put that was refused", after, before)
	for _, id := range ids {
		if it, err := s.Get(c.ctx, id, session.GetOptions{}); err != nil || len(it.Data) != 1024 {
			c.Fatalf("in a full store an item has %d bytes, and error %v", len(it.Data), err)
		}
	}
	c.must(s.Delete(c.ctx, ids[0], 0))
	c.must(s.Put(c.ctx, ids[0], 0, make([]byte, 1024), session.PutOptions{Timeout: time.Hour}))
}

// fill puts items of 1 KiB until the store is full.
func fill(c *trial, s session.Store) (ids []string) {
	c.Helper()
	for range 10_000 {
		id := session.NewID()
		err := s.Put(c.ctx, id, 0, make([]byte, 1024), session.PutOptions{Timeout: time.Hour})
		if err == nil {
			ids = append(ids, id)
			continue
		}
		c.refused("Put of one item too many", err, session.ErrFull)
		if _, err := s.Get(c.ctx, id, session.GetOptions{}); !errors.Is(err, session.ErrNotFound) {
			c.Errorf("an item that was refused is there: error %v", err)
		}
		if len(ids) == 0 {
			c.Fatalf("a small store has room for no item")
		}
		return ids
	}
	c.Fatalf("a small store has room for 10,000 items of 1 KiB")
	return nil
}

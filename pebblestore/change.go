// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package pebblestore

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/sessionbridge/session"
)

// A change is what a writer does with one item while he has its stripe.
type change struct {
	s   *Store
	st  *stripe
	id  string
	now time.Duration

	it     *item // as it is to be; nil if there is none
	data   []byte
	writes bool // data are to be stored

	found    *item // expired or not
	versions []version
	look     time.Duration
	bytes    int64
}

// change lets f change an item. What f does to it is stored by save.
func (s *Store) change(ctx context.Context, id string, f func(*change) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := s.working(); err != nil {
		return s.wrong(err)
	}
	st := s.stripes.of(id)
	st.order.Lock()
	defer st.order.Unlock()
	found, err := s.item(st, id)
	if err != nil {
		return s.wrong(err)
	}
	c := &change{s: s, st: st, id: id, now: s.now(), found: found, versions: found.versions(), bytes: found.bytes()}
	if found != nil {
		c.look = found.look
	}
	if found != nil && !s.hasExpired(found, c.now) {
		c.it = found
	}
	return f(c)
}

// item reads the record of an id; nil if there is none. The stripe is held.
func (s *Store) item(st *stripe, id string) (*item, error) {
	b, err := s.read(itemKey(id))
	if b == nil || err != nil {
		return nil, err
	}
	it, err := decodeItem(id, b)
	if err != nil {
		return nil, fmt.Errorf("item %s: %w", session.HashID(id), err)
	}
	it.slid = s.clock.slid(max(it.slid, st.slid(id)), it.timeout)
	return it, nil
}

// put replaces the data.
func (c *change) put(data []byte) {
	if c.it == nil {
		c.it = &item{id: c.id}
	}
	c.it.replace(len(data))
	c.data, c.writes = data, true
}

// save stores the item as it is now, and makes sure that Expire finds it.
func (c *change) save(d durability) error {
	if c.it != nil && (c.it.look == 0 || c.it.expiry() < c.it.look) {
		c.it.look = c.it.expiry()
	}
	return c.store(d)
}

// store stores the item as it is now.
func (c *change) store(d durability) error {
	err := c.s.disk.admit(len(c.data), c.writes)
	if err == nil {
		err = c.s.take(c.it.bytes()-c.bytes, c.writes || c.found == nil)
	}
	if err != nil {
		return c.s.wrong(err)
	}
	if err := c.write(d); err != nil {
		c.s.give(c.it.bytes() - c.bytes)
		return c.s.wrong(err)
	}
	c.st.forget(c.id)
	if c.it != nil {
		c.s.due.filed(c.it.look)
	}
	return nil
}

func (c *change) write(d durability) error {
	b := c.s.db.NewBatch()
	defer b.Close()
	c.writeData(b)
	switch {
	case c.it != nil:
		_ = b.Set(itemKey(c.id), appendItem(nil, c.it), nil)
	case c.found != nil:
		_ = b.Delete(itemKey(c.id), nil)
	}
	if c.it != nil && c.it.look != c.look {
		_ = b.Set(indexKey(c.it.look, c.id), nil, nil)
	}
	if c.found != nil && (c.it == nil || c.it.look != c.look) {
		_ = b.Delete(indexKey(c.look, c.id), nil)
	}
	return c.s.commit(b, d)
}

// writeData stores the data that are new and removes those that nobody needs.
// An error of a batch's Set is only ever one of its use, as with two goroutines.
func (c *change) writeData(b *pebble.Batch) {
	needed := c.it.versions()
	for _, v := range c.versions {
		if !slices.ContainsFunc(needed, func(n version) bool { return n.number == v.number }) {
			_ = b.Delete(dataKey(c.id, v.number), nil)
		}
	}
	if c.writes {
		_ = b.Set(dataKey(c.id, c.it.version), c.data, nil)
	}
}

// readData reads a version of the data of an item.
func (s *Store) readData(id string, v version) ([]byte, error) {
	data, err := s.read(dataKey(id, v.number))
	if err != nil {
		return nil, err
	}
	if data == nil || len(data) != v.length {
		return nil, fmt.Errorf("%w: item %s has %d bytes of data and should have %d", errRecord, session.HashID(id), len(data), v.length)
	}
	return data, nil
}

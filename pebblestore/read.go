// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package pebblestore

import (
	"context"

	"github.com/sessionbridge/session"
)

// Get implements [session.Store].
func (s *Store) Get(ctx context.Context, id string, o session.GetOptions) (session.Item, error) {
	var told session.Item
	slide := false
	err := s.look(ctx, id, func(st *stripe, it *item) error {
		if it == nil {
			return session.ErrNotFound
		}
		data, err := s.dataOf(it)
		if err != nil {
			return err
		}
		now := s.now()
		told = it.told(data, now)
		slide = o.Touch && st.slide(id, now)
		return nil
	})
	if slide {
		// The item is read; that a slide could not be written down is told to
		// who writes.
		_ = s.keepSlides(s.stripes.of(id))
	}
	return told, err
}

// Base implements [session.Store].
func (s *Store) Base(ctx context.Context, id string, token uint64) (session.Item, error) {
	var told session.Item
	err := s.look(ctx, id, func(_ *stripe, it *item) error {
		if it == nil || it.lostAt(token) < 0 {
			return session.ErrLockLost
		}
		l := it.lost[it.lostAt(token)]
		was := item{id: id, stored: l.stored, version: l.version, length: l.length, timeout: l.timeout, hold: l.hold}
		data, err := s.dataOf(&was)
		if err != nil {
			return err
		}
		told = was.told(data, s.now())
		return nil
	})
	return told, err
}

// look shows an item to f; nil if there is none or it has expired.
func (s *Store) look(ctx context.Context, id string, f func(*stripe, *item) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := s.working(); err != nil {
		return s.wrong(err)
	}
	st := s.stripes.of(id)
	st.order.RLock()
	defer st.order.RUnlock()
	it, err := s.item(st, id)
	if err != nil {
		return s.wrong(err)
	}
	if it != nil && s.hasExpired(it, s.now()) {
		it = nil
	}
	return f(st, it)
}

// dataOf are the data of an item; nil if nothing is stored.
func (s *Store) dataOf(it *item) ([]byte, error) {
	if !it.stored {
		return nil, nil
	}
	data, err := s.readData(it.id, version{it.version, it.length})
	if err != nil {
		return nil, s.wrong(err)
	}
	return data, nil
}

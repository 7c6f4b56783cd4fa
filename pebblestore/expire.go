// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package pebblestore

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/sessionbridge/session"
)

// maxLooks bounds the entries that one Expire looks at beyond those that it may
// remove, so that a million sessions that were touched in time don't keep it for
// as long as it takes to sort them in again.
const maxLooks = 1000

// mostDelay bounds how long what a node held may outlive its timeout and its
// node.
const mostDelay = time.Minute

// due is where the index begins. A seek to its very beginning would step over
// all that was removed there and is not yet swept up.
type due struct {
	turn sync.Mutex         // one Expire at a time; it comes before all others
	left map[entry]struct{} // those of items that can't be read; turn is held

	mu    sync.Mutex
	first time.Duration // there is nothing before it
	since time.Duration // the least that was filed since the present Expire began
}

func (d *due) init() { d.since, d.left = session.Never, make(map[entry]struct{}) }

// filed: there is an entry, and it can be read by now.
func (d *due) filed(look time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.first, d.since = min(d.first, look), min(d.since, look)
}

// begin returns where to begin to look.
func (d *due) begin() time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.since = session.Never
	return d.first
}

// end: the least entry that could be read since begin was that.
func (d *due) end(first time.Duration) time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.first = min(first, d.since)
	return d.first
}

// hasExpired reports whether an item has expired.
func (s *Store) hasExpired(it *item, now time.Duration) bool {
	return it.expiry() <= now && (it.hold == nil || !s.nodes.alive(it.hold.Node, now))
}

// nextLook is when to see again whether the node that holds an item beyond its
// timeout is still alive. Those of a like timeout have the same times, so that
// thousands of them need no more calls than one.
func (it *item) nextLook(now time.Duration) time.Duration {
	every := max(min(it.timeout, mostDelay), time.Millisecond)
	return later(now-now%every, every)
}

// Expire implements [session.Store]. It looks at no more than limit and a
// thousand items. One that can't be read is left until the store is opened again.
func (s *Store) Expire(ctx context.Context, limit int) (ids []string, next time.Duration, err error) {
	if err := ctx.Err(); err != nil {
		return nil, 0, err
	}
	s.due.turn.Lock()
	defer s.due.turn.Unlock()
	first := s.due.begin()
	found, err := s.entries(ctx, first, s.now(), max(limit, 0)+maxLooks)
	if err != nil {
		return nil, 0, s.wrong(err)
	}
	removed := 0
	for _, e := range found {
		if removed == max(limit, 0) {
			break
		}
		id, gone, err := s.expire(e)
		if errors.Is(err, ErrDamaged) { // which the log has; it must not keep the others for ever
			s.due.left[e] = struct{}{}
			continue
		}
		if err != nil {
			return ids, 0, err
		}
		if gone {
			removed++
		}
		if id != "" {
			ids = append(ids, id)
		}
	}
	if removed > 0 {
		err = s.sync() // so that nobody is told again after a crash
	}
	if err == nil {
		next, err = s.next(ctx, first)
	}
	if err != nil {
		return ids, 0, s.wrong(err)
	}
	return ids, next, nil
}

// An entry is one of the index.
type entry struct {
	look time.Duration
	id   string
}

// entries are those between two times, the second included.
func (s *Store) entries(ctx context.Context, from, to time.Duration, most int) (found []entry, err error) {
	err = scanRange(ctx, s.db, indexFrom(from), indexFrom(later(to, 1)), func(key, _ []byte) error {
		look, id, ok := splitIndexKey(key)
		if !ok {
			return errors.Join(errRecord, errors.New("bad key in the index"))
		}
		if len(found) == most {
			return errEnough
		}
		if _, left := s.due.left[entry{look, id}]; !left {
			found = append(found, entry{look, id})
		}
		return nil
	})
	return found, err
}

// expire removes the item of an entry if it has expired, or else files it where
// it is to be found next. It answers the id if something was stored.
func (s *Store) expire(e entry) (id string, gone bool, err error) {
	err = s.change(context.Background(), e.id, func(c *change) error {
		switch {
		case c.found == nil || c.found.look != e.look:
			return nil // somebody was faster
		case c.it == nil:
			gone = true
			if c.found.stored {
				id = e.id
			}
		case c.it.expiry() <= c.now:
			c.it.look = c.it.nextLook(c.now)
		default:
			c.it.look = c.it.expiry()
		}
		return c.store(lazily)
	})
	if err != nil {
		return "", false, err
	}
	if gone {
		s.watches.signal(e.id)
	}
	return id, gone, nil
}

// next is how long it will be until there is something to look at. There is
// nothing before first.
func (s *Store) next(ctx context.Context, first time.Duration) (time.Duration, error) {
	least := session.Never
	err := scanRange(ctx, s.db, indexFrom(first), after([]byte{kindIndex}), func(key, _ []byte) error {
		look, id, ok := splitIndexKey(key)
		if _, left := s.due.left[entry{look, id}]; left {
			return nil
		}
		if ok {
			least = look
		}
		return errEnough
	})
	if err != nil {
		return 0, err
	}
	if least = s.due.end(least); least == session.Never {
		return session.Never, nil
	}
	return max(least-s.now(), 0), nil
}

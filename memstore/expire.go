// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package memstore

import (
	"container/heap"
	"context"
	"time"

	"github.com/sessionbridge/session"
)

// notDue is the place of an item that is not in the index.
const notDue = -1

// maxLooks bounds the entries that one Expire looks at beyond those that it may
// remove, so that a million sessions that were touched in time don't stop the
// store for as long as it takes to sort them in again.
const maxLooks = 1000

// mostDelay bounds how long what a node held may outlive its timeout and its
// node.
const mostDelay = time.Minute

// expiries is the index of what may expire: a heap of all items by the time at
// which to look at each. That is often earlier than its expiry: to slide is to
// write one number, and an item that is found too early goes back to its place.
// It is later only for an item that is held beyond its timeout.
type expiries []entry

type entry struct {
	look time.Duration
	it   *item
}

func (e expiries) Len() int           { return len(e) }
func (e expiries) Less(i, j int) bool { return e[i].look < e[j].look }

func (e expiries) Swap(i, j int) {
	e[i], e[j] = e[j], e[i]
	e[i].it.place, e[j].it.place = i, j
}

// Push implements [heap.Interface].
func (e *expiries) Push(x any) {
	it := x.(*item)
	it.place = len(*e)
	*e = append(*e, entry{look: it.expiry(), it: it})
}

// Pop implements [heap.Interface]. What was removed is not asked for.
func (e *expiries) Pop() any {
	last := len(*e) - 1
	(*e)[last].it.place = notDue
	(*e)[last] = entry{}
	*e = (*e)[:last]
	return nil
}

// watchExpiry makes sure that the index finds an item when it expires. s.mu is
// held.
func (s *Store) watchExpiry(it *item) {
	switch {
	case it.place == notDue:
		heap.Push(&s.due, it)
	case it.expiry() < s.due[it.place].look: // its timeout became shorter
		s.due[it.place].look = it.expiry()
		heap.Fix(&s.due, it.place)
	}
}

// forgetExpiry takes an item out of the index. s.mu is held.
func (s *Store) forgetExpiry(it *item) {
	if it.place != notDue {
		heap.Remove(&s.due, it.place)
	}
}

// expired returns an item that has expired, or nil. It looks at no more than
// *looks entries and takes them off; nil means as many as it takes. s.mu is
// held.
func (s *Store) expired(now time.Duration, looks *int) *item {
	for len(s.due) > 0 && s.due[0].look <= now {
		if looks != nil {
			if *looks == 0 {
				return nil
			}
			*looks--
		}
		it := s.due[0].it
		if s.hasExpired(it, now) {
			return it
		}
		s.due[0].look = it.expiry()
		if it.expiry() <= now {
			s.due[0].look = it.nextLook(now)
		}
		heap.Fix(&s.due, 0)
	}
	return nil
}

// hasExpired reports whether an item has expired. s.mu is held.
func (s *Store) hasExpired(it *item, now time.Duration) bool {
	return it.expiry() <= now && (it.hold == nil || !s.alive(it.hold.Node, now))
}

// nextLook is when to see again whether the node that holds an item beyond its
// timeout is still alive. Those of a like timeout have the same times, so that
// thousands of them need no more calls than one.
func (it *item) nextLook(now time.Duration) time.Duration {
	every := max(min(it.timeout, mostDelay), time.Millisecond)
	return after(now-now%every, every)
}

// Expire implements [session.Store]. It looks at no more than limit and a
// thousand items.
func (s *Store) Expire(ctx context.Context, limit int) (ids []string, next time.Duration, err error) {
	if err := ctx.Err(); err != nil {
		return nil, 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	for id := range s.removed {
		if len(ids) >= limit {
			break
		}
		s.settle(id)
		ids = append(ids, id)
	}
	looks := max(limit, 0) + maxLooks
	it := s.expired(now, &looks)
	for left := limit - len(ids); it != nil && left > 0; left-- {
		s.remove(it)
		if it.stored {
			ids = append(ids, it.id)
		}
		it = s.expired(now, &looks)
	}
	return ids, s.next(now), nil
}

// next is how long it will be until there is something to look at. s.mu is held.
func (s *Store) next(now time.Duration) time.Duration {
	switch {
	case len(s.removed) > 0:
		return 0
	case len(s.due) == 0:
		return session.Never
	}
	return max(s.due[0].look-now, 0)
}

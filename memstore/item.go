// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package memstore

import (
	"slices"
	"time"

	"github.com/sessionbridge/session"
)

// maxLost bounds the lost holds that an item remembers. Each is a writer that
// may still commit late; more than a few at once are abandoned exchanges.
const maxLost = 16

// An item is what is known of one id.
type item struct {
	id      string
	data    []byte        // never modified: readers have it
	timeout time.Duration // 0 while nothing is stored
	slid    time.Duration // when the expiry was slid last
	place   int           // in Store.due; notDue if it is not there
	size    int64         // what it counts for in Store.used

	hold      *hold // nil if the session is free
	committed *hold // nil if there is none
	lost      []*hold
}

// A hold never changes once it is granted, so that its end moves a pointer.
type hold struct {
	session.Hold               // Age is unused
	since        time.Duration // when it was granted
}

// at is the hold as an answer tells it.
func (h *hold) at(now time.Duration) session.Hold {
	if h == nil {
		return session.Hold{}
	}
	told := h.Hold
	told.Age = now - h.since
	return told
}

func (it *item) stored() bool {
	return it.timeout > 0
}

// expiry is when it expires, unless it is held.
func (it *item) expiry() time.Duration {
	return after(it.slid, it.timeout)
}

func (it *item) expired(now time.Duration) bool {
	return it.hold == nil && it.expiry() <= now
}

// told is the item as an answer tells it.
func (it *item) told(now time.Duration) session.Item {
	told := session.Item{
		ID:        it.id,
		New:       !it.stored(),
		Data:      it.data,
		Timeout:   it.timeout,
		Hold:      it.hold.at(now),
		Committed: it.committed.at(now),
	}
	for _, h := range it.lost {
		told.Lost = append(told.Lost, h.at(now))
	}
	return told
}

// grant gives a new hold. The present one, if there is one, is lost.
func (it *item) grant(wanted session.Hold, token uint64, now time.Duration) {
	if it.hold != nil {
		if len(it.lost) == maxLost {
			it.lost = slices.Delete(it.lost, 0, 1)
		}
		it.lost = append(it.lost, it.hold)
	}
	wanted.Token, wanted.Age = token, 0
	it.hold = &hold{Hold: wanted, since: now}
}

// end ends the present hold, if there is one.
func (it *item) end(committed bool) {
	if committed && it.hold != nil {
		it.committed = it.hold
	}
	it.hold = nil
}

// forget forgets a lost hold, if it is known.
func (it *item) forget(token uint64) {
	it.lost = slices.DeleteFunc(it.lost, func(h *hold) bool { return h.Token == token })
}

// permit says whether a change that names the token may be made. The item is
// nil if there is none.
func (it *item) permit(token uint64, now time.Duration) error {
	switch {
	case it == nil || it.hold == nil:
		if token != 0 {
			return session.ErrLockLost
		}
	case token == 0:
		return &session.LockedError{Hold: it.hold.at(now)}
	case token != it.hold.Token:
		return session.ErrLockLost
	}
	return nil
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package pebblestore

import (
	"slices"
	"time"

	"github.com/sessionbridge/session"
)

// maxLost bounds the lost holds that an item remembers. Each is a writer that
// may still commit late; more than a few at once are abandoned exchanges.
const maxLost = 16

// An item is what is known of one id, but for the data: a Lock must not rewrite
// these. They have a key of their own for each version that somebody needs: the
// present one, and those that lost holds were sent.
type item struct {
	id      string
	stored  bool
	version uint64 // of the data; 0 if nothing is stored
	length  int    // of the data
	timeout time.Duration
	slid    time.Duration // when the expiry was slid last
	look    time.Duration // its place in the index: when to look whether it has expired; 0 if it has none

	hold      *hold // nil if the session is free
	committed *hold // nil if there is none
	lost      []lostHold
	losses    int // holds that were lost in a row, with nothing committed since
}

// A hold never changes once it is granted.
type hold struct {
	session.Hold               // Age is unused
	since        time.Duration // when it was granted
}

// A lostHold is one that was stolen, with the item as its exchange was sent it.
type lostHold struct {
	*hold
	stored  bool
	version uint64
	length  int
	timeout time.Duration
}

// at is the hold as an answer tells it. After a crash the clock may be some
// seconds behind the time of the hold.
func (h *hold) at(now time.Duration) session.Hold {
	if h == nil {
		return session.Hold{}
	}
	told := h.Hold
	told.Age = max(now-h.since, 0)
	return told
}

// expiry is when it expires, unless a node that is alive holds it.
func (it *item) expiry() time.Duration {
	return later(it.slid, it.timeout)
}

// later returns t + d, or the end of time where that is later.
func later(t, d time.Duration) time.Duration {
	if d > session.Never-t {
		return session.Never
	}
	return t + d
}

// told is the item as an answer tells it.
func (it *item) told(data []byte, now time.Duration) session.Item {
	told := session.Item{
		ID:        it.id,
		New:       !it.stored,
		Data:      data,
		Timeout:   it.timeout,
		Hold:      it.hold.at(now),
		Committed: it.committed.at(now),
	}
	for _, h := range it.lost {
		told.Lost = append(told.Lost, h.at(now))
	}
	return told
}

// lostAt is where a lost hold stands among them; less than 0 if it is not there.
func (it *item) lostAt(token uint64) int {
	return slices.IndexFunc(it.lost, func(l lostHold) bool { return l.Token == token })
}

// grant gives a new hold and slides the expiry. The present hold, if there is
// one, is lost.
func (it *item) grant(o session.LockOptions, token uint64, now time.Duration) {
	it.lost = slices.DeleteFunc(it.lost, func(l lostHold) bool {
		return now-l.since > it.timeout && l.Token != o.Hold.Late
	})
	if it.hold != nil {
		it.lose()
	}
	if !it.stored {
		it.timeout = o.Timeout
	}
	granted := o.Hold
	granted.Token, granted.Losses, granted.Age = token, it.losses, 0
	it.hold, it.slid = &hold{Hold: granted, since: now}, now
}

// lose puts the present hold among those that are lost.
func (it *item) lose() {
	if len(it.lost) == maxLost {
		it.lost = slices.Delete(it.lost, 0, 1)
	}
	it.lost = append(it.lost, lostHold{hold: it.hold, stored: it.stored, version: it.version, length: it.length, timeout: it.timeout})
	it.losses++
}

// end ends the present hold, if there is one. As committed, it ends the lost
// hold too that it was granted for.
func (it *item) end(committed bool) {
	if committed {
		it.losses = 0
		if it.hold != nil {
			it.forget(it.hold.Late)
			it.committed = it.hold
		}
	}
	it.hold = nil
}

// endLost ends a lost hold, as end does. It reports false if there is no such.
func (it *item) endLost(token uint64, committed bool) bool {
	i := it.lostAt(token)
	if i < 0 {
		return false
	}
	if committed {
		it.committed, it.losses = it.lost[i].hold, 0
		it.forget(it.committed.Late)
	}
	it.forget(token)
	return true
}

// forget forgets a lost hold, if it is known.
func (it *item) forget(token uint64) {
	it.lost = slices.DeleteFunc(it.lost, func(l lostHold) bool { return l.Token == token })
}

// vain reports whether nothing is left that the item is there for.
func (it *item) vain() bool {
	return !it.stored && it.hold == nil && len(it.lost) == 0
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

// replace gives the item other data. Those that a lost hold was sent stay under
// their version.
func (it *item) replace(length int) {
	isBase := func(l lostHold) bool { return l.version == it.version }
	if it.version == 0 || slices.ContainsFunc(it.lost, isBase) {
		for _, v := range append(it.versions(), version{}) {
			it.version = max(it.version, v.number+1)
		}
	}
	it.stored, it.length = true, length
}

// A version is one of an item's data.
type version struct {
	number uint64
	length int
}

// versions are all that have a key.
func (it *item) versions() (all []version) {
	if it == nil {
		return nil
	}
	if it.stored {
		all = append(all, version{it.version, it.length})
	}
	for _, l := range it.lost {
		if v := (version{l.version, l.length}); l.stored && !slices.Contains(all, v) {
			all = append(all, v)
		}
	}
	return all
}

// bytes is what an item counts for under MaxBytes.
func (it *item) bytes() (n int64) {
	const each, eachHold = 200, 150 // keys, record, index
	if it == nil {
		return 0
	}
	for _, v := range it.versions() {
		n += int64(v.length)
	}
	return n + each + int64(len(it.lost)*eachHold)
}

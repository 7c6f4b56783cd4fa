// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package memstore

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sessionbridge/session"
)

// What keeping a thing takes beside its bytes: the struct, its share of the
// maps and of the index, and strings of common length in a hold.
const (
	itemSize    = 240
	holdSize    = 176
	lostSize    = 48
	removedSize = 64
	keySize     = 96
)

// bytes is what an item counts for.
func (it *item) bytes() int64 {
	n := itemSize + len(it.id) + len(it.data) + (holdSize+lostSize)*len(it.lost)
	kept := it.data
	for _, l := range slices.Backward(it.lost) {
		if !isSame(l.data, kept) {
			n += len(l.data)
			kept = l.data
		}
	}
	if it.hold != nil {
		n += holdSize
	}
	if it.committed != nil {
		n += holdSize
	}
	return int64(n)
}

// count brings Store.used up to date after a change of the item. s.mu is held.
func (s *Store) count(it *item) {
	size := it.bytes()
	s.used += size - it.size
	it.size = size
}

// room makes sure that data of the given length can be stored in the item,
// which is made if it is nil. s.mu is held.
func (s *Store) room(it *item, id string, length int, now time.Duration) (*item, error) {
	if it == nil {
		return s.add(id, int64(length), now)
	}
	more := int64(length)
	if !it.isBase() {
		more -= int64(len(it.data)) // which go
	}
	if more > 0 && !s.fits(more, 0, now) {
		return nil, s.full(more)
	}
	return it, nil
}

// isBase reports whether the item's data are those of a lost hold too, and so
// stay when others take their place.
func (it *item) isBase() bool {
	return slices.ContainsFunc(it.lost, func(l lostHold) bool { return isSame(l.data, it.data) })
}

// isSame reports whether a and b are one slice.
func isSame(a, b []byte) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}

// add makes the item of an id that has none, or one that has expired, if there
// is room for it and for the given number of bytes. s.mu is held.
func (s *Store) add(id string, more int64, now time.Duration) (*item, error) {
	more += int64(itemSize + len(id))
	if !s.fits(more, 1, now) {
		return nil, s.full(more)
	}
	if old := s.items[id]; old != nil {
		s.remove(old)
	}
	s.settle(id) // the id is in use again: Expire must not tell it
	it := &item{id: strings.Clone(id), place: notDue}
	s.items[it.id] = it
	s.count(it)
	return it, nil
}

// fits reports whether there is room for more. Items that have expired make
// room if need be. s.mu is held.
func (s *Store) fits(bytes int64, items int, now time.Duration) bool {
	for s.used+bytes > s.maxBytes || len(s.items)+items > s.maxItems {
		it := s.expired(now, nil)
		if it == nil {
			return false
		}
		s.remove(it)
		if it.stored {
			s.owe(it.id)
		}
	}
	return true
}

// owe remembers an id for Expire. s.mu is held.
func (s *Store) owe(id string) {
	s.removed[id] = struct{}{}
	s.used += int64(removedSize + len(id))
}

// settle ends what owe began. s.mu is held.
func (s *Store) settle(id string) {
	if _, owed := s.removed[id]; owed {
		delete(s.removed, id)
		s.used -= int64(removedSize + len(id))
	}
}

// full is the error where fits said no. s.mu is held.
func (s *Store) full(bytes int64) error {
	if s.used+bytes > s.maxBytes {
		return fmt.Errorf("memstore: %w: %d bytes are used and %d more are wanted, of at most %d (MaxBytes)", session.ErrFull, s.used, bytes, s.maxBytes)
	}
	return fmt.Errorf("memstore: %w: there are %d items, of at most %d (MaxItems)", session.ErrFull, len(s.items), s.maxItems)
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package memstore

import (
	"context"
	"fmt"
	"time"

	"github.com/sessionbridge/session"
)

// Get implements [session.Store]. The data are not copied: the store never
// modifies them.
func (s *Store) Get(ctx context.Context, id string, o session.GetOptions) (session.Item, error) {
	if err := ctx.Err(); err != nil {
		return session.Item{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	it := s.find(id, now)
	if it == nil {
		return session.Item{}, session.ErrNotFound
	}
	if o.Touch {
		it.slid = now
	}
	return it.told(now), nil
}

// Lock implements [session.Store]. The error wraps [session.ErrFull] if there
// is no room for an id that is not known yet; an id that is known can always be
// held.
func (s *Store) Lock(ctx context.Context, id string, o session.LockOptions) (session.Item, error) {
	if err := ctx.Err(); err != nil {
		return session.Item{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	it := s.find(id, now)
	switch late := o.Hold.Late; {
	case late != 0 && (it == nil || it.lostAt(late) < 0):
		return session.Item{}, session.ErrLockLost
	case it == nil:
		var err error
		if it, err = s.add(id, holdSize, now); err != nil {
			return session.Item{}, err
		}
	case it.hold != nil && it.hold.Token != o.Steal:
		return session.Item{}, &session.LockedError{Hold: it.hold.at(now)}
	case it.hold != nil:
		s.signal(id)
	}
	s.token++
	it.grant(o, s.token, now)
	s.count(it)
	s.watchExpiry(it)
	return it.told(now), nil
}

// Base implements [session.Store].
func (s *Store) Base(ctx context.Context, id string, token uint64) (session.Item, error) {
	if err := ctx.Err(); err != nil {
		return session.Item{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	if it := s.find(id, now); it != nil {
		if base, ok := it.base(token, now); ok {
			return base, nil
		}
	}
	return session.Item{}, session.ErrLockLost
}

// Put implements [session.Store].
func (s *Store) Put(ctx context.Context, id string, token uint64, data []byte, o session.PutOptions) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if o.Timeout <= 0 {
		return fmt.Errorf("memstore: put with timeout %s: it must be more than 0", o.Timeout)
	}
	stored := clip(data) // before the lock: it takes a while if there is much of it
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	it := s.find(id, now)
	if err := it.permit(token, now); err != nil {
		return err
	}
	it, err := s.room(it, id, len(data), now)
	if err != nil {
		return err
	}
	it.stored, it.data, it.timeout, it.slid = true, stored, o.Timeout, now
	it.end(true)
	s.count(it)
	s.watchExpiry(it)
	s.signal(id)
	return nil
}

// clip copies data into a slice without spare room, so that two readers who
// append to it don't meet there.
func clip(data []byte) []byte {
	clipped := make([]byte, len(data))
	copy(clipped, data)
	return clipped
}

// Delete implements [session.Store].
func (s *Store) Delete(ctx context.Context, id string, token uint64) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	it := s.find(id, now)
	if err := it.permit(token, now); err != nil {
		return err
	}
	if it != nil {
		s.remove(it)
	}
	return nil
}

// Unlock implements [session.Store].
func (s *Store) Unlock(ctx context.Context, id string, token uint64, o session.UnlockOptions) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	it := s.find(id, now)
	switch {
	case it == nil || token == 0:
		return session.ErrLockLost
	case it.hold != nil && it.hold.Token == token:
		it.end(o.Committed)
	case !it.endLost(token, o.Committed):
		return session.ErrLockLost
	}
	if it.vain() {
		s.remove(it)
		return nil
	}
	it.slid = now
	s.count(it)
	s.watchExpiry(it)
	s.signal(id)
	return nil
}

// find returns the item of an id, or nil if there is none or it has expired.
// s.mu is held.
func (s *Store) find(id string, now time.Duration) *item {
	it := s.items[id]
	if it == nil || s.hasExpired(it, now) {
		return nil
	}
	return it
}

// remove removes an item and all that is known of its id. s.mu is held.
func (s *Store) remove(it *item) {
	s.forgetExpiry(it)
	delete(s.items, it.id)
	s.used -= it.size
	s.signal(it.id)
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package pebblestore

import (
	"context"
	"fmt"

	"github.com/sessionbridge/session"
)

// Lock implements [session.Store]. It costs no sync. A hold that is to be
// committed in a request of its own outlives the process, to which that request
// may no longer come. Others end with their process anyway.
func (s *Store) Lock(ctx context.Context, id string, o session.LockOptions) (session.Item, error) {
	var told session.Item
	err := s.change(ctx, id, func(c *change) error {
		stolen, err := c.lock(o)
		if err != nil {
			return err
		}
		data, err := s.dataOf(c.it)
		if err != nil {
			return err
		}
		d := lazily
		if o.Hold.Detached {
			d = written
		}
		if err := c.save(d); err != nil {
			return err
		}
		if stolen {
			s.watches.signal(id)
		}
		told = c.it.told(data, c.now)
		return nil
	})
	return told, err
}

// lock grants a hold if it may be granted.
func (c *change) lock(o session.LockOptions) (stolen bool, err error) {
	switch late := o.Hold.Late; {
	case late != 0 && (c.it == nil || c.it.lostAt(late) < 0):
		return false, session.ErrLockLost
	case c.it == nil:
		c.it = &item{id: c.id}
	case c.it.hold != nil && c.it.hold.Token != o.Steal:
		return false, &session.LockedError{Hold: c.it.hold.at(c.now)}
	}
	token, err := c.s.nextToken()
	if err != nil {
		return false, c.s.wrong(err)
	}
	stolen = c.it.hold != nil
	c.it.grant(o, token, c.now)
	return stolen, nil
}

// Put implements [session.Store].
func (s *Store) Put(ctx context.Context, id string, token uint64, data []byte, o session.PutOptions) error {
	return s.change(ctx, id, func(c *change) error {
		if o.Timeout <= 0 {
			return fmt.Errorf("pebblestore: put with timeout %s: it must be more than 0", o.Timeout)
		}
		if err := c.it.permit(token, c.now); err != nil {
			return err
		}
		c.put(data)
		c.it.timeout, c.it.slid = o.Timeout, c.now
		c.it.end(true)
		if err := c.save(durably); err != nil {
			return err
		}
		s.watches.signal(id)
		return nil
	})
}

// Delete implements [session.Store].
func (s *Store) Delete(ctx context.Context, id string, token uint64) error {
	return s.change(ctx, id, func(c *change) error {
		if err := c.it.permit(token, c.now); err != nil {
			return err
		}
		if c.it == nil { // what has expired is left for Expire to tell
			return nil
		}
		c.it = nil
		if err := c.save(durably); err != nil {
			return err
		}
		s.watches.signal(id)
		return nil
	})
}

// Unlock implements [session.Store]. The end of a hold that has nothing to
// commit costs no sync: if a crash takes it back, the hold is that of a dead
// node.
func (s *Store) Unlock(ctx context.Context, id string, token uint64, o session.UnlockOptions) error {
	return s.change(ctx, id, func(c *change) error {
		switch {
		case c.it == nil || token == 0:
			return session.ErrLockLost
		case c.it.hold != nil && c.it.hold.Token == token:
			c.it.end(o.Committed)
		case !c.it.endLost(token, o.Committed):
			return session.ErrLockLost
		}
		if c.it.vain() {
			c.it = nil
		} else {
			c.it.slid = c.now
		}
		d := lazily
		if o.Committed {
			d = durably
		}
		if err := c.save(d); err != nil {
			return err
		}
		s.watches.signal(id)
		return nil
	})
}

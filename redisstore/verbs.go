// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package redisstore

import (
	"context"
	"fmt"

	"github.com/sessionbridge/session"
)

// Get implements [session.Store].
func (s *Store) Get(ctx context.Context, id string, o session.GetOptions) (session.Item, error) {
	return s.item(ctx, s.scripts.get, id, flag(o.Touch))
}

// Lock implements [session.Store]. The error wraps [session.ErrFull] if Redis is
// full.
func (s *Store) Lock(ctx context.Context, id string, o session.LockOptions) (session.Item, error) {
	if o.Timeout < 0 {
		return session.Item{}, fmt.Errorf("redisstore: lock with timeout %s: it must be more than 0", o.Timeout)
	}
	return s.item(ctx, s.scripts.lock, id, number(o.Steal), number(o.Hold.Late), number(o.Timeout), appendedHold(o.Hold))
}

// Base implements [session.Store].
func (s *Store) Base(ctx context.Context, id string, token uint64) (session.Item, error) {
	return s.item(ctx, s.scripts.base, id, number(token))
}

// Put implements [session.Store].
func (s *Store) Put(ctx context.Context, id string, token uint64, data []byte, o session.PutOptions) error {
	if o.Timeout <= 0 {
		return fmt.Errorf("redisstore: put with timeout %s: it must be more than 0", o.Timeout)
	}
	// The data are copied: after the end of ctx the connection may still have them.
	return s.change(ctx, s.scripts.put, id, number(token), number(o.Timeout), string(data))
}

// Delete implements [session.Store].
func (s *Store) Delete(ctx context.Context, id string, token uint64) error {
	return s.change(ctx, s.scripts.remove, id, number(token))
}

// Unlock implements [session.Store].
func (s *Store) Unlock(ctx context.Context, id string, token uint64, o session.UnlockOptions) error {
	return s.change(ctx, s.scripts.unlock, id, number(token), flag(o.Committed))
}

// item runs a script that answers an item.
func (s *Store) item(ctx context.Context, sc *script, id string, args ...string) (session.Item, error) {
	r, err := s.ask(ctx, sc, id, args...)
	if err == nil {
		err = r.err()
	}
	if err != nil {
		return session.Item{}, err
	}
	return r.item, nil
}

// change runs a script that answers no more than that it is done.
func (s *Store) change(ctx context.Context, sc *script, id string, args ...string) error {
	r, err := s.ask(ctx, sc, id, args...)
	if err != nil {
		return err
	}
	return r.err()
}

// flag is a truth as the scripts want it.
func flag(is bool) string {
	if is {
		return "1"
	}
	return "0"
}

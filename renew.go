// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"context"
	"errors"
	"fmt"

	"github.com/sessionbridge/session/wire"
)

// A Renewer is an [Opened] that can give its session a new id: those of a source
// that owns its sessions, such as the Manager.
type Renewer interface {
	// Renew makes the commit store the session under a new id and end the old
	// one. Nothing happens before the commit, and nothing if that fails.
	Renew() error
}

// ErrNotRenewable says that the session can not be given a new id here.
var ErrNotRenewable = errors.New("session id not renewed: the sessions belong to another program, and only that one can give them new ids; sign in on one of its pages")

// Renew gives an open session a new id when it is committed: with the same data
// and what the request changed, while the old id ends. It is for sign-ins: an id
// that somebody has planted in the browser before is worth nothing then.
// ErrNotRenewable if the source can't; ErrReadOnly if the session can't be
// changed.
//
// The new id is stored before the old one ends. If the program dies in between
// both are there, the old one with the old data, and nothing is lost. Requests
// that wait for the old id meanwhile find no session there.
func Renew(opened Opened) error {
	if err := opened.Session().writable(); err != nil {
		return err
	}
	for {
		if r, ok := opened.(Renewer); ok {
			return r.Renew()
		}
		wrapper, ok := opened.(interface{ Unwrap() Opened })
		if !ok {
			return ErrNotRenewable
		}
		opened = wrapper.Unwrap()
	}
}

var _ Renewer = (*local)(nil)

// Renew implements [Renewer].
func (l *local) Renew() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.held == nil:
		return ErrReadOnly
	case l.ended:
		return errEnded
	}
	l.newID = NewID()
	return nil
}

// move stores a session under another id and ends the one it has.
func (h *Held) move(ctx context.Context, s *Session, id string) error {
	if h.ended.Load() {
		return ErrLockLost
	}
	data := s.encoded(len(h.Item.Data))
	if _, err := wire.CheckItems(data, h.m.opts.Limits); err != nil {
		return fmt.Errorf("the session as it would be stored: %w", err)
	}
	if err := h.m.move(ctx, h.Item, id, data, PutOptions{Timeout: s.Timeout()}); err != nil {
		return err
	}
	s.rename(id)
	h.end()
	return nil
}

// move stores a copy of an item that is held, then removes the item.
func (m *Manager) move(ctx context.Context, item Item, id string, data []byte, o PutOptions) error {
	if err := m.putCopy(ctx, id, data, o); err != nil {
		return errors.Join(err, m.dropCopy(ctx, id))
	}
	err := m.insist(ctx, item, func(ctx context.Context) error {
		return m.store.Delete(ctx, item.ID, item.Hold.Token)
	})
	switch {
	case errors.Is(err, ErrCommitUnknown):
		// The new id has everything. What may be left under the old one is as it
		// was before, and expires.
		m.log.Warn("a session has a new id, but it could not be told whether the old one has ended", "session", HashID(id), "old", HashID(item.ID), "err", err)
	case err != nil && !errors.Is(err, ErrNotFound): // the hold was lost
		return errors.Join(err, m.dropCopy(ctx, id))
	}
	m.sweep.expect(o.Timeout)
	m.tellRenewed(item, id)
	return nil
}

// putCopy stores data under an id that nobody knows yet. To do that again, after
// an answer was lost, does no harm.
func (m *Manager) putCopy(ctx context.Context, id string, data []byte, o PutOptions) error {
	put := func(ctx context.Context) error { return m.store.Put(ctx, id, 0, data, o) }
	err := once(ctx, put)
	if err != nil && !isAnswer(err) {
		err = once(ctx, put)
	}
	return err
}

// dropCopy removes a copy that is not needed. One that stays is known to nobody,
// and expires.
func (m *Manager) dropCopy(ctx context.Context, id string) error {
	return once(ctx, func(ctx context.Context) error { return m.store.Delete(ctx, id, 0) })
}

// rename gives the session its new id.
func (s *Session) rename(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.id = id
}

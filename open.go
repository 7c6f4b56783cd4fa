// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"context"
	"errors"
	"math"
	"sync"

	"github.com/sessionbridge/session/wire"
)

// localClient is the name under which pages of this very program hold sessions.
const localClient = "local"

// Open opens a session for a page of this very program; see [Source]. While
// another writer waits, it may be held as long as the option HoldLimit says.
func (m *Manager) Open(ctx context.Context, id string, mode Mode) (Opened, error) {
	if mode == ReadOnly {
		item, err := m.Read(ctx, id)
		if err != nil {
			return nil, err
		}
		s, err := newLocalSession(item, true)
		if err != nil {
			return nil, err
		}
		return &local{session: s}, nil
	}
	held, err := m.Hold(ctx, HoldRequest{ID: id, Client: localClient, Limit: m.opts.HoldLimit, unwatched: true})
	if err != nil {
		return nil, err
	}
	s, err := newLocalSession(held.Item, false)
	if err != nil {
		return nil, errors.Join(err, held.Release(ctx))
	}
	return &local{session: s, held: held}, nil
}

// unlimited is for what is stored already: it was checked before it was stored,
// maybe against larger limits than today's.
var unlimited = wire.Limits{Session: math.MaxInt32, Value: math.MaxInt32, Keys: math.MaxInt32, Key: math.MaxInt32}

// newLocalSession decodes what is stored.
func newLocalSession(item Item, readOnly bool) (*Session, error) {
	state := State{ID: item.ID, New: item.New, ReadOnly: readOnly, Timeout: item.Timeout}
	if item.New {
		return NewSession(state), nil
	}
	items, unknown, err := wire.DecodeItems(item.Data, unlimited)
	if err != nil {
		return nil, err
	}
	state.Items = items
	s := NewSession(state)
	s.unknown = unknown
	return s, nil
}

// A local is a session that is open in the process that owns it.
type local struct {
	session *Session
	held    *Held // nil: read-only

	mu    sync.Mutex
	ended bool
	newID string // what the session is to be stored under; "" for the id that it has
	err   error  // what Commit returned
}

func (l *local) Session() *Session { return l.session }

// Commit stores the session, if anything changed.
func (l *local) Commit(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return l.err
	}
	l.ended, l.err = true, ErrPanicked
	l.err = l.commit(ctx)
	return l.err
}

// commit stores the session and ends the hold, also if a codec panics. l.mu is
// held.
func (l *local) commit(ctx context.Context) (err error) {
	if l.held != nil {
		defer func() { err = errors.Join(err, l.held.Release(ctx)) }() // does nothing if it was stored
	}
	if err := l.session.Settle(); err != nil || l.held == nil {
		return err
	}
	return l.store(ctx)
}

// Release gives the session up.
func (l *local) Release(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return nil
	}
	l.ended = true
	if l.held == nil {
		return nil
	}
	return l.held.Release(ctx)
}

// store stores the session, under its new id if it has one. l.mu is held.
func (l *local) store(ctx context.Context) error {
	if l.newID == "" || l.session.Abandoned() {
		return l.held.store(ctx, l.session)
	}
	return l.held.move(ctx, l.session, l.newID)
}

// store stores a session as it is now and ends the hold, unless it is unchanged.
func (h *Held) store(ctx context.Context, s *Session) error {
	if !s.isChanged() && !h.Item.New {
		return nil
	}
	return h.Commit(ctx, Update{
		Client: Client{Name: localClient, Replace: true},
		Items:  s.encoded(len(h.Item.Data)), Timeout: s.Timeout(), Abandoned: s.Abandoned(), exact: true,
	})
}

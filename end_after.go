// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// EndAfter returns a source whose sessions end when a lifetime has passed since
// they began, however much they are used: whoever has got hold of an id has it no
// longer than that. The idle timeout goes on beside it; see [Session.SetTimeout].
//
// When a session began is kept under a key, for nothing but values and the idle
// timeout crosses the wire. So all programs that share the session must know the
// key, or leave alone what they don't know; .NET reads it as a DateTime. The
// commit of the first request that holds the session sets it, to whole seconds.
// Programs that do not look at it don't end the session, and one that is cleared
// begins anew.
//
// To open a session for writing that is over abandons it, with what all programs
// have in it, and opens the one that follows. To read one that is over finds it
// empty and new. A value under the key that is no time is a [*KeyError] of Open:
// the session may be too old.
//
// Use [LockOnWrite] and [KeySet.Strict] around it, not inside. EndAfter panics if
// the lifetime is not more than 0, or if LockOnWrite is inside: sessions would not
// end.
func EndAfter(source Source, lifetime time.Duration, began Key[time.Time]) Source {
	if lifetime <= 0 {
		panic(fmt.Sprintf("session: lifetime of sessions is %s, want more than 0", lifetime))
	}
	if locksLate(source) {
		panic("session: EndAfter is around LockOnWrite, want LockOnWrite around EndAfter")
	}
	return endingSource{source, lifetime, began}
}

// locksLate reports whether LockOnWrite is in a source, as far as it was made here.
func locksLate(source Source) bool {
	switch s := source.(type) {
	case lateSource:
		return true
	case strictSource:
		return locksLate(s.Source)
	}
	return false
}

type endingSource struct {
	Source
	lifetime time.Duration
	began    Key[time.Time]
}

// Open opens a session that is not over.
func (e endingSource) Open(ctx context.Context, id string, mode Mode) (Opened, error) {
	opened, err := e.Source.Open(ctx, id, mode)
	if err != nil {
		return nil, err
	}
	over, err := e.isOver(ctx, opened)
	switch {
	case err != nil:
		return nil, err
	case over && mode == ReadOnly:
		return newEnded(opened), nil
	case over:
		return e.replace(ctx, opened, id)
	}
	return &ending{opened, e.began}, nil
}

// isOver reports whether a session has lived for as long as it may. One of which it
// can't be told is released, also if the key's codec panics.
func (e endingSource) isOver(ctx context.Context, opened Opened) (over bool, err error) {
	err = ErrPanicked
	defer func() {
		if err != nil {
			err = errors.Join(err, opened.Release(context.WithoutCancel(ctx)))
		}
	}()
	began, ok, err := e.began.Lookup(opened.Session())
	return ok && time.Since(began) >= e.lifetime, err
}

// replace ends a session that is over and opens the one that follows. Another
// request may have begun that already.
func (e endingSource) replace(ctx context.Context, opened Opened, id string) (Opened, error) {
	err := opened.Session().Abandon()
	if err == nil {
		err = opened.Commit(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, opened.Release(context.WithoutCancel(ctx)))
	}
	next, err := e.Source.Open(ctx, id, Writable)
	if err != nil {
		return nil, err
	}
	return &ending{next, e.began}, nil
}

// An ending is an open session that is not over yet.
type ending struct {
	Opened
	began Key[time.Time]
}

// Unwrap returns what has the abilities of the source.
func (e *ending) Unwrap() Opened { return e.Opened }

// Commit notes when the session began, if nobody has yet.
func (e *ending) Commit(ctx context.Context) error {
	if err := e.began.setOnce(e.Session(), time.Now().UTC().Truncate(time.Second)); err != nil {
		return errors.Join(err, e.Release(ctx))
	}
	return e.Opened.Commit(ctx)
}

// setOnce sets the value of a session that is being committed, and sealed for
// that, if it has none.
func (k Key[T]) setOnce(s *Session, v T) error {
	if s.readOnly || k.isIn(s) || s.Abandoned() {
		return nil
	}
	raw, err := k.encode(v)
	if err == nil {
		err = s.allows(k.name, raw)
	}
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.put(k.name, raw)
	return nil
}

// isIn reports whether the session has a value, other than null.
func (k Key[T]) isIn(s *Session) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return k.hasValue(s)
}

// An ended is a session that was opened to be read, and is over.
type ended struct {
	Opened
	session *Session
}

func newEnded(opened Opened) *ended {
	s := opened.Session()
	return &ended{opened, NewSession(State{ID: s.ID(), New: true, ReadOnly: true, Timeout: s.Timeout()})}
}

// Session returns the empty session.
func (e *ended) Session() *Session { return e.session }

// Unwrap returns what has the abilities of the source.
func (e *ended) Unwrap() Opened { return e.Opened }

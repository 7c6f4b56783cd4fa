// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package httpsession

import (
	"context"
	"errors"

	"github.com/sessionbridge/session"
)

// Commit stores the session of a request now, before its response begins, and
// lets the next writer have it. Changing it is [ErrTooLate] from then on.
//
// An error is the handler's to answer, and in the log: the response is not
// replaced. Nothing happens if the session has ended already, or was not used, or
// the context has none.
func Commit(ctx context.Context) error {
	x := exchangeOf(ctx)
	if x == nil {
		return nil
	}
	here, err := x.commit()
	if here && err != nil {
		x.m.log.ErrorContext(x, "a session was not committed, which its handler was told", "session", session.HashID(ID(x)), "err", err)
	}
	return err
}

// Release gives the session of a request up: nothing that was changed is stored,
// whatever is written then, and the next writer has it. It is for handlers that
// refuse a request when they have changed something already, and answer that with
// a page of their own; see [Error] for one that the ErrorFunc answers. Changing the
// session is [ErrTooLate] from then on. A new session gets no
// cookie, and a [Renew] is none.
//
// Nothing happens if the session has ended already, or was not used yet, or the
// context has none.
func Release(ctx context.Context) {
	if x := exchangeOf(ctx); x != nil {
		x.release(errGivenUp)
	}
}

// commit stores the session, if it is open and has not ended, and reports
// whether it was this call that did. A browser that has gone changes nothing.
func (x *exchange) commit() (here bool, err error) {
	return x.end(errCommitted, func(opened session.Opened) error {
		if err := opened.Commit(context.WithoutCancel(x)); err != nil {
			return err
		}
		x.mu.Lock()
		defer x.mu.Unlock()
		x.committed, x.cookies = true, x.cookiesOf(opened)
		return nil
	})
}

// release ends the session without a change, if it is open and has not ended.
// Changes fail with the reason.
func (x *exchange) release(reason error) {
	_, _ = x.end(reason, func(opened session.Opened) error {
		x.noteRelease(opened, opened.Release(context.WithoutCancel(x)))
		return nil
	})
}

// end ends the session once. Changes fail with the given error already while it
// is ending: none is half in.
func (x *exchange) end(sealed error, by func(session.Opened) error) (here bool, err error) {
	x.mu.Lock()
	opened := x.opened
	x.mu.Unlock()
	if opened == nil {
		return false, nil
	}
	here = x.once(&x.ending, func() {
		defer x.watch.end() // also if the source panics
		opened.Session().Seal(sealed)
		x.ended = session.ErrPanicked
		defer x.giveUp(opened)
		x.ended = by(opened)
	})
	return here, x.ended
}

// giveUp releases a session whose end has panicked: nobody else would.
func (x *exchange) giveUp(opened session.Opened) {
	if errors.Is(x.ended, session.ErrPanicked) {
		x.noteRelease(opened, opened.Release(context.WithoutCancel(x)))
	}
}

// compare logs values that the handler has changed in place after the commit, or
// in a session that it opened to be read after that: nothing else would tell.
func (x *exchange) compare() {
	x.mu.Lock()
	opened, look := x.opened, x.committed || !x.ending.taken
	x.mu.Unlock()
	if opened == nil || !look {
		return
	}
	if err := opened.Session().Settle(); err != nil {
		x.m.log.ErrorContext(x, "what a handler changed after the commit is lost", "session", session.HashID(opened.Session().ID()), "err", err)
	}
}

// cookiesOf returns the Set-Cookie headers of a session that is committed. A
// source that asks another program for sessions hands on what that has set.
// x.mu is held.
func (x *exchange) cookiesOf(opened session.Opened) []string {
	opened = innermost(opened)
	if owner, ok := opened.(interface{ SetCookies() []string }); ok {
		return owner.SetCookies()
	}
	if s := opened.Session(); x.issued(s) && !s.Abandoned() {
		return []string{x.m.cookie.set(s.ID())}
	}
	return nil
}

// innermost returns what an Opened wraps, if it does.
func innermost(opened session.Opened) session.Opened {
	for {
		wrapper, ok := opened.(interface{ Unwrap() session.Opened })
		if !ok {
			return opened
		}
		opened = wrapper.Unwrap()
	}
}

// issued reports whether the id of a session that was committed is new to the
// browser. One that was stored already under another id than the browser has is
// for the source to know.
func (x *exchange) issued(s *session.Session) bool {
	return !s.ReadOnly() && (s.New() || x.renewed) && !sameID(s.ID(), x.id)
}

// noteRelease logs that a session was not released: nobody else would learn of
// it, and other writers may have to wait for it.
func (x *exchange) noteRelease(opened session.Opened, err error) {
	if err != nil {
		x.m.log.WarnContext(x, "a session was not released", "session", session.HashID(opened.Session().ID()), "err", err)
	}
}

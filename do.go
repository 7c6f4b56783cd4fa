// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"context"
	"errors"
	"time"
)

// Do opens a stored session for writing, lets a function change it, and commits
// it: for handlers that stream, and for programs that are not in a request, which
// must not hold a session longer than that.
//
//	err := session.Do(ctx, source, id, func(s *session.Session) error {
//		return unread.Update(s, func(n *int) error { *n++; return nil })
//	})
//
// The function may be called again, with the session as it is by then: if the
// commit was refused because another writer took the session over (ErrLockLost),
// or the session could not be had because too many wait for it (BusyError), it is
// tried three times in all, after a moment. So it should do nothing but change
// the session. A commit of which it is not known that it failed, ErrCommitUnknown,
// is not tried again.
//
// The function's error is returned as it is, and then nothing is stored; nor is
// it if it panics. ErrNotFound if there is no such session any more: a stream that
// outlives its user's session must not begin a new one. The context bounds the
// waits and not the commit. If it is that of a request which holds this very
// session, Do fails at once: it would wait for its own request.
func Do(ctx context.Context, source Source, id string, change func(*Session) error) error {
	if request, ok := ctx.Value(ContextKey{}).(interface{ Holds(id string) bool }); ok && request.Holds(id) {
		return errHeldHere
	}
	for attempt := 1; ; attempt++ {
		again, err := doOnce(ctx, source, id, change)
		if err == nil || !again || attempt == doAttempts {
			return err
		}
		if pause(ctx, time.Duration(attempt)*doPause) != nil {
			return err
		}
	}
}

// Do tries so often, and waits so long, the longer the more often it has tried.
const (
	doAttempts = 3
	doPause    = 100 * time.Millisecond
)

// doOnce is one attempt. It reports whether another one may succeed and does
// nothing twice.
func doOnce(ctx context.Context, source Source, id string, change func(*Session) error) (again bool, err error) {
	opened, err := source.Open(ctx, id, Writable)
	if err != nil {
		return notHad(err), err
	}
	lasting := context.WithoutCancel(ctx)
	defer opened.Release(lasting) // does nothing after the commit
	s := opened.Session()
	if s.New() {
		return false, ErrNotFound
	}
	if err := change(s); err != nil {
		return notHad(err), err
	}
	if s.New() { // its source took the lock late, and it has ended meanwhile
		return false, ErrNotFound
	}
	s.Seal(errDone)
	err = opened.Commit(lasting)
	return errors.Is(err, ErrLockLost) && !errors.Is(err, ErrCommitUnknown), err
}

// notHad reports whether an error says that the session could not be had: by Open,
// or by the first change if the source takes the lock late.
func notHad(err error) bool {
	var busy *BusyError
	var stale *StaleError
	return errors.As(err, &busy) || errors.As(err, &stale)
}

// errDone: a session of Do was changed when its function had returned.
var errDone = errors.New("session not changed: the function that session.Do called has returned")

// errHeldHere: Do was to wait for the request that called it.
var errHeldHere = errors.New("session not changed: the request that calls session.Do holds it; change it as the request's own (session.FromContext), or commit it first (httpsession.Commit)")

// pause waits, with an error if the context ends before.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

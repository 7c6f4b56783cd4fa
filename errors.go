// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"errors"
	"fmt"
	"time"
)

// Errors that a caller branches on. Those of a [Store] say so in its contract.
var (
	// ErrNotFound: no session is stored under the id.
	ErrNotFound = errors.New("session not found")

	// ErrLockLost: the hold was taken away, or ended, before the commit. The
	// commit changed nothing.
	ErrLockLost = errors.New("session lock lost: another writer took the session over before this commit")

	// ErrNoHold: nobody holds the session for this commit. The commit changed
	// nothing.
	ErrNoHold = errors.New("no open session for this commit: it was never opened for writing, or its holder has gone")

	// ErrFull: the store has no room for what was to be kept.
	ErrFull = errors.New("session store is full")

	// ErrDamaged: what is stored of the session can't be read, and will not be the
	// next time either. The call changed nothing.
	ErrDamaged = errors.New("damaged: what is stored can't be read")

	// ErrClosed: the Manager is shutting down.
	ErrClosed = errors.New("session manager is shutting down")

	// ErrUnreachable: the program that owns the session can't be reached, or does
	// not answer. The request can be tried again.
	ErrUnreachable = errors.New("the owner of the sessions can't be reached")

	// ErrCommitUnknown: the owner of the session, or its store, was sent the
	// commit, but it could not be told whether it was stored.
	ErrCommitUnknown = errors.New("session commit unknown: it was sent, but it could not be told whether it was stored")

	// ErrPanicked: the session's commit has panicked before, as a codec may, and
	// something has recovered that. The commit changed nothing.
	ErrPanicked = errors.New("session not committed: its commit panicked")

	// ErrNoSession: the request has no session.
	ErrNoSession = errors.New("no session in this context: wrap its handler in httpsession.Middleware, and leave its route out of httpsession.Options.Routes.Disabled")

	// ErrReadOnly: a change was made to a session that was opened to be read.
	ErrReadOnly = errors.New("session is read-only: it was opened without the right to change it")
)

// A LockedError says that another writer holds the session.
type LockedError struct {
	Hold Hold // the holder
}

func (e *LockedError) Error() string {
	return fmt.Sprintf("session is held by client %q of node %q for %s", e.Hold.Client, e.Hold.Node, e.Hold.Age.Round(time.Millisecond))
}

// A BusyError says that a writer was not let in: too many wait already, or it
// waited as long as it may. The session is as it was; the request can be tried
// again.
type BusyError struct {
	Reason string        // what is exhausted, and which setting bounds it
	Waited time.Duration // how long this writer waited
	Holder Hold          // who holds the session; its Token is 0 where nobody is known to
}

func (e *BusyError) Error() string {
	s := "session is busy: " + e.Reason
	if e.Holder.Token != 0 {
		s += fmt.Sprintf("; held by client %q of node %q for %s", e.Holder.Client, e.Holder.Node, e.Holder.Age.Round(time.Millisecond))
	}
	return s
}

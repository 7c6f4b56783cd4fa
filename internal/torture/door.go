// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package torture

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/sessionbridge/session"
)

// A Door is a way to sessions: pages open them there and end them. It is safe
// for concurrent use.
type Door interface {
	// Read returns a session as it is at some point of the call.
	Read(ctx context.Context, id string) (State, error)

	// Open holds a session for a page.
	Open(ctx context.Context, x Exchange) (Page, error)
}

// A Page is one that holds a session. Commit may be called again if it answered
// with an error that [Page.Again] allows; Release comes last, always.
type Page interface {
	Sent() State
	Commit(ctx context.Context, c Change) error
	Again() bool
	Release(ctx context.Context) error
}

// An Outcome is what a commit was answered.
type Outcome int

// The outcomes of a commit.
const (
	Stored   Outcome = iota // it was made
	Conflict                // its hold was lost, and others changed the same keys: nothing happened
	Refused                 // its hold or its session has ended: nothing happened
	Failed                  // busy, shutting down, unreachable: nothing happened
	Unknown                 // it may have been made, or may still be
)

func (o Outcome) String() string {
	return []string{"stored", "conflict", "refused", "failed", "unknown"}[o]
}

// OutcomeOf reads the error of a commit as [session.Opened] and
// [session.Manager.Commit] define it: all but ErrCommitUnknown mean that nothing
// was stored. keys are those in conflict, nil if it does not name them.
func OutcomeOf(err error) (o Outcome, keys []string) {
	var conflict *session.ConflictError
	switch {
	case err == nil:
		return Stored, nil
	case errors.Is(err, session.ErrCommitUnknown):
		return Unknown, nil
	case errors.As(err, &conflict):
		return Conflict, slices.Sorted(slices.Values(conflict.Keys))
	case errors.Is(err, session.ErrLockLost) && strings.Contains(err.Error(), "both changed"):
		return Conflict, nil // an owner across the network names them in its sentence only
	case errors.Is(err, session.ErrLockLost), errors.Is(err, session.ErrNoHold):
		return Refused, nil
	}
	return Failed, nil
}

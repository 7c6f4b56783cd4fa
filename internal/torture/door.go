// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package torture

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/remoteapp"
)

// A Door is a way to sessions: pages open them there and end them. It is safe
// for concurrent use.
type Door interface {
	// Name tells the kind of door, for the counts.
	Name() string

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
		return Conflict, keysIn(err.Error())
	case errors.Is(err, session.ErrLockLost) && !isCut(err), errors.Is(err, session.ErrNoHold):
		return Refused, nil
	}
	return Failed, nil
}

// keysIn returns the keys that an owner across the network names in its sentence.
func keysIn(sentence string) []string {
	_, list, _ := strings.Cut(sentence, "both changed [")
	list, _, _ = strings.Cut(list, "]")
	var keys []string
	for quoted := range strings.FieldsSeq(list) {
		key, err := strconv.Unquote(quoted)
		if err != nil {
			return nil
		}
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// isCut reports whether nobody refused a commit: its connection broke before all
// of it was sent.
func isCut(err error) bool {
	var e *remoteapp.Error
	return errors.As(err, &e) && e.Err != nil
}

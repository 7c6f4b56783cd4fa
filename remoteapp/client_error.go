// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package remoteapp

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/sessionbridge/session"
)

// What an [Error] is about, for errors.Is. An Error is also [session.ErrLockLost]
// where the session was lost before the commit, [session.ErrCommitUnknown], or a
// *[session.BusyError] where another writer held the session for too long.
var (
	// ErrUnreachable: the owner can't be reached, or does not answer to the end.
	ErrUnreachable = session.ErrUnreachable

	// ErrRefused: the owner answered that it does not do what it was asked for.
	ErrRefused = errors.New("the owner of the sessions refused")

	// ErrUnauthorized: the owner does not know the API key.
	ErrUnauthorized = errors.New("the owner of the sessions does not accept the API key")

	// ErrNotThere: nothing at the URL serves sessions.
	ErrNotThere = errors.New("no sessions are served at this URL")

	// ErrWrongFormat: what came is no session of a version that is known.
	ErrWrongFormat = errors.New("the answer is no session")

	// ErrUnknownKeys: the commit would have lost keys whose values the owner
	// could not write, and the option OnUnknown is FailUnknown.
	ErrUnknownKeys = errors.New("a commit would lose keys that the owner could not write")
)

// An Error is what went wrong between a [Client] and the owner of the sessions.
// It contains neither the API key nor the session id.
type Error struct {
	Op     string // "read", "open", "commit" or "release"
	Method string // of the request
	URL    string
	Status int    // of the answer; 0 if there was none that counts
	Reason string // what happened, or what the owner says of it
	Body   string // how a body begins that was not expected
	Remedy string // what to do

	Kind error // one of this package's errors, or of package session; nil if the caller gave up
	Err  error // the cause, if there is one

	problem string // type of the problem details that the owner sent
}

func (e *Error) Error() string {
	s := fmt.Sprintf("remote app session: %s by %s %s: ", e.Op, e.Method, e.URL)
	if e.Status != 0 {
		s += fmt.Sprintf("the owner answered %d %s", e.Status, http.StatusText(e.Status))
		if e.Reason != "" {
			s += ": "
		}
	}
	s += e.Reason
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	if e.Body != "" {
		s += fmt.Sprintf("; its body begins %q", e.Body)
	}
	if e.Remedy != "" {
		s += " (" + e.Remedy + ")"
	}
	return s
}

// Unwrap returns Kind and Err.
func (e *Error) Unwrap() []error {
	var errs []error
	for _, err := range []error{e.Kind, e.Err} {
		if err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}

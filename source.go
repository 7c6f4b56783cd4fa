// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package session

import "context"

// A Mode says what a session is opened for.
type Mode int

// The modes of [Source.Open].
const (
	ReadOnly Mode = iota // take no hold; the session can't be changed
	Writable             // hold the session until Commit or Release
)

// A Source opens sessions for a program. It is safe for concurrent use.
type Source interface {
	// Open opens the session of an id, which is what the browser's cookie has:
	// anything. One that is empty, or that the owner of the sessions does not
	// take for an id, makes a new session with an id of the owner's own; the
	// Manager takes what ParseID takes. A writable session waits for its turn:
	// *BusyError if that takes too long.
	//
	// The session is open until Commit or Release; the context bounds Open
	// only.
	Open(ctx context.Context, id string, mode Mode) (Opened, error)
}

// An Opened is a session that is open, and how it ends. Exactly one of Commit
// and Release ends it; what is called after that does nothing. A second Commit
// returns what the first one did, or nil after a Release.
//
// One that wraps another may have a method Unwrap() Opened, by which abilities
// are found that not every source has.
type Opened interface {
	// Session returns the session, always the same.
	Session() *Session

	// Commit stores what was changed, and returns once the owner of the
	// session has it; what it does first is Session.Settle. An error means that
	// it was not stored, save ErrCommitUnknown. ErrLockLost if another writer
	// took the session over meanwhile. Of a session that was opened to be read
	// it stores nothing.
	Commit(ctx context.Context) error

	// Release ends it without a change.
	Release(ctx context.Context) error
}

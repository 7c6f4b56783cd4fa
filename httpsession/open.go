// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package httpsession

import (
	"context"

	"github.com/sessionbridge/session"
)

// Open returns the session of a request as [session.FromContext] does, but for
// what the caller says, whatever its route says: for handlers that find out only
// from the request whether they will change it.
//
// It counts before the session is first used. A session that is open for writing
// already is returned as it is; one that is open to be read is
// [session.ErrReadOnly], if it is wanted for writing. Routes that are disabled
// stay so.
func Open(ctx context.Context, mode session.Mode) (*session.Session, error) {
	if x := exchangeOf(ctx); x != nil {
		x.override(mode)
	}
	return session.FromContext(ctx)
}

// override marks the rest of the request.
func (x *exchange) override(mode session.Mode) {
	as := writable
	if mode == session.ReadOnly {
		as = readOnly
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.route != disabled {
		x.route = as
	}
}

// ID returns the id of the session of a request, and opens nothing: that of the
// open session, or else what the browser's cookie says, which may be anything, or
// "" if there is neither. It is what a handler that streams keeps for
// [session.Do]. An id is a credential: log [session.HashID] of it.
func ID(ctx context.Context) string {
	x := exchangeOf(ctx)
	if x == nil {
		return ""
	}
	x.mu.Lock()
	opened := x.opened
	x.mu.Unlock()
	if opened != nil {
		return opened.Session().ID()
	}
	return x.m.cookie.sessionID(x.r.Header)
}

// cookieID returns the id of the browser's cookie and keeps it: a handler may
// change the header.
func (x *exchange) cookieID() string {
	id := x.m.cookie.sessionID(x.r.Header)
	x.mu.Lock()
	defer x.mu.Unlock()
	x.id = id
	return id
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package httpsession

import (
	"context"
	"errors"

	"github.com/sessionbridge/session"
)

// errNotOpen: a session was to be renewed that is not that of the middleware.
var errNotOpen = errors.New("session id not renewed: the session of this context was not opened by httpsession.Middleware")

// Renew gives the session of a request a new id, with all its data, when it is
// committed: call it at sign-in, so that an id that was planted in the browser
// before is worth nothing. It opens the session. The browser gets the new id with
// the response, and the old one ends; see [session.Renew].
//
// [session.ErrNotRenewable] if the sessions belong to another program.
func Renew(ctx context.Context) error {
	if _, err := session.FromContext(ctx); err != nil {
		return err
	}
	x := exchangeOf(ctx)
	if x == nil {
		return errNotOpen
	}
	x.mu.Lock()
	opened := x.opened
	x.mu.Unlock()
	if err := session.Renew(opened); err != nil {
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.renewed = true
	return nil
}

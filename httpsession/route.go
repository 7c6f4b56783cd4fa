// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package httpsession

import (
	"context"
	"net/http"

	"github.com/sessionbridge/session"
)

// A route is what a handler is marked as.
type route int

const (
	unmarked route = iota
	writable
	readOnly
	disabled
)

// mode returns what a session of the route is opened for.
func (r route) mode(method string, readOnlyGET bool) session.Mode {
	get := method == http.MethodGet || method == http.MethodHead
	if r == readOnly || r == unmarked && readOnlyGET && get {
		return session.ReadOnly
	}
	return session.Writable
}

// Writable marks a handler as one that may change its session, which is what
// handlers are if nothing else is said. The session is held from its first use to
// the commit: other writers of the same session wait meanwhile.
//
// Of several marks the innermost counts, and before a mark outside the middleware
// what its [Options] say of the route. A mark can stand in any router that takes
// middleware. A handler that finds out only from the request what it needs says
// so with [Open], before the session is first used.
func Writable(next http.Handler) http.Handler { return mark(next, writable) }

// ReadOnly marks a handler as one that only reads its session. Nobody has to
// wait for it, and it waits a moment at most; a change of the session is
// [session.ErrReadOnly], and none is ever made: there is no cookie for a session
// that does not exist yet. See [Writable] for how marks combine.
func ReadOnly(next http.Handler) http.Handler { return mark(next, readOnly) }

// Disabled marks a handler as one without a session: [session.FromContext]
// returns an error that is [session.ErrNoSession]. See [Writable] for how marks
// combine.
func Disabled(next http.Handler) http.Handler { return mark(next, disabled) }

type routeKey struct{}

func mark(next http.Handler, as route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if x := exchangeOf(r.Context()); x != nil {
			x.mark(as)
		} else { // the middleware comes later
			r = r.WithContext(context.WithValue(r.Context(), routeKey{}, as))
		}
		next.ServeHTTP(w, r)
	})
}

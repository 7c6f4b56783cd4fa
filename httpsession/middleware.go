// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package httpsession

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/sessionbridge/session"
)

// Options say how requests get their sessions. The zero value is what an
// application beside ASP.NET wants.
type Options struct {
	// Cookie carries the session id.
	Cookie Cookie

	// Routes says what the routes of the application need of the session. Marks
	// on their handlers say it too; see Writable.
	Routes Routes

	// ReadOnlyGET opens the sessions of GET and HEAD requests read-only, on
	// routes that nothing else is said of.
	ReadOnlyGET bool

	// HoldWarning is how long a request may hold its session before the log has
	// a warning: others of its user wait meanwhile. 0 means 10 s, less than 0
	// no warning.
	HoldWarning time.Duration

	// ErrorFunc answers a request in place of its handler when the session can't
	// be committed, and for [Error]. Headers that were set inside the middleware
	// are gone by then. One that writes nothing answers 500. After a failed commit
	// all that the handler writes is dropped, also if the ErrorFunc panics and the
	// handler recovers that. It must not call Error. nil means a line of text with
	// the status of [Status], and the error in the log.
	ErrorFunc func(w http.ResponseWriter, r *http.Request, err error)

	Logger *slog.Logger // nil means slog.Default()
}

// Check returns all that is wrong with the options, or nil.
func (o Options) Check() error {
	_, err := o.Routes.table()
	return errors.Join(o.Cookie.withDefaults().check(), err)
}

// Middleware returns what wraps a handler, or a whole mux, so that
// [session.FromContext] finds the session of each request. The error names all
// that is wrong with the options.
//
// The first FromContext of a request opens the session, for writing unless the
// request or its route says otherwise; it waits for other writers as the source
// does. The session is committed before the first byte of the response, also if
// the browser has gone; from then on it can be read, and changing it is
// [ErrTooLate]. Handlers in the middle of a request may share it; once the
// handler has returned nobody has it.
//
// To take the lock of a session not before its first change, wrap the source in
// [session.LockOnWrite]; to be strict about keys, in [session.KeySet.Strict]; to
// end it after a time however much it is used, in [session.EndAfter].
//
// A session whose id is new sets the cookie, once it is committed. To abandon a
// session leaves the cookie as it is, as in ASP.NET: the next one gets the same
// id.
//
// A handler that is wrapped twice by the same middleware has one session.
func Middleware(source session.Source, o Options) (func(http.Handler) http.Handler, error) {
	err := o.Check()
	if source == nil {
		err = errors.Join(errors.New("the source of sessions is nil"), err)
	}
	if err != nil {
		return nil, fmt.Errorf("httpsession: %w", err)
	}
	m := &middleware{
		source: source, cookie: o.Cookie.withDefaults(), readOnlyGET: o.ReadOnlyGET,
		holdWarning: cmp.Or(o.HoldWarning, 10*time.Second), fail: o.ErrorFunc, log: cmp.Or(o.Logger, slog.Default()),
	}
	m.routes, _ = o.Routes.table() // checked above
	if m.fail == nil {
		m.fail = errorPage(m.log)
	}
	return m.wrap, nil
}

// middleware is what all requests have in common.
type middleware struct {
	source      session.Source
	cookie      Cookie
	readOnlyGET bool
	routes      routeTable
	holdWarning time.Duration
	fail        func(w http.ResponseWriter, r *http.Request, err error)
	log         *slog.Logger
}

func (m *middleware) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if outer := exchangeOf(r.Context()); outer != nil && outer.m == m {
			next.ServeHTTP(w, r)
			return
		}
		as := m.routes.find(r)
		if as == disabled {
			next.ServeHTTP(w, r)
			return
		}
		x := newExchange(m, w, r, as)
		defer x.close() // releases the session, if the next two lines panic
		next.ServeHTTP(&x.writer, x.r)
		x.finish()
		x.compare()
	})
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package httpsession

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/sessionbridge/session"
)

// ErrTooLate says that a session was to be changed, or to be opened for writing,
// when the response had begun or after [Commit], or was to be had by a goroutine
// that outlives its handler.
var ErrTooLate = errors.New("too late for the session")

// The reasons for ErrTooLate.
var (
	errCommitted = fmt.Errorf("%w: it is committed, as it is before the first byte of the response; change it before you write", ErrTooLate)
	errBegun     = fmt.Errorf("%w: the response has begun, and a session that can be changed is committed before that; use it before you write, or mark the route with httpsession.ReadOnly", ErrTooLate)
	errReleased  = fmt.Errorf("%w: it was released without being stored, because the request failed", ErrTooLate)
	errGivenUp   = fmt.Errorf("%w: it was given up by httpsession.Release, without being stored", ErrTooLate)
	errOver      = fmt.Errorf("%w: the handler has returned", ErrTooLate)
)

// errOpenedReadOnly: something that runs before, as a middleware does that looks
// at the user, has opened the session.
var errOpenedReadOnly = fmt.Errorf("the session is wanted for writing, by httpsession.Writable or Open, but its request has used it read-only before that: %w", session.ErrReadOnly)

// errDisabled is a session.ErrNoSession with a reason of its own.
var errDisabled error = noSessionError("no session for this request: its handler is marked with httpsession.Disabled; mark it with httpsession.ReadOnly or Writable instead")

type noSessionError string

func (e noSessionError) Error() string { return string(e) }

func (e noSessionError) Is(target error) bool { return target == session.ErrNoSession }

// Error answers a request whose session can't be had or used, with the ErrorFunc
// of its middleware. It is for handlers that have not written yet. The session is
// released: what the handler has changed so far is not stored.
func Error(w http.ResponseWriter, r *http.Request, err error) {
	x := exchangeOf(r.Context())
	if x == nil {
		errorPage(slog.Default())(w, r, err)
		return
	}
	x.release(errReleased)
	x.clearHeader()
	answer := &errorWriter{ResponseWriter: w}
	x.m.fail(answer, r, err)
	answer.finish()
}

// Status returns the HTTP status for an error of a session: 503 if the same
// request may succeed later, else 500.
func Status(err error) int {
	var busy *session.BusyError
	var stale *session.StaleError
	var timeout interface{ Timeout() bool }
	switch {
	case errors.Is(err, session.ErrCommitUnknown): // whatever it was that cut it short: a second try may do it twice
		return http.StatusInternalServerError
	case errors.As(err, &busy), errors.As(err, &stale), errors.Is(err, session.ErrUnreachable),
		errors.Is(err, session.ErrLockLost), errors.Is(err, session.ErrClosed), errors.Is(err, session.ErrFull),
		errors.As(err, &timeout) && timeout.Timeout():
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// errorPage is the ErrorFunc that logs the error and shows a line that tells
// nothing of it.
func errorPage(log *slog.Logger) func(w http.ResponseWriter, r *http.Request, err error) {
	return func(w http.ResponseWriter, r *http.Request, err error) {
		level := slog.LevelError
		if r.Context().Err() != nil && errors.Is(err, context.Canceled) {
			level = slog.LevelDebug // the browser has left
		}
		log.Log(r.Context(), level, "the session of a request failed", "method", r.Method, "path", r.URL.Path, "err", err)
		w.Header().Set("Cache-Control", "no-store")
		if Status(err) == http.StatusServiceUnavailable {
			w.Header().Set("Retry-After", "1")
			http.Error(w, "Your session is not available. Please try again in a moment.", http.StatusServiceUnavailable)
			return
		}
		http.Error(w, "Your session can't be used at the moment.", http.StatusInternalServerError)
	}
}

// An errorWriter is what an ErrorFunc writes to in place of the handler.
type errorWriter struct {
	http.ResponseWriter
	wrote bool
}

func (w *errorWriter) WriteHeader(status int) {
	w.wrote = true
	w.ResponseWriter.WriteHeader(status)
}

func (w *errorWriter) Write(p []byte) (int, error) {
	w.wrote = true
	return w.ResponseWriter.Write(p)
}

// Unwrap is for [http.ResponseController].
func (w *errorWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// finish answers 500 if nothing was answered yet.
func (w *errorWriter) finish() {
	if !w.wrote {
		w.WriteHeader(http.StatusInternalServerError)
	}
}

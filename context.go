// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package session

import "context"

type traceKey struct{}

// A Loader has the session of a request, and opens it on first use. If it also has
// the method
//
//	Holds(id string) bool
//
// which reports whether the request holds that session, [Do] does not wait for a
// hold of its own request.
type Loader interface {
	// LoadSession is called for each use, and returns the same session each time.
	LoadSession(ctx context.Context) (*Session, error)
}

// ContextKey is the key under which a context has its [Loader]. It is for
// middleware whose contexts answer it themselves; all others use [NewContext].
type ContextKey struct{}

// NewContext returns a context that carries the session of a request, for
// [FromContext]. load opens it on first use; it is called for each use, and must
// return the same session each time.
func NewContext(ctx context.Context, load func(context.Context) (*Session, error)) context.Context {
	return context.WithValue(ctx, ContextKey{}, loader(load))
}

// A loader is a Loader that is a function.
type loader func(context.Context) (*Session, error)

func (l loader) LoadSession(ctx context.Context) (*Session, error) { return l(ctx) }

// FromContext returns the session of a request. The first use opens it, which
// may wait for another writer, and may fail. ErrNoSession if the request has
// none: its handler is not wrapped in the middleware of package httpsession, or
// its route has no session.
func FromContext(ctx context.Context) (*Session, error) {
	l, ok := ctx.Value(ContextKey{}).(Loader)
	if !ok {
		return nil, ErrNoSession
	}
	return l.LoadSession(ctx)
}

// A Trace is the W3C trace context of the request that a session is opened for:
// the headers traceparent, tracestate and baggage, as they came. A [Source] that
// asks another program for the session hands it on.
type Trace struct {
	Parent, State, Baggage string
}

// ContextWithTrace returns a context for [Source.Open] that carries a trace
// context.
func ContextWithTrace(ctx context.Context, t Trace) context.Context {
	return context.WithValue(ctx, traceKey{}, t)
}

// TraceFromContext returns the trace context that ctx carries, or the zero Trace.
func TraceFromContext(ctx context.Context) Trace {
	t, _ := ctx.Value(traceKey{}).(Trace)
	return t
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package httpsession

import (
	"context"
	"net/http"
	"strings"

	"github.com/sessionbridge/session"
)

// LoadSession returns the session of the request. The first call opens it, others
// wait for that one. If it fails all get its error, unless it was the caller's own
// context that ended: then the next one tries.
func (x *exchange) LoadSession(ctx context.Context) (*session.Session, error) {
	for {
		s, awaited, err := x.look()
		if s != nil || err != nil {
			return s, err
		}
		if awaited == nil {
			return x.open(ctx)
		}
		select {
		case <-awaited:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// look returns the session, or the opening to wait for, or why there will be
// none. If it returns nothing the caller is the one to open the session.
func (x *exchange) look() (*session.Session, chan struct{}, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	switch {
	case x.over:
		return nil, nil, errOver
	case x.route == disabled:
		return nil, nil, errDisabled
	case x.opened != nil:
		return x.sessionOfRoute()
	case x.failure != nil:
		return nil, nil, x.failure
	case x.opening:
		if x.awaited == nil {
			x.awaited = make(chan struct{})
		}
		return nil, x.awaited, nil
	case x.beginning.taken && x.mode() == session.Writable:
		return nil, nil, errBegun
	}
	x.opening = true
	return nil, nil, nil
}

// sessionOfRoute returns the open session, unless the route needs more of it
// than it was opened for. x.mu is held.
func (x *exchange) sessionOfRoute() (*session.Session, chan struct{}, error) {
	s := x.opened.Session()
	if x.route == writable && s.ReadOnly() {
		return nil, nil, errOpenedReadOnly
	}
	return s, nil, nil
}

// mode returns what the session is opened for. x.mu is held.
func (x *exchange) mode() session.Mode { return x.route.mode(x.r.Method, x.m.readOnlyGET) }

// open opens the session, as look has allowed.
func (x *exchange) open(ctx context.Context) (*session.Session, error) {
	defer x.endOpening() // also if the source panics
	opened, err := x.ask(withTrace(ctx, x.r.Header))
	if err != nil {
		if ctx.Err() == nil {
			x.mu.Lock()
			x.failure = err
			x.mu.Unlock()
		}
		return nil, err
	}
	if err := x.keep(opened); err != nil {
		x.noteRelease(opened, opened.Release(context.WithoutCancel(x)))
		return nil, err
	}
	return opened.Session(), nil
}

// ask asks the source for the session.
func (x *exchange) ask(ctx context.Context) (session.Opened, error) {
	if done := ctx.Done(); done == nil || done == x.Done() {
		return x.m.source.Open(ctx, x.cookieID(), x.lockedMode())
	}
	by := &openContext{part: ctx, request: x}
	opened, err := x.m.source.Open(by, x.cookieID(), x.lockedMode())
	by.opened.Store(err == nil)
	return opened, err
}

// keep keeps a session that was opened, unless it comes too late.
func (x *exchange) keep(opened session.Opened) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	s := opened.Session()
	switch {
	case x.over:
		return errOver
	case x.beginning.taken && !s.ReadOnly():
		return errBegun
	}
	x.opened = opened
	if !s.ReadOnly() {
		x.watchHold()
	}
	return nil
}

func (x *exchange) endOpening() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.opening = false
	if x.awaited != nil {
		close(x.awaited)
		x.awaited = nil
	}
}

func (x *exchange) lockedMode() session.Mode {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.mode()
}

// withTrace adds the trace context of the request, unless there is one already.
func withTrace(ctx context.Context, h http.Header) context.Context {
	t := session.Trace{
		State:   strings.Join(h["Tracestate"], ","),
		Baggage: strings.Join(h["Baggage"], ","),
	}
	if parents := h["Traceparent"]; len(parents) == 1 { // several are as good as none: W3C Trace Context, 3.2
		t.Parent = parents[0]
	}
	if t == (session.Trace{}) || session.TraceFromContext(ctx) != (session.Trace{}) {
		return ctx
	}
	return session.ContextWithTrace(ctx, t)
}

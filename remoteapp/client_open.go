// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package remoteapp

import (
	"context"
	"net/http"
	"time"

	"github.com/sessionbridge/session"
)

// Open opens the session of an id; see [session.Source]. The id is what the
// browser's cookie has: which ids there are is the owner's business. One that no
// cookie can have, or that is longer than 256 bytes, is none.
//
// The session is open until Commit or Release. Commit does not end with its
// context, only with the option CommitTimeout; of an unchanged session it sends
// nothing that changes it. What Open returns also has a method
//
//	SetCookies() []string
//
// with the values of the Set-Cookie headers that are to be handed on to the
// browser, as the owner sent them.
//
// Errors of Open, Commit and Release are *Error; those of Commit also what
// [session.Session.Settle] says, and then nothing was sent.
func (c *Client) Open(ctx context.Context, id string, mode session.Mode) (session.Opened, error) {
	if !isCookieValue(id) {
		id = ""
	}
	v := &visit{c: c, op: "open", id: id, trace: newTrace(session.TraceFromContext(ctx)), began: time.Now()}
	if mode == session.ReadOnly {
		v.op = "read"
		return v.openReadOnly(ctx)
	}
	return v.open(ctx)
}

// openReadOnly reads a session.
func (v *visit) openReadOnly(ctx context.Context) (session.Opened, error) {
	r, err := v.ask(ctx, question{by: v.c.via.double, method: http.MethodGet, readOnly: true})
	if err != nil {
		return nil, err
	}
	r.drain()
	return newOpened(r, nil, ""), nil
}

// open opens a session to be written, over as many connections as the client's
// memory says.
func (v *visit) open(ctx context.Context) (session.Opened, error) {
	switch v.c.opts.Mode {
	case Double:
		return v.double(ctx)
	case Single:
		return v.single(ctx, 0)
	}
	plan := v.c.memory.plan()
	if !plan.post {
		return v.double(ctx)
	}
	o, err := v.single(ctx, plan.patience)
	sign := ""
	if err != nil {
		sign = fallbackSign(err)
	}
	if sign != "" {
		o, err = v.double(ctx)
	}
	switch {
	case err != nil:
		v.c.memory.failed(plan)
	case sign != "":
		v.c.memory.fellBack(plan, sign)
	default:
		v.c.memory.worked(plan)
	}
	return o, err
}

// single opens a session over one connection. A POST that nobody has begun to
// process is sent once more.
func (v *visit) single(ctx context.Context, patience time.Duration) (session.Opened, error) {
	up := newUpload(2)
	r, err := v.ask(ctx, question{by: v.c.via.single, method: http.MethodPost, body: up, patience: patience})
	if err != nil {
		return nil, err
	}
	return r.held(&single{r, up}, http.MethodPost)
}

// double opens a session over two connections.
func (v *visit) double(ctx context.Context) (session.Opened, error) {
	r, err := v.ask(ctx, question{by: v.c.via.double, method: http.MethodGet})
	if err != nil {
		return nil, err
	}
	return r.held(&double{r}, http.MethodPut)
}

// held returns the session that the exchange holds, if its owner lets it be
// changed. method is that of the request that commits it.
func (r *reply) held(end ending, method string) (session.Opened, error) {
	reason := ""
	switch {
	case r.session.ReadOnly:
		reason = "the owner gave the session to be read only, though it was asked for one to be changed"
	case !isCookieValue(r.session.ID):
		reason = "the owner gave the session an id that no cookie can have"
	default:
		return newOpened(r, end, method), nil
	}
	r.close()
	e := r.visit.fail(r.method, ErrRefused, reason)
	e.Status, e.Remedy = r.res.StatusCode, "does RemoteAppURL lead to the owner of the sessions, in a version that speaks format 1?"
	return nil, e
}

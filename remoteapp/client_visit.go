// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package remoteapp

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/wire"
)

// errOpenTimeout ends an exchange that was not answered in time.
var errOpenTimeout = errors.New("time is up")

// drainTime bounds how long the end of an answer is waited for that has been
// read as far as it matters, so that its connection can be used again.
const drainTime = 250 * time.Millisecond

// A visit is one use of a session: requests that belong together.
type visit struct {
	c     *Client
	op    string // of errors
	id    string // what the browser's cookie says; "" for none
	named string // what the owner says, once it has
	trace trace
	began time.Time
}

// A reply is an answer that began with a session. It may stay open; close ends
// its exchange.
type reply struct {
	visit   *visit
	method  string
	res     *http.Response
	arrived arrived       // of the body
	body    *bufio.Reader // of arrived
	session wire.Session
	cancel  context.CancelCauseFunc
}

// A question is a request for a session.
type question struct {
	by       http.RoundTripper
	method   string
	readOnly bool
	body     *upload       // nil: none
	patience time.Duration // until something must be heard; 0: OpenTimeout is enough
}

// ask sends a request for a session and reads it. The context and the option
// OpenTimeout bound that; what is returned lives on.
func (v *visit) ask(ctx context.Context, q question) (*reply, error) {
	bounded, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	forgetCaller := context.AfterFunc(ctx, func() { cancel(gaveUp(ctx)) })
	timer := time.AfterFunc(v.c.opts.OpenTimeout-time.Since(v.began), func() { cancel(errOpenTimeout) })
	r, err := v.exchange(bounded, cancel, q)
	inTime, wanted := timer.Stop(), forgetCaller()
	switch {
	case err == nil && !wanted:
		err = v.noAnswer(q.method, gaveUp(ctx), true)
	case err == nil && !inTime:
		err = v.noAnswer(q.method, errOpenTimeout, true)
	}
	if err != nil {
		cancel(err)
		if r != nil {
			r.res.Body.Close()
		}
		return nil, err
	}
	return r, nil
}

// gaveUp returns why a caller's context has ended. A cause of the caller's own,
// such as that of signal.NotifyContext, does not hide that it was the caller.
func gaveUp(ctx context.Context) error {
	if cause := context.Cause(ctx); !errors.Is(cause, ctx.Err()) {
		return fmt.Errorf("%w: %w", ctx.Err(), cause)
	}
	return context.Cause(ctx)
}

// exchange sends the request and reads the session. The caller closes what it
// returns, also beside an error.
func (v *visit) exchange(ctx context.Context, cancel context.CancelCauseFunc, q question) (*reply, error) {
	var connecting connecting
	req := v.request(connecting.watch(ctx), q.method, v.id)
	req.Header[readOnlyHeaderName] = []string{map[bool]string{true: "True", false: "False"}[q.readOnly]}
	if q.body != nil {
		q.body.attach(req)
	}
	res, err := v.send(q, req, cancel)
	if err != nil {
		return nil, v.noAnswer(q.method, orCause(ctx, err), !connecting.now())
	}
	r := &reply{visit: v, method: q.method, res: res, cancel: cancel}
	if q.method == http.MethodPost && res.ProtoMajor < 2 {
		return r, v.noAnswer(q.method, errNoHTTP2, true)
	}
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return r, v.refused(q.method, res)
	}
	if err := r.read(); err != nil {
		if ctx.Err() != nil {
			return r, v.noAnswer(q.method, context.Cause(ctx), true)
		}
		return r, err
	}
	return r, nil
}

// send sends the request, and gives up when its patience is at its end, unless one
// connection has worked for another page meanwhile.
func (v *visit) send(q question, req *http.Request, cancel context.CancelCauseFunc) (*http.Response, error) {
	if q.patience == 0 {
		return q.by.RoundTrip(req)
	}
	tooLong := make(chan bool, 1)
	timer := time.AfterFunc(q.patience, func() {
		works := v.c.memory.known() == Single
		if !works {
			cancel(errNothingHeard)
		}
		tooLong <- !works
	})
	res, err := q.by.RoundTrip(req)
	if !timer.Stop() && <-tooLong && err == nil { // just now
		res.Body.Close()
		return nil, errNothingHeard
	}
	return res, err
}

// orCause returns why a request's context has ended, if it has, else err.
func orCause(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// request makes a request with the headers that all have.
func (v *visit) request(ctx context.Context, method, id string) *http.Request {
	req := (&http.Request{Method: method, URL: v.c.url, Host: v.c.url.Host, Header: make(http.Header, 8), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}).WithContext(ctx)
	req.Header["User-Agent"] = nil // Microsoft's client sends none
	req.Header[v.c.opts.APIKeyHeader] = []string{v.c.opts.APIKey}
	if id != "" {
		req.Header["Cookie"] = []string{v.c.opts.CookieName + "=" + id}
	}
	v.trace.set(req.Header)
	return req
}

// An arrived is a body that remembers how it ended: to who reads a session of it,
// one that is shorter than the session ends like one that broke off.
type arrived struct {
	from io.Reader
	err  error
}

func (a *arrived) Read(p []byte) (n int, err error) {
	n, err = a.from.Read(p)
	a.err = err
	return n, err
}

// broke reports whether the body has ended before its end.
func (a *arrived) broke() bool { return a.err != nil && a.err != io.EOF }

// read reads the session at the start of the answer.
func (r *reply) read() error {
	r.arrived.from = r.res.Body
	r.body = bufio.NewReaderSize(&r.arrived, 1<<10)
	if first, err := r.body.Peek(1); err == nil && first[0] != wire.Version {
		begin, _ := r.body.Peek(min(r.body.Buffered(), mostBody))
		return r.visit.noSession(r, begin)
	}
	var err error
	if r.session, err = wire.Read(r.body, r.visit.c.opts.readLimits()); err != nil {
		return r.visit.badSession(r, err)
	}
	r.visit.named = r.session.ID
	return nil
}

// rest reads what follows the session, to its clean end. It must come within
// the context's time: the end that an owner gives an exchange because it was given
// up is none. Of what is more than most it returns no more.
func (r *reply) rest(ctx context.Context, most int64) ([]byte, error) {
	inTime := context.AfterFunc(ctx, r.close)
	b, err := io.ReadAll(io.LimitReader(r.body, most))
	if err == nil {
		_, err = io.Copy(io.Discard, r.body)
	}
	if !inTime() {
		err = context.Cause(ctx)
	}
	return b, err
}

// drain reads the rest of an answer that should be over, and closes it.
func (r *reply) drain() {
	ctx, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	r.rest(ctx, 0) // an error means that the connection is of no more use
	r.close()
}

// close ends the exchange, from whatever goroutine. One that is at its end
// leaves its connection to others.
func (r *reply) close() {
	r.cancel(context.Canceled)
	r.res.Body.Close() // net/http looks at the context of an open POST only then
}

// connecting tells whether a request still waits for a connection.
type connecting struct{ is atomic.Bool }

func (c *connecting) now() bool { return c.is.Load() }

func (c *connecting) watch(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { c.is.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { c.is.Store(false) },
	})
}

// state returns what a session.Session is made of.
func (r *reply) state(readOnly bool) session.State {
	timeout := min(max(r.session.Timeout, 0), minutes(session.MaxTimeout)) // the wire has any number
	return session.State{
		ID: r.session.ID, New: r.session.New, ReadOnly: readOnly,
		Timeout: time.Duration(timeout) * time.Minute, Items: r.session.Items,
	}
}

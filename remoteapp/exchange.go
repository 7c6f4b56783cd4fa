// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package remoteapp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/wire"
)

// An Exchange is what a [Handler] tells of one exchange when it is over.
type Exchange struct {
	Kind    string        // "read", "get" (writeable), "put", "post" or "other"
	Client  string        // its name; "" if it had no valid key
	Outcome string        // "ok", "committed", "released", "lost", "expired", "refused", "busy", "unauthorized", "shutdown" or "failed"
	Waited  time.Duration // how long it waited for its turn to write
	Took    time.Duration // from its request to its end
	Sent    int           // bytes of the session that it was sent
	Got     int           // bytes of the body that came back
}

// The outcomes of an exchange.
const (
	outcomeOK           = "ok"
	outcomeCommitted    = "committed"
	outcomeReleased     = "released" // the peer went away, or sent nothing back
	outcomeLost         = "lost"     // another writer took the session over
	outcomeExpired      = "expired"  // it was held for as long as a session lives
	outcomeRefused      = "refused"
	outcomeBusy         = "busy"
	outcomeUnauthorized = "unauthorized"
	outcomeShutdown     = "shutdown"
	outcomeFailed       = "failed" // a fault of this server or of its store
)

// sendTimeout bounds how long a peer may take to receive what it is sent.
const sendTimeout = 30 * time.Second

// bodyTimeout bounds how long the body of an update may take from its first
// byte. Microsoft's client gives its commit up after as long.
const bodyTimeout = 60 * time.Second

// complainEvery is how often a request without a valid key is logged, at most.
const complainEvery = 10 * time.Second

// An exchange is one request while it is served.
type exchange struct {
	h      *Handler
	w      http.ResponseWriter
	r      *http.Request
	client *session.Client
	id     string // as it arrived; "" if there was none
	began  time.Time
	begun  bool // the answer's headers are out
	seen   Exchange
	head   [64]byte // for the bytes of a header
}

// serve checks what all exchanges have in common, and serves the one that it is.
func (x *exchange) serve() error {
	header := x.w.Header()
	header["Cache-Control"] = x.h.headers.noStore
	header["X-Accel-Buffering"] = x.h.headers.noBuffering
	if x.h.noMore.Err() != nil || retired(x.r.Context()) {
		header.Set("Connection", "close") // on HTTP/2: GOAWAY NO_ERROR
	}
	if x.h.broken.Err() != nil {
		return session.ErrClosed
	}
	client, ok := x.h.clients.find(x.r.Header)
	if !ok {
		return refuseKey(x.h.opts.KeyHeader)
	}
	x.client, x.seen.Client = client, client.Name
	x.id, _ = x.h.opts.Cookie.sessionID(x.r.Header)
	return x.serveVerb()
}

// serveVerb serves an exchange of a known client. Verbs compare without case, as
// Microsoft's server compares them.
func (x *exchange) serveVerb() error {
	is := func(verb string) bool { return strings.EqualFold(x.r.Method, verb) }
	switch {
	case is(http.MethodGet) && x.r.ContentLength != 0:
		return refuseGetBody()
	case is(http.MethodGet) && wantsReadOnly(x.r.Header):
		x.seen.Kind = "read"
		return x.read()
	case is(http.MethodGet):
		return x.write("get", x.hold)
	case is(http.MethodPut):
		return x.write("put", x.put)
	case is(http.MethodPost) && x.r.ProtoMajor >= 2:
		return x.write("post", x.duplex)
	}
	return refuseMethod(x.r)
}

// write serves an exchange that a shutdown has to wait for.
func (x *exchange) write(kind string, serve func() error) error {
	x.seen.Kind = kind
	x.h.count(0, 1)
	defer x.h.count(0, -1)
	return serve()
}

// read serves a read-only GET: a header and the stored bytes, as they are.
func (x *exchange) read() error {
	item, err := x.h.manager.Read(x.r.Context(), x.id)
	if err != nil {
		return err
	}
	data := item.Data
	if x.client.Scope.Declared() {
		data = wire.AppendScoped(nil, data, x.client.Scope)
	}
	head := wire.AppendHeader(x.head[:0], &wire.Header{ID: item.ID, New: item.New, ReadOnly: true, Timeout: minutes(item.Timeout)})
	header := x.w.Header()
	header["Content-Type"] = x.h.headers.readOnly
	header["Content-Length"] = []string{strconv.Itoa(len(head) + len(data))}
	x.begun, x.seen.Outcome, x.seen.Sent = true, outcomeOK, len(head)+len(data)
	defer x.boundWriting(len(data))()
	if _, err := x.w.Write(head); err == nil {
		x.w.Write(data) // an error means that the peer has gone: nobody is left to be told
	}
	return nil
}

// buffered is how much of an answer to HTTP/1 net/http surely takes without
// writing to the connection.
const buffered = 2 << 10

// boundWriting lets what is written from now on fail if the peer does not take
// it within sendTimeout, or if the Handler breaks exchanges off. The function
// that it returns must be called when the handler has written all of it.
//
// The deadline of an HTTP/2 stream stays: what is left is sent after the handler
// has returned. That of an HTTP/1 connection does not, as others use it next; a
// small answer there needs none.
func (x *exchange) boundWriting(size int) (done func()) {
	if x.r.ProtoMajor == 1 && size <= buffered {
		return func() {}
	}
	rc := http.NewResponseController(x.w)
	rc.SetWriteDeadline(time.Now().Add(sendTimeout)) // where there are no deadlines, the server has its own
	stop := x.whenBroken(func() { rc.SetWriteDeadline(time.Unix(1, 0)) })
	return func() {
		stop()
		if x.r.ProtoMajor == 1 {
			rc.SetWriteDeadline(time.Time{})
		}
	}
}

// whenBroken calls f if the Handler breaks exchanges off before stop is called.
// When stop has returned, f is not running.
func (x *exchange) whenBroken(f func()) (stop func()) {
	ended := make(chan struct{})
	cancel := context.AfterFunc(x.h.broken, func() {
		defer close(ended)
		f()
	})
	return func() {
		if !cancel() {
			<-ended
		}
	}
}

// minutes returns a timeout as it stands in session bytes.
func minutes(timeout time.Duration) int32 { return int32(timeout / time.Minute) }

// open holds the session for this exchange. It gives up when the peer goes away
// or the Handler shuts down.
func (x *exchange) open(detached bool, limit time.Duration) (*session.Held, error) {
	if x.h.noMore.Err() != nil {
		return nil, session.ErrClosed
	}
	held, err := x.h.manager.Hold(x.r.Context(), session.HoldRequest{
		ID: x.id, Client: x.client.Name, Trace: traceID(x.r.Header), Detached: detached, Limit: limit, Stop: x.h.noMore.Done(),
	})
	var busy *session.BusyError
	switch {
	case errors.As(err, &busy):
		x.seen.Waited = busy.Waited
	case err == nil:
		x.seen.Waited = held.Waited
	}
	return held, err
}

// release ends a hold that was not committed. Release has a time of its own.
func (x *exchange) release(held *session.Held) {
	if err := held.Release(x.r.Context()); err != nil {
		x.h.log.Error("a session could not be released: it stays held until another writer takes it",
			"session", session.HashID(held.Item.ID), "client", x.client.Name, "err", err)
	}
}

// A commitContext is that of a commit. It outlives the request, whose peer may
// leave after its last byte, but not the Handler: a late commit may wait for a
// while.
type commitContext struct {
	context.Context                 // of the Handler
	request         context.Context // for its values
}

func (x *exchange) commitContext() context.Context {
	return commitContext{x.h.broken, context.WithoutCancel(x.r.Context())}
}

// Value returns what the Handler's context has, which knows why it is done, or
// else what the request's has.
func (c commitContext) Value(key any) any {
	if v := c.Context.Value(key); v != nil {
		return v
	}
	return c.request.Value(key)
}

// sendHeld sends the session that is held, headers and bytes together: the
// client blocks a thread between them.
//
// An error means that the peer has gone, unless nothing was sent: the server is
// not one that can hold a session then.
func (x *exchange) sendHeld(held *session.Held, tail string) error {
	item := held.Item
	if err := http.NewResponseController(x.w).SetReadDeadline(time.Time{}); err != nil {
		return &refusal{status: http.StatusInternalServerError, code: "cannot-hold", reason: "Internal Server Error", err: err,
			detail: "This server can't keep a response open: something wraps its http.ResponseWriter without an Unwrap method."}
	}
	if held.Issued {
		x.w.Header()["Set-Cookie"] = []string{x.h.opts.Cookie.set(item.ID)}
	}
	x.w.Header()["Content-Type"] = x.h.headers.held
	body := wire.AppendHeader(make([]byte, 0, 64+len(item.Data)), &wire.Header{ID: item.ID, New: item.New, Timeout: minutes(item.Timeout)})
	body = wire.AppendScoped(body, item.Data, x.client.Scope)
	x.seen.Sent = len(body)
	return x.send(append(body, tail...))
}

// unsent returns the error to answer where a session could not be sent: none if
// the peer has gone.
func (x *exchange) unsent(err error) error {
	if !x.begun {
		return err
	}
	x.seen.Outcome = outcomeReleased
	return nil
}

// send writes to a peer that is held open, within sendTimeout.
func (x *exchange) send(b []byte) error {
	x.begun = true
	rc := http.NewResponseController(x.w)
	if err := rc.SetWriteDeadline(time.Now().Add(sendTimeout)); err != nil {
		return err
	}
	if len(b) > buffered {
		defer x.whenBroken(func() { rc.SetWriteDeadline(time.Unix(1, 0)) })()
	}
	if _, err := x.w.Write(b); err != nil {
		return err
	}
	if err := rc.Flush(); err != nil {
		return err
	}
	return rc.SetWriteDeadline(time.Time{})
}

// update makes an update of the body that a client sent back for a session.
func (x *exchange) update(id string, body []byte) (session.Update, error) {
	header, n, err := wire.DecodeHeader(body, x.h.manager.Limits())
	if err != nil {
		return session.Update{}, refuseBody(err)
	}
	if got, ok := session.ParseID(header.ID); !ok || got != id {
		return session.Update{}, refuseBody(errors.New("it has the id of another session than the one that is held"))
	}
	size, err := wire.CheckItems(body[n:], x.h.manager.Limits())
	if err != nil {
		return session.Update{}, refuseBody(err)
	}
	update := session.Update{
		Client:    *x.client,
		Items:     body[n : n+size],
		Timeout:   time.Duration(header.Timeout) * time.Minute,
		Abandoned: header.Abandoned,
	}
	if !update.Abandoned {
		if err := session.CheckTimeout(update.Timeout); err != nil {
			return session.Update{}, refuseBody(err)
		}
	}
	return update, nil
}

// readBody reads a body to its end, if it is no larger than a session may be.
// It expects about as much as was sent.
func readBody(body io.Reader, expected, most int) ([]byte, error) {
	b := bytes.NewBuffer(make([]byte, 0, min(expected, most)+bytes.MinRead))
	_, err := b.ReadFrom(io.LimitReader(body, int64(most)+1))
	if err == nil && b.Len() > most {
		err = &tooLargeError{most}
	}
	return b.Bytes(), err
}

// A tooLargeError is that of a body larger than a session may be.
type tooLargeError struct{ most int }

func (e *tooLargeError) Error() string {
	return fmt.Sprintf("it is larger than the %d bytes that a session may have", e.most)
}

// refuse answers an error before anything else was answered, and says so in the
// log.
func (x *exchange) refuse(e *refusal) {
	if x.r.Context().Err() != nil && errors.Is(e.err, context.Canceled) {
		x.seen.Outcome = outcomeReleased // most likely the peer went away while it waited
	} else {
		x.note(e)
	}
	if !x.begun {
		x.respond(e)
	}
}

// respond sends a refusal as the answer.
func (x *exchange) respond(e *refusal) {
	x.begun = true
	body := e.body()
	if x.sayReason(e, body) {
		return
	}
	e.header(x.w.Header(), len(body))
	if x.r.ProtoMajor == 1 && x.r.ContentLength != 0 {
		// Else net/http reads the body before it answers, and goes on reading
		// after it has, for as long as the peer likes.
		x.w.Header().Set("Connection", "close")
		http.NewResponseController(x.w).SetReadDeadline(time.Now().Add(drainTimeout))
	}
	defer x.boundWriting(len(body))()
	x.w.WriteHeader(e.status)
	if x.r.Method != http.MethodHead {
		x.w.Write(body)
	}
}

// note remembers the outcome that a refusal stands for, and logs what somebody
// has to look at.
func (x *exchange) note(e *refusal) {
	switch {
	case e.status == http.StatusUnauthorized:
		x.seen.Outcome = outcomeUnauthorized
	case e.code == "busy":
		x.seen.Outcome = outcomeBusy
	case e.code == "shutting-down":
		x.seen.Outcome = outcomeShutdown
	case e.status >= 500:
		x.seen.Outcome = outcomeFailed
	default:
		x.seen.Outcome = outcomeRefused
	}
	more := 0
	if e.status == http.StatusUnauthorized {
		var say bool
		if say, more = x.h.unauthorized.Pass(complainEvery); !say {
			return
		}
	}
	x.h.log.Warn("an exchange was refused", "exchange", x.seen.Kind, "proto", x.r.Proto, "from", x.r.RemoteAddr, "client", x.seen.Client,
		"session", x.hash(), "status", e.status, "code", e.code, "reason", e.reason, "err", errorOrDetail(e), "more_before", more)
}

func errorOrDetail(e *refusal) string {
	if e.err != nil {
		return e.err.Error()
	}
	return e.detail
}

// hash returns what logs say of the session.
func (x *exchange) hash() string {
	if x.id == "" {
		return ""
	}
	return session.HashID(x.id)
}

// finish recovers from a panic and tells the observer. A panic before the
// answer becomes a 500: were the stream reset instead, Microsoft's client would
// never again try one connection.
func (x *exchange) finish() {
	if fault := recover(); fault != nil {
		x.seen.Outcome = outcomeFailed
		x.h.log.Error("a fault in the handler", "fault", fault, "stack", string(debug.Stack()))
		if x.begun {
			defer panic(http.ErrAbortHandler)
		} else {
			x.w.Header().Del("Set-Cookie")
			x.respond(&refusal{status: http.StatusInternalServerError, code: "internal", reason: "Internal Server Error",
				detail: "A fault of this server; its log tells more."})
		}
	}
	if x.h.opts.Observe != nil {
		x.seen.Took = time.Since(x.began)
		x.h.opts.Observe(x.seen)
	}
}

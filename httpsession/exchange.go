// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package httpsession

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"sync"

	"github.com/sessionbridge/session"
)

// An exchange is one request on its way through the middleware: its session,
// and how far the response is. It is the context of the request too, and finds
// itself there.
//
// Its life is: open → begun (the session is committed, the first byte leaves) →
// over (the handler has returned or panicked).
type exchange struct {
	context.Context // of the request as it came
	m               *middleware
	w               http.ResponseWriter // as it came
	r               *http.Request       // as the handler gets it
	writer          writer              // what the handler writes to
	outer           http.Header         // what was set before the handler ran; nil if nothing

	dropped error        // why the handler's response is dropped; read it after beginning
	answer  *errorWriter // of what is answered in its place; read it after beginning
	ended   error        // what the commit or release said; read it after ending

	mu        sync.Mutex
	changed   sync.Cond // a turn is done
	beginning turn      // of the response
	heading   turn      // its cookies are set
	ending    turn      // of the session
	committed bool      // it ended so
	over      bool      // the handler is done

	route   route
	id      string        // what the browser's cookie had when the session was opened
	opening bool          // is under way
	awaited chan struct{} // closed once that has ended; nil: nobody waits for it
	opened  session.Opened
	renewed bool // it gets a new id
	watch   holdWatch
	failure error       // why it can't be opened
	cookies []string    // Set-Cookie headers that the commit is to be answered with
	instead http.Header // of what is answered in place of a dropped response
}

// A turn is something that is done once.
type turn struct{ taken, done bool }

type exchangeKey struct{}

// Value finds the exchange itself, and what the request's context has. To answer
// session.ContextKey here saves each request a context of its own for that.
func (x *exchange) Value(key any) any {
	switch key {
	case exchangeKey{}, session.ContextKey{}:
		return x
	}
	return x.Context.Value(key)
}

// exchangeOf returns the exchange that a context belongs to, or nil.
func exchangeOf(ctx context.Context) *exchange {
	x, _ := ctx.Value(exchangeKey{}).(*exchange)
	return x
}

func newExchange(m *middleware, w http.ResponseWriter, r *http.Request, as route) *exchange {
	x := &exchange{Context: r.Context(), m: m, w: w, route: as}
	if as == unmarked {
		x.route, _ = x.Context.Value(routeKey{}).(route)
	}
	if h := w.Header(); len(h) > 0 {
		x.outer = maps.Clone(h)
	}
	x.writer.x = x
	x.changed.L = &x.mu
	x.r = r.WithContext(x)
	return x
}

func (x *exchange) mark(as route) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.route = as
}

// once does what is done once, or waits until another goroutine has done it. It
// reports whether it was done here. Unlike sync.Once it holds no mutex meanwhile.
func (x *exchange) once(t *turn, do func()) bool {
	if !x.take(t) {
		return false
	}
	defer func() {
		x.mu.Lock()
		defer x.mu.Unlock()
		t.done = true
		x.changed.Broadcast()
	}()
	do()
	return true
}

// take takes a turn, or waits until the one who has it is done.
func (x *exchange) take(t *turn) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	if !t.taken {
		t.taken = true
		return true
	}
	for !t.done {
		x.changed.Wait()
	}
	return false
}

// begin commits the session before the first byte of the response leaves, and sets
// its cookies. An error means that the handler's response is dropped: another one is
// given in its place.
func (x *exchange) begin() error {
	err := x.inform()
	if err == nil {
		x.once(&x.heading, x.setCookies)
	}
	return err
}

// inform is begin for a status that another one follows. The cookies are for that
// one: a proxy, for one, clears the headers in between.
func (x *exchange) inform() error {
	x.once(&x.beginning, func() {
		x.dropped = errUnanswered // unless what follows comes to its end
		if here, err := x.commit(); here && err != nil {
			x.drop(err)
			return
		}
		x.dropped = nil
	})
	return x.dropped
}

// finish begins the response, if nothing has yet, and answers the request if a
// commit or an ErrorFunc has panicked and the handler has recovered that.
func (x *exchange) finish() {
	switch err := x.begin(); {
	case err == nil:
	case x.answer == nil:
		x.drop(session.ErrPanicked)
	default:
		x.answer.finish()
	}
}

// errUnanswered: the commit or the ErrorFunc has panicked.
var errUnanswered = droppedBy(session.ErrPanicked)

// droppedBy says why the handler's response is dropped.
func droppedBy(err error) error {
	return fmt.Errorf("httpsession: the response is dropped: the session was not committed: %w", err)
}

// setCookies adds the cookies of the session to the response.
func (x *exchange) setCookies() {
	x.mu.Lock()
	cookies := x.cookies
	x.mu.Unlock()
	if len(cookies) == 0 {
		return
	}
	h := x.w.Header()
	for _, cookie := range cookies {
		h.Add("Set-Cookie", cookie)
	}
	// No cache may give one user's cookie to another.
	h.Add("Cache-Control", `no-cache="Set-Cookie"`)
}

// drop answers the request in place of the handler.
func (x *exchange) drop(err error) {
	x.dropped = droppedBy(err)
	x.clearHeader()
	x.answer = &errorWriter{ResponseWriter: x.w}
	x.m.fail(x.answer, x.r, err)
	x.answer.finish()
	x.mu.Lock()
	defer x.mu.Unlock()
	x.instead = maps.Clone(x.w.Header())
}

// clearHeader removes what the handler has set: it tells of another response.
func (x *exchange) clearHeader() {
	h := x.w.Header()
	clear(h)
	maps.Copy(h, x.outer)
}

// close ends the exchange once the handler is done with it. A session that is
// still open is released.
func (x *exchange) close() {
	x.mu.Lock()
	x.over = true
	instead := x.instead
	x.mu.Unlock()
	x.release(errReleased)
	if instead != nil { // what was set since may be trailers, or http.TimeoutHandler looks only now
		h := x.w.Header()
		clear(h)
		maps.Copy(h, instead)
	}
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package remoteapp

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/sessionbridge/session"
)

// duplex serves a POST over HTTP/2: the session's bytes go out, and come back on
// the same stream.
func (x *exchange) duplex() error {
	held, err := x.open(false, x.h.opts.DuplexHoldLimit)
	if err != nil {
		return err
	}
	defer x.release(held)
	if err := x.sendHeld(held, ""); err != nil && !x.begun {
		return err
	} else if err != nil {
		// The peer may have the session, have sent it back and have reset the
		// stream, all before this flush returned: what came whole is a commit.
		back := x.receive()
		back.stop()
		x.conclude(held, back, outcomeReleased)
		return nil
	}
	back := x.receive()
	s := stay{x: x, held: held, arriving: back.arriving}
	outcome := s.last(back.done, 0)
	back.stop() // does no harm to a body that is whole
	x.conclude(held, back, outcome)
	return nil
}

// conclude answers a POST: it commits what came back, or says why it does not.
func (x *exchange) conclude(held *session.Held, back *received, outcome string) {
	x.seen.Outcome, x.seen.Got = outcome, len(back.body)
	var tooLarge *tooLargeError
	switch {
	case back.err == nil && len(back.body) > 0:
		x.seen.Outcome = x.commit(held, back.body)
	case back.err == nil:
		x.answer(reasonNoBody)
	case outcome == outcomeShutdown:
		x.answer("The session server is shutting down. The session was released; nothing was changed.")
	case outcome == outcomeExpired:
		x.answer("The session was held for as long as it lives. It was released; nothing was changed.")
	case errors.As(back.err, &tooLarge):
		x.seen.Outcome = outcomeRefused
		x.answer(refuseBody(back.err).message())
	case back.slow():
		x.seen.Outcome = outcomeRefused
		x.answer(refuseSlowBody(back.err).message())
	}
	// Else the stream was reset or its connection lost: nobody is left to be
	// answered, and what came of the body is not a commit.
}

// commit commits the body of a POST and answers it.
func (x *exchange) commit(held *session.Held, body []byte) (outcome string) {
	update, err := x.update(held.Item.ID, body)
	if err == nil {
		err = held.Commit(x.commitContext(), update)
	}
	if err != nil {
		e := refuse(err)
		x.note(e)
		x.answer(e.message())
		if errors.Is(err, session.ErrLockLost) {
			return outcomeLost
		}
		return x.seen.Outcome
	}
	x.answer("")
	return outcomeCommitted
}

// message returns the refusal as the one text of a POST's answer.
func (e *refusal) message() string { return e.reason + ". " + e.detail }

// answer ends the response of a POST: committed, or not for this reason. It is
// not flushed: it leaves together with the end of the stream, in one frame, when
// the handler returns. The deadline of the stream bounds that.
func (x *exchange) answer(reason string) {
	b, err := json.Marshal(struct {
		Success bool   `json:"s"`
		Message string `json:"m,omitempty"`
	}{reason == "", reason})
	if err != nil {
		panic(err) // a bool and a string
	}
	http.NewResponseController(x.w).SetWriteDeadline(time.Now().Add(sendTimeout))
	x.w.Write(b) // an error means that the peer has gone: nobody is left to be told
}

// received is the body of a POST on its way.
type received struct {
	from io.Reader
	rc   *http.ResponseController
	done chan struct{} // closed when the fields below may be read

	body []byte
	err  error // nil: the peer ended its stream; whether it reset it after that does not matter

	mu      sync.Mutex
	started bool // the first byte is there
	stopped bool
}

// receive reads the body in a goroutine of its own, so that the exchange can end
// while its peer says nothing.
func (x *exchange) receive() *received {
	back := &received{from: x.r.Body, rc: http.NewResponseController(x.w), done: make(chan struct{})}
	go func() {
		defer close(back.done)
		back.body, back.err = readBody(back, x.seen.Sent, x.h.manager.Limits().Session)
	}()
	return back
}

// Read reads from the body. A peer that has begun to send must come to an end.
func (b *received) Read(p []byte) (int, error) {
	n, err := b.from.Read(p)
	b.mu.Lock()
	defer b.mu.Unlock()
	if n > 0 && !b.started && !b.stopped {
		b.started = true
		b.rc.SetReadDeadline(time.Now().Add(bodyTimeout))
	}
	return n, err
}

// stop ends a Read that nobody waits for any more, and the goroutine with it.
func (b *received) stop() {
	b.mu.Lock()
	b.stopped = true
	b.rc.SetReadDeadline(time.Unix(1, 0))
	b.mu.Unlock()
	<-b.done
}

// arriving reports whether the first byte is there.
func (b *received) arriving() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.started
}

// slow reports whether the body took longer than bodyTimeout.
func (b *received) slow() bool { return b.started && errors.Is(b.err, os.ErrDeadlineExceeded) }

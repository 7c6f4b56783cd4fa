// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package attack

import (
	"context"
	"fmt"
	"strconv"

	"golang.org/x/net/http2"
)

// A Stream is one request over HTTP/2.
type Stream struct {
	ID     uint32
	conn   *Conn
	headed chan struct{} // closed when the headers of the answer are there
	done   chan struct{} // closed when the stream has ended
	answer Answer        // conn.mu is held, or done closed
}

// An Answer is what became of a request.
type Answer struct {
	Status int // 0: none came
	Header map[string]string
	Body   []byte
	Err    error // of a stream that was reset, or whose connection ended
}

// head takes the headers of the answer. conn.mu is held.
func (s *Stream) head(f *http2.MetaHeadersFrame) {
	if s == nil || s.answer.Status != 0 {
		return
	}
	s.answer.Status, _ = strconv.Atoi(f.PseudoValue("status"))
	s.answer.Header = make(map[string]string)
	for _, field := range f.RegularFields() {
		s.answer.Header[field.Name] = field.Value
	}
	close(s.headed)
	if f.StreamEnded() {
		s.end(nil)
	}
}

// end ends the stream. conn.mu is held.
func (s *Stream) end(err error) {
	select {
	case <-s.done:
	default:
		s.answer.Err = err
		close(s.done)
	}
}

// Send sends a piece of the body.
func (s *Stream) Send(b []byte, last bool) error {
	return s.conn.Frames(func(f *http2.Framer) error { return f.WriteData(s.ID, last, b) })
}

// Reset resets the stream.
func (s *Stream) Reset(code http2.ErrCode) error {
	return s.conn.Frames(func(f *http2.Framer) error { return f.WriteRSTStream(s.ID, code) })
}

// Headed waits for the headers of the answer and returns its status, which is 0
// if none came.
func (s *Stream) Headed(ctx context.Context) (status int, err error) {
	select {
	case <-s.headed:
	case <-s.done:
	case <-ctx.Done(): // it may have come all the same
		err = fmt.Errorf("no answer: %w", context.Cause(ctx))
	}
	s.conn.mu.Lock()
	defer s.conn.mu.Unlock()
	if s.answer.Status != 0 || s.answer.Err != nil {
		err = s.answer.Err
	}
	return s.answer.Status, err
}

// Wait waits for the end of the stream and returns what became of it.
func (s *Stream) Wait(ctx context.Context) Answer {
	select {
	case <-s.done:
	case <-ctx.Done():
		return Answer{Err: fmt.Errorf("no end: %w", context.Cause(ctx))}
	}
	s.conn.mu.Lock()
	defer s.conn.mu.Unlock()
	delete(s.conn.streams, s.ID)
	return s.answer
}

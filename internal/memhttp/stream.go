// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package memhttp

import (
	"bytes"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// Capacity is how many bytes one direction of a connection holds. A Write
// blocks when so many wait to be read.
const Capacity = 1 << 20

// A stream is one direction of a connection. Its errors are bare; Conn wraps
// them.
//
// A goroutine never waits while it holds mu, only on cond: synctest takes a
// goroutine for blocked on the latter alone.
type stream struct {
	mu            sync.Mutex
	cond          sync.Cond // any change of the fields below
	buf           bytes.Buffer
	writing       bool  // one Write at a time
	silent        bool  // nothing that one end does reaches the other
	readerErr     error // what the reader gets when it has closed its end
	writerErr     error // what the writer gets when it has closed its end
	finErr        error // what the reader gets when buf is empty: io.EOF
	brokenErr     error // what the writer gets because of the reader
	readDeadline  deadline
	writeDeadline deadline
}

func newStream() *stream {
	s := &stream{}
	s.cond.L = &s.mu
	return s
}

func (s *stream) read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case s.readerErr != nil:
			return 0, s.readerErr
		case s.readDeadline.passed:
			return 0, os.ErrDeadlineExceeded
		case len(p) == 0:
			return 0, nil
		case s.buf.Len() > 0:
			n, _ := s.buf.Read(p)
			s.cond.Broadcast()
			return n, nil
		case s.finErr != nil:
			return 0, s.finErr
		}
		s.cond.Wait()
	}
}

func (s *stream) write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.awaitTurn(); err != nil {
		return 0, err
	}
	s.writing = true
	defer func() {
		s.writing = false
		s.cond.Broadcast()
	}()
	return s.fill(p)
}

// awaitTurn waits until no other Write runs. s.mu is held.
func (s *stream) awaitTurn() error {
	for {
		if err := s.cannotWrite(); err != nil || !s.writing {
			return err
		}
		s.cond.Wait()
	}
}

// fill puts p into the buffer, as room comes. s.mu is held.
func (s *stream) fill(p []byte) (n int, err error) {
	for {
		if err := s.cannotWrite(); err != nil {
			return n, err
		}
		if s.silent {
			return n + len(p), nil
		}
		room := min(len(p), Capacity-s.buf.Len())
		s.buf.Write(p[:room])
		n, p = n+room, p[room:]
		if room > 0 {
			s.cond.Broadcast()
		}
		if len(p) == 0 {
			return n, nil
		}
		s.cond.Wait()
	}
}

// cannotWrite says why a Write must fail now. s.mu is held.
func (s *stream) cannotWrite() error {
	switch {
	case s.writerErr != nil:
		return s.writerErr
	case s.brokenErr != nil:
		return s.brokenErr
	case s.writeDeadline.passed:
		return os.ErrDeadlineExceeded
	}
	return nil
}

// closeWriter ends the stream: the reader gets what is there, then io.EOF.
// From now on the writer gets err.
func (s *stream) closeWriter(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.writerErr != net.ErrClosed { // CloseWrite after Close changes nothing
		s.writerErr = err
	}
	s.writeDeadline.clear()
	if !s.silent && s.finErr == nil {
		s.finErr = io.EOF
	}
	s.cond.Broadcast()
}

// closeReader drops what was not read. From now on the writer gets EPIPE and
// the reader net.ErrClosed.
func (s *stream) closeReader() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.readerErr = net.ErrClosed
	s.readDeadline.clear()
	s.buf.Reset()
	if !s.silent && s.brokenErr == nil {
		s.brokenErr = syscall.EPIPE
	}
	s.cond.Broadcast()
}

// reset lets both ends fail with ECONNRESET and drops what was not read. An
// end that has closed the stream keeps its own error.
func (s *stream) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.silent {
		return
	}
	s.buf.Reset()
	s.finErr, s.brokenErr = syscall.ECONNRESET, syscall.ECONNRESET
	s.cond.Broadcast()
}

func (s *stream) silence() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.silent = true
	s.cond.Broadcast()
}

func (s *stream) setReadDeadline(t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.readerErr != nil {
		return s.readerErr
	}
	s.readDeadline.set(s, t)
	return nil
}

func (s *stream) setWriteDeadline(t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.writerErr != nil {
		return s.writerErr
	}
	s.writeDeadline.set(s, t)
	return nil
}

// A deadline belongs to a stream, whose mutex guards it.
type deadline struct {
	timer  *time.Timer
	passed bool
}

func (d *deadline) clear() {
	if d.timer != nil {
		d.timer.Stop()
	}
	*d = deadline{}
}

func (d *deadline) set(s *stream, t time.Time) {
	d.clear()
	defer s.cond.Broadcast()
	if t.IsZero() {
		return
	}
	wait := time.Until(t)
	if wait <= 0 {
		d.passed = true
		return
	}
	var timer *time.Timer
	timer = time.AfterFunc(wait, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if d.timer == timer { // else a later call has replaced it
			d.passed = true
			s.cond.Broadcast()
		}
	})
	d.timer = timer
}

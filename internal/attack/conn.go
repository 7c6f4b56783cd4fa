// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package attack

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// A Conn is an HTTP/2 connection of a client that may send any frame at any
// time. It acknowledges settings and pings and takes all data, unless it was
// opened to be deaf. All methods may be called concurrently.
type Conn struct {
	net.Conn
	ended chan struct{} // closed when the connection has ended, and err says how
	err   error

	mu      sync.Mutex // of all below
	framer  *http2.Framer
	encoder *hpack.Encoder
	block   bytes.Buffer
	next    uint32
	streams map[uint32]*Stream
	goAway  *http2.GoAwayFrame
	acks    int
}

// DialPlain and DialTLS open a connection over which nothing was sent yet.
func DialPlain(ctx context.Context, addr string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, "tcp", addr)
}

// DialTLS is DialPlain and a handshake for a protocol: h2 or http/1.1.
func DialTLS(ctx context.Context, addr, protocol string) (net.Conn, error) {
	d := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true, NextProtos: []string{protocol}}}
	return d.DialContext(ctx, "tcp", addr)
}

// NewConn begins HTTP/2 on a connection (RFC 9113, 3.4). Close ends it and waits
// for its goroutine.
func NewConn(conn net.Conn, settings ...http2.Setting) (*Conn, error) {
	c := &Conn{Conn: conn, ended: make(chan struct{}), next: 1, streams: make(map[uint32]*Stream)}
	c.framer = http2.NewFramer(conn, conn)
	c.framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	c.encoder = hpack.NewEncoder(&c.block)
	if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
		return nil, err
	}
	if err := c.framer.WriteSettings(settings...); err != nil {
		return nil, err
	}
	go c.read()
	return c, nil
}

// Close closes the connection.
func (c *Conn) Close() error {
	err := c.Conn.Close()
	<-c.ended
	return err
}

// Ended is closed when the connection has ended.
func (c *Conn) Ended() <-chan struct{} { return c.ended }

// GoAway returns the code with which the server took its leave.
func (c *Conn) GoAway() (code http2.ErrCode, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.goAway == nil {
		return 0, false
	}
	return c.goAway.ErrCode, true
}

// Acks returns how many of this end's settings and pings were acknowledged.
func (c *Conn) Acks() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.acks
}

// Frames lets f write frames.
func (c *Conn) Frames(f func(*http2.Framer) error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return f(c.framer)
}

// read takes what the server sends until the connection ends.
func (c *Conn) read() {
	defer close(c.ended)
	for {
		frame, err := c.framer.ReadFrame()
		if err == nil {
			err = c.take(frame)
		}
		if err != nil {
			c.fail(err)
			return
		}
	}
}

// fail ends all streams that have not ended.
func (c *Conn) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.err = err
	for _, s := range c.streams {
		s.end(fmt.Errorf("the connection ended: %w", err))
	}
}

// take takes one frame.
func (c *Conn) take(frame http2.Frame) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.streams[frame.Header().StreamID]
	switch f := frame.(type) {
	case *http2.SettingsFrame:
		if f.IsAck() {
			c.acks++
			return nil
		}
		return c.framer.WriteSettingsAck()
	case *http2.PingFrame:
		if f.IsAck() {
			c.acks++
			return nil
		}
		return c.framer.WritePing(true, f.Data)
	case *http2.GoAwayFrame:
		c.goAway = f
	case *http2.MetaHeadersFrame:
		s.head(f)
	case *http2.DataFrame:
		return c.data(s, f)
	case *http2.RSTStreamFrame:
		if s != nil {
			s.end(http2.StreamError{StreamID: f.StreamID, Code: f.ErrCode})
		}
	}
	return nil
}

// data takes data and lets the server send as much again.
func (c *Conn) data(s *Stream, f *http2.DataFrame) error {
	if s != nil {
		s.answer.Body = append(s.answer.Body, f.Data()...)
		if f.StreamEnded() {
			s.end(nil)
		}
	}
	if n := f.Length; n > 0 {
		return errors.Join(c.framer.WriteWindowUpdate(0, n), c.framer.WriteWindowUpdate(f.StreamID, n))
	}
	return nil
}

// Open sends the head of a request; last tells that no body follows.
func (c *Conn) Open(r Request, last bool) (*Stream, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.stream()
	return s, c.framer.WriteHeaders(http2.HeadersFrameParam{
		StreamID: s.ID, BlockFragment: c.encode(r.fields()), EndHeaders: true, EndStream: last,
	})
}

// stream makes the next stream. c.mu is held.
func (c *Conn) stream() *Stream {
	s := &Stream{ID: c.next, conn: c, headed: make(chan struct{}), done: make(chan struct{})}
	c.streams[s.ID] = s
	c.next += 2
	return s
}

// Next makes the next stream without a word of it to the server.
func (c *Conn) Next() *Stream {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stream()
}

// encode returns the block of a head. c.mu is held.
func (c *Conn) encode(fields []hpack.HeaderField) []byte {
	c.block.Reset()
	for _, f := range fields {
		c.encoder.WriteField(f) // into memory
	}
	return c.block.Bytes()
}

// Block returns the block of a request's head, for frames of the caller's.
func (c *Conn) Block(r Request) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return bytes.Clone(c.encode(r.fields()))
}

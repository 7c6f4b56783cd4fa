// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package memhttp

import (
	"io"
	"net"
	"syscall"
	"time"
)

// A Conn is one end of an in-memory connection. It behaves as a TCP
// connection does, with these differences: each direction holds [Capacity]
// bytes, a Write after the other end has closed fails at once, and data that
// the closing end has not read does not turn its close into a reset.
//
// All methods may be called concurrently.
type Conn struct {
	in, out       *stream
	local, remote net.Addr
}

var _ net.Conn = (*Conn)(nil)

// Pipe returns the two ends of a new connection. Either end may be taken for
// the client's.
func Pipe() (a, b *Conn) {
	return pipe(clientAddr(0), serverAddr(plainPort))
}

func pipe(client, server net.Addr) (a, b *Conn) {
	there, back := newStream(), newStream()
	a = &Conn{in: back, out: there, local: client, remote: server}
	b = &Conn{in: there, out: back, local: server, remote: client}
	return a, b
}

// Read reads what is there, or waits for the first byte. It returns [io.EOF]
// once the other end has closed and all of its data is read.
func (c *Conn) Read(p []byte) (int, error) {
	n, err := c.in.read(p)
	return n, c.wrap("read", err)
}

// Write returns when all of p is in the buffer. It fails with an error that
// wraps [syscall.EPIPE] once the other end has closed.
func (c *Conn) Write(p []byte) (int, error) {
	n, err := c.out.write(p)
	return n, c.wrap("write", err)
}

// Close ends both directions: the other end reads the data that is on its way
// to it, then [io.EOF]. Reads and Writes of this end that wait fail with
// [net.ErrClosed]. A second Close does nothing.
func (c *Conn) Close() error {
	c.in.closeReader() // first: this end must not read what the other says to its close
	c.out.closeWriter(net.ErrClosed)
	return nil
}

// CloseWrite ends the direction away from this end, and leaves the other.
func (c *Conn) CloseWrite() error {
	c.out.closeWriter(syscall.EPIPE)
	return nil
}

// Reset breaks the connection: data on its way is lost, and the other end
// fails with an error that wraps [syscall.ECONNRESET]. This end is closed.
func (c *Conn) Reset() {
	c.out.reset()
	c.in.reset()
	c.Close()
}

// Silence cuts the connection so that neither end notices, as when a cable is
// pulled: what is written from now on vanishes, in both directions, and so
// does the news of a Close or Reset. Data in the buffers can still be read.
func (c *Conn) Silence() {
	c.out.silence()
	c.in.silence()
}

// LocalAddr returns a made-up address, different for each client connection.
func (c *Conn) LocalAddr() net.Addr { return c.local }

// RemoteAddr returns the other end's LocalAddr.
func (c *Conn) RemoteAddr() net.Addr { return c.remote }

// SetDeadline sets both deadlines.
func (c *Conn) SetDeadline(t time.Time) error {
	if err := c.SetReadDeadline(t); err != nil {
		return err
	}
	return c.SetWriteDeadline(t)
}

// SetReadDeadline lets Reads fail with [os.ErrDeadlineExceeded] after t, also
// those that wait already. The zero time means never.
func (c *Conn) SetReadDeadline(t time.Time) error {
	return c.wrap("set", c.in.setReadDeadline(t))
}

// SetWriteDeadline does for Writes what SetReadDeadline does for Reads. It has
// no effect after CloseWrite.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	if err := c.out.setWriteDeadline(t); err != syscall.EPIPE {
		return c.wrap("set", err)
	}
	return nil
}

func (c *Conn) wrap(op string, err error) error {
	if err == nil || err == io.EOF { // io.EOF must stay bare, as readers compare
		return err
	}
	return &net.OpError{Op: op, Net: c.local.Network(), Source: c.local, Addr: c.remote, Err: err}
}

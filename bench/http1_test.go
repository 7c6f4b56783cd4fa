// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"strconv"
	"testing"
	"time"
)

// A conn1 is a client's HTTP/1.1 connection that does no more than it must, so
// that what is measured is the server.
type conn1 struct {
	net.Conn
	in *bufio.Reader
}

func dial1(tb testing.TB, address string) *conn1 {
	tb.Helper()
	c, err := net.Dial("tcp", address)
	must(tb, err)
	tb.Cleanup(func() { c.Close() })
	must(tb, c.SetDeadline(time.Now().Add(patience)))
	return &conn1{Conn: c, in: bufio.NewReaderSize(c, 2<<10)}
}

// patience is after how long a row that hangs fails.
const patience = 3 * time.Minute

// head reads the head of an answer, which must be a 200, and returns the length
// of its body, -1 if it is chunked.
func (c *conn1) head() (length int, err error) {
	status, err := c.in.ReadSlice('\n')
	if err != nil {
		return 0, err
	}
	if !bytes.HasPrefix(status, []byte("HTTP/1.1 200 ")) {
		return 0, fmt.Errorf("the server answers %q", status)
	}
	length = -1
	for {
		field, err := c.in.ReadSlice('\n')
		if err != nil || len(field) == 2 {
			return length, err
		}
		if value, ok := bytes.CutPrefix(field, []byte("Content-Length: ")); ok {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return 0, err
			}
		}
	}
}

// get sends a request and reads the whole answer.
func (c *conn1) get(request []byte) error {
	if _, err := c.Write(request); err != nil {
		return err
	}
	return c.answer()
}

// answer reads a whole answer.
func (c *conn1) answer() error {
	length, err := c.head()
	if err != nil {
		return err
	}
	if length < 0 {
		return c.rest()
	}
	_, err = c.in.Discard(length)
	return err
}

// chunk reads one chunk and returns its length: 0 at the end of the answer.
func (c *conn1) chunk() (int, error) {
	size, err := c.in.ReadSlice('\n')
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseUint(string(bytes.TrimSpace(size)), 16, 31)
	if err != nil {
		return 0, err
	}
	_, err = c.in.Discard(int(n) + 2)
	return int(n), err
}

// rest reads the chunks that are left.
func (c *conn1) rest() error {
	for {
		if n, err := c.chunk(); n == 0 || err != nil {
			return err
		}
	}
}

// hold sends a GET that is held, and returns when the session is there.
func (c *conn1) hold(request []byte) error {
	if _, err := c.Write(request); err != nil {
		return err
	}
	return c.session()
}

// session reads an answer as far as its session.
func (c *conn1) session() error {
	if _, err := c.head(); err != nil {
		return err
	}
	n, err := c.chunk()
	if err == nil && n < len(sessionID(0)) {
		err = fmt.Errorf("%d bytes are no session", n)
	}
	return err
}

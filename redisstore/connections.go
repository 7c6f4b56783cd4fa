// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package redisstore

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"
)

// renewEvery is how often connections are renewed, at most: all calls that are
// under way are refused by a server that is not the primary.
const renewEvery = time.Second

// connections are those that are open. A primary that becomes a replica may keep
// them, though its name or its load balancer leads to the new one by then.
type connections struct {
	mu      sync.Mutex
	open    map[*connection]struct{}
	renewed time.Time
}

// A connection takes itself out when it is closed.
type connection struct {
	net.Conn
	among *connections
	since time.Time
	heard bool // for who reads, which is one at a time
}

type dialFunc = func(context.Context, string, *net.Dialer, *tls.Config) (net.Conn, error)

// dialWith dials as another function does, or over TCP if that is nil.
func (c *connections) dialWith(dial dialFunc) dialFunc {
	if dial == nil {
		dial = dialTCP
	}
	return func(ctx context.Context, addr string, dialer *net.Dialer, config *tls.Config) (net.Conn, error) {
		conn, err := dial(ctx, addr, dialer, config)
		if err != nil {
			return nil, unreached(nil, err)
		}
		return c.add(conn), nil
	}
}

func dialTCP(ctx context.Context, addr string, dialer *net.Dialer, config *tls.Config) (net.Conn, error) {
	if config == nil {
		return dialer.DialContext(ctx, "tcp", addr)
	}
	conn, err := (&tls.Dialer{NetDialer: dialer, Config: config}).DialContext(ctx, "tcp", addr)
	var cert *tls.CertificateVerificationError
	if err != nil && !isDial(err) && !errors.As(err, &cert) {
		err = fmt.Errorf("no TLS was agreed on; if its port has none, the URL begins with redis:// and there is no authority: %w", err)
	}
	return conn, err
}

func (c *connections) add(conn net.Conn) *connection {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open == nil {
		c.open = map[*connection]struct{}{}
	}
	added := &connection{Conn: conn, among: c, since: time.Now()}
	c.open[added] = struct{}{}
	return added
}

// unreached is the error of a connection over which nothing was asked yet.
func unreached(addr net.Addr, err error) error {
	if isDial(err) {
		return err
	}
	return &net.OpError{Op: "dial", Net: "tcp", Addr: addr, Err: err}
}

// isDial reports whether there was no connection.
func isDial(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

// Read implements [net.Conn]. A server that was never heard was sent nothing but
// a greeting: a proxy whose server is gone takes connections and closes them.
func (c *connection) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 {
		c.heard = true
	}
	if err != nil && !c.heard {
		err = unreached(c.RemoteAddr(), c.silent(err))
	}
	return n, err
}

// silent adds to the error of a server that was never heard why that may be.
func (c *connection) silent(err error) error {
	_, encrypted := c.Conn.(*tls.Conn)
	if encrypted || errors.Is(err, os.ErrDeadlineExceeded) { // who wants TLS hangs up
		return err
	}
	return fmt.Errorf("it took the connection and said nothing; a port with TLS wants rediss://: %w", err)
}

// Close implements [net.Conn].
func (c *connection) Close() error {
	c.among.mu.Lock()
	delete(c.among.open, c)
	c.among.mu.Unlock()
	return c.Conn.Close()
}

// renew closes what was open at a time. The client connects anew when it is next
// asked for something, or at once to hear of changes.
func (c *connections) renew(before time.Time) {
	for _, conn := range c.take(before) {
		_ = conn.Conn.Close() // the client closes it again
	}
}

func (c *connections) take(before time.Time) []*connection {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.renewed) < renewEvery {
		return nil
	}
	var taken []*connection
	for conn := range c.open {
		if conn.since.Before(before) {
			taken = append(taken, conn)
			delete(c.open, conn)
		}
	}
	if len(taken) > 0 {
		c.renewed = time.Now()
	}
	return taken
}

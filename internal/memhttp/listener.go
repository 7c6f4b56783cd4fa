// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package memhttp

import (
	"context"
	"net"
	"sync"
	"syscall"
)

// backlog is how many connections wait for an Accept.
const backlog = 128

// A listener accepts the connections that dial makes.
type listener struct {
	addr   net.Addr
	queue  chan *Conn
	closed chan struct{}
	close  func()
}

var _ net.Listener = (*listener)(nil)

func newListener(addr net.Addr) *listener {
	l := &listener{addr: addr, queue: make(chan *Conn, backlog), closed: make(chan struct{})}
	l.close = sync.OnceFunc(func() { close(l.closed) })
	return l
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.queue:
		return conn, nil
	case <-l.closed:
		return nil, l.wrap("accept", net.ErrClosed)
	}
}

// dial hands the listener its end of a new connection. After Close it fails
// as if nobody listened.
func (l *listener) dial(ctx context.Context, conn *Conn) error {
	select {
	case <-l.closed:
		return l.wrap("dial", syscall.ECONNREFUSED)
	default:
	}
	select {
	case l.queue <- conn:
		return nil
	case <-l.closed:
		return l.wrap("dial", syscall.ECONNREFUSED)
	case <-ctx.Done():
		return l.wrap("dial", context.Cause(ctx))
	}
}

func (l *listener) Close() error {
	l.close()
	return nil
}

func (l *listener) Addr() net.Addr { return l.addr }

func (l *listener) wrap(op string, err error) error {
	return &net.OpError{Op: op, Net: l.addr.Network(), Addr: l.addr, Err: err}
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package torture

import (
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// A Proxy stands between a client and any of some servers: each connection leads
// to one that is drawn by lot, and may break at any time. It is safe for
// concurrent use.
type Proxy struct {
	counts   *Counts
	listener net.Listener
	under    sync.WaitGroup

	slow atomic.Int64 // nanoseconds that each packet takes

	mu     sync.Mutex
	rand   *rand.Rand
	to     []string
	cables map[*cable]bool
	closed bool
}

// OpenProxy returns a Proxy on a loopback address of its own, that leads nowhere
// yet.
func OpenProxy(r *rand.Rand, counts *Counts) (*Proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &Proxy{listener: l, rand: r, counts: counts, cables: make(map[*cable]bool)}
	p.under.Go(p.accept)
	return p, nil
}

// Addr returns where it listens.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Route says where new connections lead.
func (p *Proxy) Route(to []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.to = to
}

// Slow says how long each packet takes, on every connection.
func (p *Proxy) Slow(d time.Duration) { p.slow.Store(int64(d)) }

// Close breaks all connections and waits for their end.
func (p *Proxy) Close() error {
	err := p.listener.Close()
	p.mu.Lock()
	p.closed = true
	for c := range p.cables {
		c.end()
	}
	p.mu.Unlock()
	p.under.Wait()
	return err
}

// Cut breaks one of the connections, in one of several ways.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	left := p.rand.IntN(len(p.cables) + 1)
	for c := range p.cables {
		if left--; left < 0 {
			c.cut(p.rand.IntN(4))
			p.counts.Add("cuts", 1)
			return
		}
	}
}

func (p *Proxy) accept() {
	for {
		near, err := p.listener.Accept()
		if err != nil {
			return // Close has closed it
		}
		p.under.Go(func() { p.join(near) })
	}
}

// join connects a client with a server until one of them, or a cut, ends it.
func (p *Proxy) join(near net.Conn) {
	far, err := net.Dial("tcp", p.any())
	if err != nil {
		near.Close()
		return
	}
	c := &cable{near: near, far: far, slow: &p.slow}
	if !p.add(c) {
		c.end()
		return
	}
	c.carry()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.cables, c)
}

func (p *Proxy) any() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.to) == 0 {
		return "127.0.0.1:0" // nobody listens there
	}
	return p.to[p.rand.IntN(len(p.to))]
}

func (p *Proxy) add(c *cable) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cables[c] = !p.closed
	return !p.closed
}

// A cable is a connection through a Proxy.
type cable struct {
	near, far net.Conn
	slow      *atomic.Int64
	deaf      atomic.Bool // what the server says is lost
	mute      atomic.Bool // what the client says is lost
}

// carry carries bytes both ways until both ends are closed.
func (c *cable) carry() {
	var up sync.WaitGroup
	up.Go(func() { c.way(c.far, c.near, &c.mute) })
	c.way(c.near, c.far, &c.deaf)
	up.Wait()
	c.end()
}

// way carries bytes one way. An end that is clean is handed on, any other ends the
// connection.
func (c *cable) way(to, from net.Conn, lost *atomic.Bool) {
	buffer := make([]byte, 16<<10)
	for {
		n, err := from.Read(buffer)
		time.Sleep(time.Duration(c.slow.Load()))
		if n > 0 && !lost.Load() {
			if _, err := to.Write(buffer[:n]); err != nil {
				from.Close()
			}
		}
		switch {
		case errors.Is(err, io.EOF) && !lost.Load():
			if tcp, ok := to.(*net.TCPConn); ok {
				tcp.CloseWrite()
			}
			return
		case err != nil:
			to.Close()
			return
		}
	}
}

// cut breaks it: at once, or from the next thing that is said on; with a reset,
// or as if both ends had closed it.
func (c *cable) cut(how int) {
	switch how {
	case 0:
		c.deaf.Store(true)
		c.endSoon()
	case 1:
		c.mute.Store(true)
		c.endSoon()
	case 2:
		for _, conn := range []net.Conn{c.near, c.far} {
			if tcp, ok := conn.(*net.TCPConn); ok {
				tcp.SetLinger(0)
			}
		}
		c.end()
	default:
		c.end()
	}
}

// silence is how long a connection over which nothing comes any more looks well.
const silence = 100 * time.Millisecond

func (c *cable) endSoon() {
	c.near.SetReadDeadline(time.Now().Add(silence))
	c.far.SetReadDeadline(time.Now().Add(silence))
}

func (c *cable) end() {
	c.near.Close()
	c.far.Close()
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package redistest

import (
	"bytes"
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// A Proxy stands between a client and a server and can lose answers.
type Proxy struct {
	listener net.Listener
	target   atomic.Pointer[string]
	conns    sync.WaitGroup
	done     chan struct{}
	wanted   atomic.Pointer[string]
	seen     atomic.Int64
}

// StartProxy starts a proxy for a server, which ends with the test.
func StartProxy(t testing.TB, s *Server) *Proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{listener: l, done: make(chan struct{})}
	p.Turn(s)
	p.conns.Go(p.accept)
	t.Cleanup(func() {
		close(p.done)
		_ = l.Close()
		p.conns.Wait()
	})
	return p
}

// URL is how a client reaches the server through the proxy.
func (p *Proxy) URL() string { return "redis://" + p.listener.Addr().String() }

// Turn has connections that come from now on go to a server. Those that are there
// stay as they are, as with a name or a load balancer that follows the primary.
func (p *Proxy) Turn(to *Server) {
	addr := to.Addr()
	p.target.Store(&addr)
}

// LoseAnswer breaks the connection over which a request with this text comes,
// when the server has answered it. It does so each time.
func (p *Proxy) LoseAnswer(text string) {
	p.seen.Store(0)
	p.wanted.Store(&text)
}

// Pass loses no more answers. It returns how many requests had the text.
func (p *Proxy) Pass() int64 {
	p.wanted.Store(nil)
	return p.Lost()
}

// Lost is how many requests have had the text so far.
func (p *Proxy) Lost() int64 { return p.seen.Load() }

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", *p.target.Load())
		if err != nil {
			_ = client.Close()
			continue
		}
		end := sync.OnceFunc(func() {
			_ = client.Close()
			_ = server.Close()
		})
		finished := make(chan struct{})
		p.conns.Go(func() {
			select {
			case <-p.done:
			case <-finished:
			}
			end()
		})
		var mute atomic.Bool
		p.conns.Go(func() { defer end(); p.requests(client, server, &mute) })
		p.conns.Go(func() { defer close(finished); answers(server, client, &mute) })
	}
}

// requests passes requests on. The tests send what they look for at once, so it
// comes in one piece.
func (p *Proxy) requests(client, server net.Conn, mute *atomic.Bool) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := client.Read(buffer)
		if wanted := p.wanted.Load(); wanted != nil && bytes.Contains(buffer[:n], []byte(*wanted)) {
			p.seen.Add(1)
			mute.Store(true)
		}
		if _, failed := server.Write(buffer[:n]); err != nil || failed != nil {
			return
		}
	}
}

// answers passes answers on until one is to be lost. That to a PING is none.
func answers(server, client net.Conn, mute *atomic.Bool) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := server.Read(buffer)
		if mute.Load() {
			if string(buffer[:n]) == "+PONG\r\n" {
				continue
			}
			return
		}
		if _, failed := client.Write(buffer[:n]); err != nil || failed != nil {
			return
		}
	}
}

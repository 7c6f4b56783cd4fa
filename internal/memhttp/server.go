// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

// Package memhttp serves HTTP/1 and HTTP/2 over in-memory connections, for
// tests in synctest bubbles, where real sockets would stop the clock.
//
//	synctest.Test(t, func(t *testing.T) {
//		server := memhttp.New(t, handler)
//		client := server.Client(memhttp.H2C)
//		res, err := client.Get(server.URL())
//		…
//	})
//
// The connections are [Conn]s, which tests may also use by themselves; they
// can be made to fail. The package knows HTTP only by net/http and nothing of
// sessions.
package memhttp

import (
	"context"
	"crypto/tls"
	"errors"
	"log"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"
)

// endWithin is how long handlers may run on after their connections broke.
const endWithin = time.Minute

// A Server serves one handler, with and without TLS.
type Server struct {
	tb         testing.TB
	http       *http.Server
	plain, tls *listener
	cert       tls.Certificate
	log        *testLog
	serving    sync.WaitGroup // the calls of Serve
	running    running        // connections and handlers

	mu     sync.Mutex
	dialed int    // attempts, with those that failed
	conns  []ends // of all connections that were made
}

type ends struct{ client, server *Conn }

// New starts a server, which ends with the test: its connections break, and
// the test waits for its handlers. A configure function may change the
// [http.Server] before it starts, say to take HTTP/2 away from it.
//
// The server speaks HTTP/1 and HTTP/2, the latter with TLS and without.
func New(tb testing.TB, handler http.Handler, configure ...func(*http.Server)) *Server {
	tb.Helper()
	cert, err := certificate()
	if err != nil {
		tb.Fatalf("memhttp: certificate: %v", err)
	}
	s := &Server{
		tb:    tb,
		plain: newListener(serverAddr(plainPort)),
		tls:   newListener(serverAddr(tlsPort)),
		cert:  cert,
		log:   &testLog{tb: tb},
	}
	s.running.changed.L = &s.running.mu
	s.http = &http.Server{Handler: handler, Protocols: allProtocols(), ErrorLog: log.New(s.log, "", 0)}
	for _, change := range configure {
		change(s.http)
	}
	s.start()
	tb.Cleanup(s.stop)
	return s
}

func allProtocols() *http.Protocols {
	var ps http.Protocols
	ps.SetHTTP1(true)
	ps.SetHTTP2(true)
	ps.SetUnencryptedHTTP2(true)
	return &ps
}

// URL is where the server is without TLS, without a slash at the end.
func (s *Server) URL() string { return "http://" + host }

// TLSURL is where the server is with TLS, without a slash at the end.
func (s *Server) TLSURL() string { return "https://" + host }

// Conns returns the clients' ends of all connections ever made, in order: its
// length counts them, and Reset and Silence break them.
func (s *Server) Conns() []*Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	clients := make([]*Conn, len(s.conns))
	for i, c := range s.conns {
		clients[i] = c.client
	}
	return clients
}

func (s *Server) start() {
	s.http.Handler = s.running.handler(s.http.Handler)
	s.http.ConnState = s.running.connState(s.http.ConnState)
	s.http.TLSConfig = s.withCertificate(s.http.TLSConfig)
	s.serving.Go(func() { s.check(s.http.Serve(s.plain)) })
	s.serving.Go(func() { s.check(s.http.ServeTLS(s.tls, "", "")) })
}

func (s *Server) withCertificate(c *tls.Config) *tls.Config {
	c = c.Clone()
	if c == nil {
		c = &tls.Config{}
	}
	if len(c.Certificates) == 0 && c.GetCertificate == nil {
		c.Certificates = []tls.Certificate{s.cert}
	}
	return c
}

func (s *Server) check(err error) {
	if !errors.Is(err, http.ErrServerClosed) {
		s.tb.Errorf("memhttp: serve: %v", err)
	}
}

func (s *Server) dial(ctx context.Context, l *listener) (*Conn, error) {
	c := s.connect(l)
	if err := l.dial(ctx, c.server); err != nil {
		s.forget(c)
		return nil, err
	}
	return c.client, nil
}

func (s *Server) connect(l *listener) ends {
	s.mu.Lock()
	defer s.mu.Unlock()
	var c ends
	c.client, c.server = pipe(clientAddr(s.dialed), l.addr)
	s.dialed++
	s.conns = append(s.conns, c)
	return c
}

func (s *Server) forget(c ends) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conns = slices.DeleteFunc(s.conns, func(other ends) bool { return other == c })
}

func (s *Server) stop() {
	s.http.Close() // closes the listeners too
	s.serving.Wait()
	s.closeConns()
	if !s.running.await(endWithin) {
		s.tb.Errorf("memhttp: a handler runs on %v after its connection broke", endWithin)
	}
	s.log.end()
}

// closeConns ends what http.Server.Close leaves: the connections that were not
// accepted yet or that a handler has hijacked, and the clients' ends.
func (s *Server) closeConns() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.conns {
		c.client.Close()
		c.server.Close()
	}
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package memhttp

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
)

// A Protocol is what a client speaks.
type Protocol int

const (
	// HTTP1 is HTTP/1.1, for [Server.URL] and [Server.TLSURL].
	HTTP1 Protocol = iota

	// H2C is HTTP/2 without TLS and by prior knowledge, for [Server.URL].
	H2C

	// TLS is what the two ends agree on by ALPN, HTTP/2 if both can, for
	// [Server.TLSURL].
	TLS
)

// Client returns a client with connections of its own, which end with the
// test. It does not follow the environment's proxies.
func (s *Server) Client(p Protocol) *http.Client {
	return &http.Client{Transport: s.Transport(p)}
}

// Transport returns what Client uses, for tests that change it.
func (s *Server) Transport(p Protocol) *http.Transport {
	t := &http.Transport{
		DialContext:     s.DialContext,
		TLSClientConfig: s.ClientTLS(),
		Protocols:       p.protocols(),
	}
	s.tb.Cleanup(t.CloseIdleConnections)
	return t
}

func (p Protocol) protocols() *http.Protocols {
	var ps http.Protocols
	ps.SetHTTP1(p == HTTP1 || p == TLS)
	ps.SetHTTP2(p == TLS)
	ps.SetUnencryptedHTTP2(p == H2C)
	return &ps
}

// ClientTLS returns a new configuration that trusts the server.
func (s *Server) ClientTLS() *tls.Config {
	roots := x509.NewCertPool()
	roots.AddCert(s.cert.Leaf)
	return &tls.Config{RootCAs: roots, ServerName: host}
}

// DialContext has the form that [http.Transport] wants. The network is of no
// account, and of the address only the port is: 443 is for TLS.
func (s *Server) DialContext(ctx context.Context, _, address string) (net.Conn, error) {
	l := s.plain
	if _, port, _ := net.SplitHostPort(address); port == "443" {
		l = s.tls
	}
	conn, err := s.dial(ctx, l)
	if err != nil {
		return nil, err
	}
	return conn, nil
}

// Dial returns a connection without TLS, for requests written by hand.
func (s *Server) Dial(ctx context.Context) (*Conn, error) {
	return s.dial(ctx, s.plain)
}

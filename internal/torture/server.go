// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package torture

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/sessionbridge/session/remoteapp"
)

// Certificate makes a certificate for servers on the loopback address, and the
// pool of a client that trusts it.
func Certificate() (tls.Certificate, *x509.CertPool, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(1000 * time.Hour),
		IsCA:         true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, pool, nil
}

// A Server serves the sessions of a node on loopback addresses, with TLS and
// without.
type Server struct {
	Plain, TLS string // addresses

	handler *remoteapp.Handler
	http    *http.Server
	under   sync.WaitGroup
}

// Serve returns a Server of a node.
func Serve(node *Node, o remoteapp.HandlerOptions, certificate tls.Certificate) (*Server, error) {
	o.Logger = slog.New(slog.DiscardHandler)
	handler, err := remoteapp.NewHandler(node.Manager, o)
	if err != nil {
		return nil, err
	}
	s := &Server{handler: handler, http: &http.Server{
		Handler: handler, ErrorLog: log.New(io.Discard, "", 0),
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{certificate}},
	}}
	remoteapp.PrepareServer(s.http)
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	secure, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		plain.Close()
		return nil, err
	}
	s.Plain, s.TLS = plain.Addr().String(), secure.Addr().String()
	s.under.Go(func() { s.http.Serve(plain) })
	s.under.Go(func() { s.http.ServeTLS(secure, "", "") })
	return s, nil
}

// Close breaks all connections, as the end of the process would, and waits for
// what runs.
func (s *Server) Close() {
	s.http.Close()
	done, cancel := context.WithCancel(context.Background())
	cancel()
	s.handler.Shutdown(done) // what it tells of exchanges that were broken off is meant to be
	s.under.Wait()
}

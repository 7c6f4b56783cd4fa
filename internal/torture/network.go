// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package torture

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/remoteapp"
)

// apiKey is that of the one client program.
const apiKey = "00000000-0000-0000-0000-00000000c0de"

// A Network connects clients with the servers of all nodes that live: each
// client over a [Proxy] of its own, so that what belongs together comes to
// different nodes. It is safe for concurrent use.
type Network struct {
	Handlers remoteapp.HandlerOptions // its clients are the Network's to set
	Counts   *Counts

	certificate tls.Certificate
	pool        *x509.CertPool

	mu      sync.Mutex
	rand    *rand.Rand
	servers map[*Node]*Server
	routes  map[any]addresses // of what serves: nodes and processes
	lines   []*line
}

// addresses are where sessions are served, with TLS and without.
type addresses struct{ plain, secure string }

// A line is how a client reaches servers.
type line struct {
	proxy  *Proxy
	secure bool
	client *remoteapp.Client
}

// NewNetwork returns a Network without nodes, that [Nodes] tell of.
func NewNetwork(r *rand.Rand, counts *Counts) (*Network, error) {
	n := &Network{rand: r, Counts: counts, servers: make(map[*Node]*Server), routes: make(map[any]addresses)}
	var err error
	n.certificate, n.pool, err = Certificate()
	return n, err
}

// Started serves a node, for [Nodes].
func (n *Network) Started(node *Node) error {
	s, err := Serve(node, forClients(n.Handlers), n.certificate)
	if err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.servers[node] = s
	n.routes[node] = addresses{s.Plain, s.TLS}
	n.route()
	return nil
}

// forClients lets the Network's clients in.
func forClients(o remoteapp.HandlerOptions) remoteapp.HandlerOptions {
	program := client()
	o.Clients = []remoteapp.HandlerClient{{Name: program.Name, Keys: []string{apiKey}, Replace: program.Replace}}
	return o
}

// lead leads new connections to a process p too, or, without addresses, no more.
func (n *Network) lead(p any, to addresses) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.routes[p] = to; to == (addresses{}) {
		delete(n.routes, p)
	}
	n.route()
}

// Died ends the server of a node, for [Nodes].
func (n *Network) Died(node *Node) {
	n.mu.Lock()
	s := n.servers[node]
	delete(n.servers, node)
	delete(n.routes, node)
	n.route()
	n.mu.Unlock()
	s.Close()
}

// route tells the proxies which servers there are. n.mu is held.
func (n *Network) route() {
	var plain, secure []string
	for _, a := range n.routes {
		plain, secure = append(plain, a.plain), append(secure, a.secure)
	}
	for _, l := range n.lines {
		if l.secure {
			l.proxy.Route(secure)
		} else {
			l.proxy.Route(plain)
		}
	}
}

// Client returns a client over a proxy of its own: with TLS, or without.
func (n *Network) Client(mode remoteapp.ClientMode, secure bool, patience time.Duration) (*remoteapp.Client, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	proxy, err := OpenProxy(rand.New(rand.NewPCG(n.rand.Uint64(), 0)), n.Counts)
	if err != nil {
		return nil, err
	}
	c, err := remoteapp.NewClient(remoteapp.ClientOptions{
		RemoteAppURL: map[bool]string{true: "https://", false: "http://"}[secure] + proxy.Addr(), APIKey: apiKey, Mode: mode,
		OpenTimeout: patience, CommitTimeout: patience, Logger: slog.New(slog.DiscardHandler),
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: n.pool}},
	})
	if err != nil {
		return nil, errors.Join(err, proxy.Close())
	}
	n.lines = append(n.lines, &line{proxy, secure, c})
	n.route()
	return c, nil
}

// Cut breaks a connection of one of the clients.
func (n *Network) Cut() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lines[n.rand.IntN(len(n.lines))].proxy.Cut()
}

// Door opens pages of the program that one client is in.
func (n *Network) Door(kind string, c *remoteapp.Client) *SourceDoor {
	return &SourceDoor{Kind: kind, Any: func(*rand.Rand) session.Source { return c }}
}

// Close ends the clients and their proxies.
func (n *Network) Close() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	var errs []error
	for _, l := range n.lines {
		l.client.Close()
		errs = append(errs, l.proxy.Close())
	}
	return errors.Join(errs...)
}

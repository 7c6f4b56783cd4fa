// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package remoteapp

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/url"
	"time"
)

// errNoHTTP2: the connection that a POST would go over does not speak HTTP/2.
var errNoHTTP2 = errors.New("HTTP/2 was not agreed on")

// transports send the requests of a Client.
type transports struct {
	double http.RoundTripper // GET and PUT
	single http.RoundTripper // POST
	own    []*http.Transport // what Close closes
}

// newTransports makes transports of the one that the options have.
func newTransports(o ClientOptions, u *url.URL) transports {
	base, ok := o.Transport.(*http.Transport)
	switch {
	case o.Transport == nil:
		base = &http.Transport{Proxy: http.ProxyFromEnvironment, DialContext: (&net.Dialer{Timeout: 10 * time.Second}).DialContext}
	case !ok:
		return transports{double: o.Transport, single: o.Transport}
	}
	double, single := tuned(base), tuned(base)
	double.Protocols.SetHTTP1(true)
	double.TLSClientConfig.NextProtos = []string{"http/1.1"}
	single.Protocols.SetHTTP2(u.Scheme == "https")
	single.Protocols.SetUnencryptedHTTP2(u.Scheme == "http")
	requireHTTP2(single)
	return transports{double: double, single: single, own: []*http.Transport{double, single}}
}

// tuned returns a copy that is fit for sessions that are held for minutes.
func tuned(base *http.Transport) *http.Transport {
	t := base.Clone()
	t.DisableCompression = true // nobody compresses sessions; a proxy would hold them back for it
	t.ResponseHeaderTimeout = 0 // of the wait for another writer; OpenTimeout bounds it
	t.MaxConnsPerHost = 0       // a held GET has one, and its PUT would wait for it
	t.MaxIdleConns = 0
	t.MaxIdleConnsPerHost = max(t.MaxIdleConnsPerHost, 256)
	t.IdleConnTimeout = cmp.Or(t.IdleConnTimeout, 60*time.Second) // shorter than owners and proxies keep them
	t.TLSHandshakeTimeout = cmp.Or(t.TLSHandshakeTimeout, 10*time.Second)
	t.Protocols = new(http.Protocols)
	t.TLSNextProto = nil
	if t.TLSClientConfig == nil {
		t.TLSClientConfig = new(tls.Config)
	}
	t.TLSClientConfig.NextProtos = nil
	if t.HTTP2 == nil {
		t.HTTP2 = new(http.HTTP2Config)
	}
	t.HTTP2.SendPingTimeout = cmp.Or(t.HTTP2.SendPingTimeout, 15*time.Second) // a silent connection is noticed
	t.HTTP2.PingTimeout = cmp.Or(t.HTTP2.PingTimeout, 15*time.Second)
	t.HTTP2.WriteByteTimeout = cmp.Or(t.HTTP2.WriteByteTimeout, 30*time.Second)
	return t
}

// requireHTTP2 lets connections fail that did not agree on HTTP/2: net/http
// would send HTTP/1.1 over them, where a POST whose body stays open may wait for
// ever.
func requireHTTP2(t *http.Transport) {
	verify := t.TLSClientConfig.VerifyConnection
	t.TLSClientConfig.VerifyConnection = func(state tls.ConnectionState) error {
		if verify != nil {
			if err := verify(state); err != nil {
				return err
			}
		}
		return checkHTTP2(state)
	}
	dial := t.DialTLSContext
	if dial == nil {
		return
	}
	t.DialTLSContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		if err := handshake(ctx, conn); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
		return conn, nil
	}
}

// handshake checks what the connection of a user's own dialer has agreed on.
func handshake(ctx context.Context, conn net.Conn) error {
	secure, ok := conn.(*tls.Conn)
	if !ok {
		return errNoHTTP2 // net/http looks for HTTP/2 in no other type
	}
	if err := secure.HandshakeContext(ctx); err != nil {
		return err
	}
	return checkHTTP2(secure.ConnectionState())
}

func checkHTTP2(state tls.ConnectionState) error {
	if state.NegotiatedProtocol != "h2" {
		return errNoHTTP2
	}
	return nil
}

// close closes the connections that nobody uses.
func (t transports) close() {
	for _, own := range t.own {
		own.CloseIdleConnections()
	}
}

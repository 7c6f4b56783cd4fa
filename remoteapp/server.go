// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package remoteapp

import (
	"context"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// PrepareServer makes a server fit for sessions that are held for minutes:
// HTTP/1.1 and HTTP/2, with and without TLS; more streams on a connection than a
// client leaves open; silent connections pinged, and on Linux those ended whose
// peer acknowledges nothing for 30 s, so that a peer that is gone is noticed; no limit on how long a request or an answer takes, but one on its
// headers. It sets the fields that matter for that and leaves the others, and is
// called before the server starts.
func PrepareServer(s *http.Server) {
	s.Protocols = new(http.Protocols)
	s.Protocols.SetHTTP1(true)
	s.Protocols.SetHTTP2(true)
	s.Protocols.SetUnencryptedHTTP2(true)
	if s.HTTP2 == nil {
		s.HTTP2 = new(http.HTTP2Config)
	}
	s.HTTP2.MaxConcurrentStreams = max(s.HTTP2.MaxConcurrentStreams, 10_000)
	s.HTTP2.SendPingTimeout = 15 * time.Second
	s.HTTP2.PingTimeout = 15 * time.Second
	s.HTTP2.WriteByteTimeout = sendTimeout
	s.ReadTimeout, s.WriteTimeout = 0, 0
	s.ReadHeaderTimeout = 10 * time.Second
	s.IdleTimeout = 3 * time.Minute
	s.MaxHeaderBytes = 64 << 10
	s.DisableGeneralOptionsHandler = true // it answers OPTIONS * without asking for a key
	before := s.ConnContext
	s.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		if before != nil {
			ctx = before(ctx, c)
		}
		boundSilence(c)
		return context.WithValue(ctx, connectionKey{}, new(connection))
	}
}

// maxLost is after how many lost holds a connection is retired. Microsoft's
// client keeps the stream of each exchange that it gave up, and gets the slots
// back only when it opens a new connection.
const maxLost = 50

// A connection is what is known of one connection of a prepared server.
type connection struct {
	lost atomic.Int32 // holds that another writer took from exchanges on it
}

type connectionKey struct{}

// countLost counts a lost hold on the request's connection.
func countLost(ctx context.Context) {
	if c, ok := ctx.Value(connectionKey{}).(*connection); ok {
		c.lost.Add(1)
	}
}

// retired reports whether the request's connection should be used no more.
func retired(ctx context.Context) bool {
	c, ok := ctx.Value(connectionKey{}).(*connection)
	return ok && c.lost.Load() >= maxLost
}

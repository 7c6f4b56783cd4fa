// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"net/http/httptest"
	"testing"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/remoteapp"
)

// BenchmarkCycle measures one writer with server and client in one process, for
// profiles and for benchstat. The allocations are the server's: the client makes
// hardly any.
func BenchmarkCycle(b *testing.B) {
	o, err := newOwner(b.Context(), stored, sampleKeys, session.ManagerOptions{})
	must(b, err)
	b.Cleanup(o.manager.Close)
	server := httptest.NewUnstartedServer(o.routes())
	remoteapp.PrepareServer(server.Config)
	server.Start()
	b.Cleanup(server.Close)
	address := server.Listener.Addr().String()
	first := func() string { return sessionID(0) }
	for _, kind := range []struct {
		name string
		dial func(b *testing.B) client // when it is wanted: the server closes what has been silent
	}{
		{"get-put/null", func(b *testing.B) client { return cycleClient(b, address, pathCycle, first) }},
		{"get-put/session", func(b *testing.B) client { return cycleClient(b, address, pathOurs, first) }},
		{"duplex/null", func(b *testing.B) client { return duplexClient(b, address, pathDuplex, first()) }},
		{"duplex/session", func(b *testing.B) client { return duplexClient(b, address, pathOurs, first()) }},
	} {
		b.Run(kind.name, func(b *testing.B) {
			work := kind.dial(b)
			b.ReportAllocs()
			for b.Loop() {
				must(b, work())
			}
		})
	}
}

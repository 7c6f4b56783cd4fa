// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package httpsession_test

import (
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/httpsession"
)

// sink is a ResponseWriter that keeps nothing.
type sink struct{ header http.Header }

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) WriteHeader(int)             {}
func (s *sink) Write(b []byte) (int, error) { return len(b), nil }

// pages are what the benchmarks compare: a page alone, in the middleware, and
// with a session that it reads or changes.
func pages(tb testing.TB) []struct {
	name string
	h    http.Handler
} {
	m := newManager(tb, session.ManagerOptions{})
	sessions, err := httpsession.Middleware(m, httpsession.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	bare := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "page") })
	read := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := session.FromContext(r.Context()); err != nil {
			tb.Error(err)
		}
		io.WriteString(w, "page")
	})
	write := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		addVisit(tb, r)
		io.WriteString(w, "page")
	})
	return []struct {
		name string
		h    http.Handler
	}{
		{"bare", bare},
		{"unused", sessions(bare)},
		{"read-only", sessions(httpsession.ReadOnly(read))},
		{"writable", sessions(write)},
	}
}

// BenchmarkHandler measures the handler alone.
func BenchmarkHandler(b *testing.B) {
	for _, page := range pages(b) {
		b.Run(page.name, func(b *testing.B) {
			b.ReportAllocs()
			w, r := &sink{header: make(http.Header)}, newRequest(b, "GET", "/")
			for b.Loop() {
				clear(w.header)
				page.h.ServeHTTP(w, r)
			}
		})
	}
}

// BenchmarkServer measures requests over HTTP/1.1 and the loopback, one after
// the other.
func BenchmarkServer(b *testing.B) {
	for _, page := range pages(b) {
		b.Run(page.name, func(b *testing.B) {
			b.ReportAllocs()
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				b.Fatal(err)
			}
			server := &http.Server{Handler: page.h}
			go server.Serve(listener)
			defer server.Close()
			r := newRequest(b, "GET", "http://"+listener.Addr().String())
			transport := &http.Transport{}
			defer transport.CloseIdleConnections()
			for b.Loop() {
				res, err := transport.RoundTrip(r)
				if err != nil {
					b.Fatal(err)
				}
				io.Copy(io.Discard, res.Body)
				res.Body.Close()
			}
		})
	}
}

// A request that does not use its session allocates the exchange, its two
// contexts' parts and the request that carries them.
func TestUnusedSessionAllocatesLittle(t *testing.T) {
	all := pages(t)
	w, r := &sink{header: make(http.Header)}, newRequest(t, "GET", "/")
	bare := testing.AllocsPerRun(100, func() { all[0].h.ServeHTTP(w, r) })
	unused := testing.AllocsPerRun(100, func() { all[1].h.ServeHTTP(w, r) })
	if unused-bare > 4 {
		t.Errorf("%v allocations more than the bare handler, want 4 at most", unused-bare)
	}
}

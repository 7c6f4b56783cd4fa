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
	without, err := httpsession.Middleware(m, httpsession.Options{Routes: httpsession.Routes{Disabled: []string{"/page/"}}})
	if err != nil {
		tb.Fatal(err)
	}
	bare := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "page") })
	read := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := session.FromContext(r.Context())
		if err == nil {
			_, err = visits.Get(s)
		}
		if err != nil {
			tb.Error(err)
		}
		io.WriteString(w, "page")
	})
	write := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := session.FromContext(r.Context())
		if err == nil {
			err = visits.Update(s, func(n *int) error { *n++; return nil })
		}
		if err != nil {
			tb.Error(err)
		}
		io.WriteString(w, "page")
	})
	return []struct {
		name string
		h    http.Handler
	}{
		{"bare", bare},
		{"disabled", without(bare)},
		{"unused", sessions(bare)},
		{"read-only", sessions(httpsession.ReadOnly(read))},
		{"writable", sessions(read)},
		{"changed", sessions(write)},
	}
}

// BenchmarkHandler measures the handler alone.
func BenchmarkHandler(b *testing.B) {
	for _, page := range pages(b) {
		b.Run(page.name, func(b *testing.B) {
			b.ReportAllocs()
			w, r := &sink{header: make(http.Header)}, newRequest(b, "GET", "/page/1")
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
			r := newRequest(b, "GET", "http://"+listener.Addr().String()+"/page/1")
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

// A route that is declared to have no session costs no allocation. One that has
// one and does not use it costs two: the exchange, and the copy of the request
// that carries it, which net/http makes. They can't be kept for the next request:
// a goroutine that outlives its handler would have another user's session.
func TestUnusedSessionAllocatesLittle(t *testing.T) {
	all := pages(t)
	w, r := &sink{header: make(http.Header)}, newRequest(t, "GET", "/page/1")
	allocs := func(h http.Handler) float64 { return testing.AllocsPerRun(100, func() { h.ServeHTTP(w, r) }) }
	bare := allocs(all[0].h)
	for i, want := range map[int]float64{1: 0, 2: 2} {
		if got := allocs(all[i].h) - bare; got != want {
			t.Errorf("%s: %v allocations more than the bare handler, want %v", all[i].name, got, want)
		}
	}
}

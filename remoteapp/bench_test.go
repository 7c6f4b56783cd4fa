// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package remoteapp_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/memstore"
	"github.com/sessionbridge/session/remoteapp"
	"github.com/sessionbridge/session/wire"
)

// sink is a ResponseWriter that keeps nothing.
type sink struct{ header http.Header }

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) WriteHeader(int)             {}
func (s *sink) Write(b []byte) (int, error) { return len(b), nil }

// BenchmarkRead measures a read-only GET in the handler beside a handler that
// writes the same bytes: 1 KB in 1 key, and in 50.
func BenchmarkRead(b *testing.B) {
	for _, keys := range []int{1, 50} {
		handler, data := readHandler(b, keys)
		null := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json; charset=utf-8")
			w.Header().Set("Content-Length", strconv.Itoa(len(data)))
			w.Write(data)
		})
		b.Run(fmt.Sprintf("keys=%d/null", keys), func(b *testing.B) { benchmarkHandler(b, null) })
		b.Run(fmt.Sprintf("keys=%d/session", keys), func(b *testing.B) { benchmarkHandler(b, handler) })
	}
}

// A read-only GET allocates three times, whatever the number of keys.
func TestReadAllocatesLittle(t *testing.T) {
	for _, keys := range []int{1, 50} {
		handler, _ := readHandler(t, keys)
		w, r := &sink{header: make(http.Header)}, readRequest(t)
		got := testing.AllocsPerRun(100, func() {
			clear(w.header)
			handler.ServeHTTP(w, r)
		})
		if got > 3 {
			t.Errorf("%v allocations with %d keys, want no more than 3", got, keys)
		}
	}
}

// readHandler returns a handler of a session of 1 KB, and the session's data.
func readHandler(tb testing.TB, keys int) (http.Handler, []byte) {
	tb.Helper()
	store, err := memstore.New(memstore.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	manager, err := session.OpenManager(tb.Context(), store, session.ManagerOptions{Logger: log})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(manager.Close)
	handler, err := remoteapp.NewHandler(manager, remoteapp.HandlerOptions{Clients: testClients, Logger: log})
	if err != nil {
		tb.Fatal(err)
	}
	held, err := manager.Hold(tb.Context(), session.HoldRequest{ID: testID, Client: "shop"})
	if err != nil {
		tb.Fatal(err)
	}
	large := largeUpdate(keys)
	if err := held.Commit(tb.Context(), large); err != nil {
		tb.Fatal(err)
	}
	return handler, large.Items
}

func readRequest(tb testing.TB) *http.Request {
	tb.Helper()
	r, err := http.NewRequest("GET", "/", nil)
	if err != nil {
		tb.Fatal(err)
	}
	r.Header.Set(keyHeader, shopKey)
	r.Header.Set(readOnlyHeader, "True")
	r.Header.Set("Cookie", "ASP.NET_SessionId="+testID)
	r.Header.Set("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	return r
}

func benchmarkHandler(b *testing.B, h http.Handler) {
	b.ReportAllocs()
	w, r := &sink{header: make(http.Header)}, readRequest(b)
	for b.Loop() {
		clear(w.header)
		h.ServeHTTP(w, r)
	}
}

// largeUpdate returns an update of 1 KB in a number of keys.
func largeUpdate(keys int) session.Update {
	var all []string
	for i := range keys {
		all = append(all, fmt.Sprintf("key%02d", i), `"`+strings.Repeat("a", 1000/keys-8)+`"`)
	}
	list := update(testID, all...)
	_, n, _ := wire.DecodeHeader(list, wire.Limits{})
	return session.Update{Client: session.Client{Name: "shop", Replace: true}, Items: list[n:], Timeout: 20 * time.Minute}
}

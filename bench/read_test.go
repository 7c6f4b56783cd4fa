// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"bytes"
	"fmt"
	"net/http"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sessionbridge/session"
)

// readInHandler measures a read-only GET of 1 KB without a network.
func readInHandler(m *meter) []line {
	var lines []line
	allocated := map[int]float64{}
	for _, keys := range []int{1, 50} {
		o, err := newOwner(m.Context(), 1, keys, session.ManagerOptions{})
		must(m, err)
		m.Cleanup(o.manager.Close)
		null := nullRead(sessionBytes(sessionID(0), items(keys, 'a')))
		c := m.compare(func() float64 { return m.perRequest(null) }, func() float64 { return m.perRequest(o.handler) })
		allocs := allocations(o.handler)
		allocated[keys] = allocs
		more := median(c.ours) - median(c.null)
		lines = append(lines, line{
			work:     fmt.Sprintf("read-only GET, 1 KB, %d keys, in the handler", keys),
			baseline: fmt.Sprintf("%s, %.0f allocs", micros(median(c.null)), allocations(null)),
			ours:     fmt.Sprintf("%s, %.0f allocs", micros(median(c.ours)), allocs),
			ratio:    "+" + micros(more), bar: "≤ 3 µs more, ≤ 3 allocs, the same with 1 and 50 keys",
			verdict: holds(more <= 3e-6 && allocs <= 3 && allocs == allocated[1]),
		})
	}
	return lines
}

// sink is a ResponseWriter that keeps nothing.
type sink struct{ header http.Header }

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) WriteHeader(int)             {}
func (s *sink) Write(b []byte) (int, error) { return len(b), nil }

func readRequest() *http.Request {
	r, err := http.NewRequest(http.MethodGet, "/", nil)
	if err != nil {
		panic(err) // its arguments are constants
	}
	r.Header.Set(keyHeader, apiKey)
	r.Header.Set(modeName, "True")
	r.Header.Set("Cookie", cookie+"="+sessionID(0))
	r.Header.Set("Traceparent", trace)
	return r
}

// perRequest returns the seconds that a handler takes for a read.
func (m *meter) perRequest(h http.Handler) float64 {
	w, r := &sink{header: make(http.Header)}, readRequest()
	began, n := time.Now(), 0
	for time.Since(began) < m.window/4 {
		for range 100 {
			clear(w.header)
			h.ServeHTTP(w, r)
		}
		n += 100
	}
	return time.Since(began).Seconds() / float64(n)
}

func allocations(h http.Handler) float64 {
	w, r := &sink{header: make(http.Header)}, readRequest()
	return testing.AllocsPerRun(1000, func() {
		clear(w.header)
		h.ServeHTTP(w, r)
	})
}

// readByWrk measures the same over HTTP/1.1 and the loopback.
func readByWrk(m *meter) []line {
	if _, err := exec.LookPath("wrk"); err != nil {
		if m.brief {
			m.Skip("wrk is not installed")
		}
		m.Fatal("wrk is not installed, and this row is measured with it: apt-get install wrk")
	}
	o := m.startOwner(m.scaled(stored, 1))
	c := m.compare(func() float64 { return m.wrk(o, pathRead) }, func() float64 { return m.wrk(o, pathOurs) })
	return []line{c.throughput("read-only GET, 1 KB, HTTP/1.1, wrk, 32 connections", "req/s", 0.85)}
}

// wrk returns the requests per second that wrk counts, in the whole seconds that
// it measures.
func (m *meter) wrk(o *child, path string) float64 {
	m.Helper()
	seconds := fmt.Sprintf("-d%ds", m.scaled(2, 1))
	out, err := exec.CommandContext(m.Context(), "wrk", "-t1", "-c32", seconds, "-H", keyHeader+": "+apiKey, "-H", modeName+": True",
		"-H", "Cookie: "+cookie+"="+sessionID(0), "http://"+o.address+path).CombinedOutput()
	if err != nil || bytes.Contains(out, []byte("Non-2xx")) || bytes.Contains(out, []byte("Socket errors")) {
		m.Fatalf("wrk: %v\n%s", err, out)
	}
	_, rate, _ := strings.Cut(string(out), "Requests/sec:")
	rate, _, _ = strings.Cut(strings.TrimSpace(rate), "\n")
	v, err := strconv.ParseFloat(rate, 64)
	must(m, err)
	return v
}

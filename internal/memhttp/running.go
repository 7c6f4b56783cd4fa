// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package memhttp

import (
	"net"
	"net/http"
	"sync"
	"time"
)

// running counts the connections and handlers of an http.Server, whose own
// Close and Shutdown do not wait for them all.
type running struct {
	mu      sync.Mutex
	changed sync.Cond
	n       int
}

func (r *running) add(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.n += n
	r.changed.Broadcast()
}

// handler counts the calls of h. A handler of HTTP/2 may outlive its
// connection.
func (r *running) handler(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.add(1)
		defer r.add(-1)
		h.ServeHTTP(w, req)
	})
}

// connState counts the connections and calls next, if there is one.
func (r *running) connState(next func(net.Conn, http.ConnState)) func(net.Conn, http.ConnState) {
	return func(conn net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			r.add(1)
		case http.StateClosed, http.StateHijacked:
			defer r.add(-1)
		}
		if next != nil {
			next(conn, state)
		}
	}
}

// await waits until nothing runs, and reports false if that takes too long.
func (r *running) await(limit time.Duration) bool {
	late := false
	timer := time.AfterFunc(limit, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		late = true
		r.changed.Broadcast()
	})
	defer timer.Stop()
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.n > 0 && !late {
		r.changed.Wait()
	}
	return r.n == 0
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// The baselines do what any server would have to do, with the same bytes and
// the same headers of their own, and no session.

// nullRead writes a session.
func nullRead(body []byte) http.HandlerFunc {
	length := strconv.Itoa(len(body))
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.Header().Set("Content-Length", length)
		w.Write(body)
	}
}

// A nullCycle is a GET that is held until a PUT ends it.
type nullCycle struct {
	body []byte

	mu   sync.Mutex
	held map[string]chan struct{} // by cookie
}

func (n *nullCycle) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPut {
		io.Copy(io.Discard, r.Body)
		close(n.take(r))
		return
	}
	ended := make(chan struct{})
	n.mu.Lock()
	n.held[r.Header.Get("Cookie")] = ended
	n.mu.Unlock()
	sendNull(w, n.body)
	select {
	case <-ended:
	case <-r.Context().Done():
	}
}

func (n *nullCycle) take(r *http.Request) chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.held[r.Header.Get("Cookie")]
}

// nullDuplex answers a POST, reads what comes back, and says that all is well.
func nullDuplex(body []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		sendNull(w, body)
		io.Copy(io.Discard, r.Body)
		io.WriteString(w, `{"s":true}`)
	}
}

// nullHeld answers a GET and holds it, with heartbeats if it has any.
func nullHeld(body []byte, heartbeat time.Duration) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		sendNull(w, body)
		if heartbeat == 0 {
			<-r.Context().Done()
			return
		}
		beats := time.NewTicker(heartbeat)
		defer beats.Stop()
		for {
			select {
			case <-r.Context().Done():
				return
			case <-beats.C:
				sendNull(w, []byte("\n"))
			}
		}
	}
}

func sendNull(w http.ResponseWriter, body []byte) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Write(body)
	http.NewResponseController(w).Flush() // where it fails the peer has gone
}

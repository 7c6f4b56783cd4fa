// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/remoteapp"
)

// handOff measures the time from one writer's PUT to the session bytes of the
// next, which waits for its turn.
func handOff(m *meter) []line {
	o, err := newOwner(m.Context(), 1, sampleKeys, session.ManagerOptions{})
	must(m, err)
	m.Cleanup(o.manager.Close)
	null := newNullTurns(append(sessionBytes(sessionID(0), items(sampleKeys, 'a')), '\n'))
	mux := o.routes()
	mux.Handle("/null/turns", null)
	server := httptest.NewUnstartedServer(mux)
	remoteapp.PrepareServer(server.Config)
	server.Start()
	m.Cleanup(server.Close)
	address := server.Listener.Addr().String()
	passNull := m.passer(address, "/null/turns", func() int { return int(null.waiters.Load()) })
	passOurs := m.passer(address, pathOurs, func() int { return o.manager.Stats().Waiters })
	c := m.compare(func() float64 { return m.medianOf(passNull) }, func() float64 { return m.medianOf(passOurs) })
	ratio := median(c.ratio)
	return []line{{
		work: "lock hand-off on one node, GET + PUT", baseline: spread(scale(c.null, 1e6), "%.0f µs"), ours: spread(scale(c.ours, 1e6), "%.0f µs"),
		ratio: spread(c.ratio, "%.2f"), bar: "≤ 2 (ASP.NET: 229 ms)", verdict: holds(ratio <= 2),
	}}
}

func scale(samples []float64, by float64) []float64 {
	scaled := slices.Clone(samples)
	for i := range scaled {
		scaled[i] *= by
	}
	return scaled
}

// medianOf returns the median of what is measured a number of times.
func (m *meter) medianOf(measure func() (time.Duration, error)) float64 {
	var samples []float64
	for range m.scaled(300, 5) {
		d, err := measure()
		must(m, err)
		samples = append(samples, d.Seconds())
	}
	return median(samples)
}

// passer returns a function that lets one writer hold, another wait, and the
// first commit. It returns how long the second waited after that.
func (m *meter) passer(address, path string, waiters func() int) func() (time.Duration, error) {
	first, second, puts := dial1(m, address), dial1(m, address), dial1(m, address)
	get, put := getMessage(path, sessionID(0), false), putMessage(path, sessionID(0), items(sampleKeys, 'a'))
	if err := m.commitOnce(first, puts, get, put); err != nil {
		m.Fatal(err)
	}
	return func() (time.Duration, error) {
		if err := first.hold(get.raw); err != nil {
			return 0, err
		}
		if _, err := second.Write(get.raw); err != nil {
			return 0, err
		}
		for waiters() == 0 {
			time.Sleep(50 * time.Microsecond)
		}
		time.Sleep(200 * time.Microsecond) // it has joined the queue, and is about to sleep there
		began := time.Now()
		if _, err := puts.Write(put.raw); err != nil {
			return 0, err
		}
		if err := second.session(); err != nil {
			return 0, err
		}
		took := time.Since(began)
		if err := puts.answer(); err != nil {
			return 0, err
		}
		if err := first.rest(); err != nil {
			return 0, err
		}
		if err := puts.get(put.raw); err != nil {
			return 0, err
		}
		return took, second.rest()
	}
}

// commitOnce does a whole cycle.
func (m *meter) commitOnce(gets, puts *conn1, get, put message) error {
	if err := gets.hold(get.raw); err != nil {
		return err
	}
	if err := puts.get(put.raw); err != nil {
		return err
	}
	return gets.rest()
}

// nullTurns holds one GET at a time; a PUT ends it and wakes the next.
type nullTurns struct {
	body    []byte
	turn    chan struct{}
	waiters atomic.Int32

	mu   sync.Mutex
	held chan struct{}
}

func newNullTurns(body []byte) *nullTurns {
	n := &nullTurns{body: body, turn: make(chan struct{}, 1)}
	n.turn <- struct{}{}
	return n
}

func (n *nullTurns) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPut {
		io.Copy(io.Discard, r.Body)
		n.mu.Lock()
		close(n.held)
		n.mu.Unlock()
		n.turn <- struct{}{}
		return
	}
	n.waiters.Add(1)
	<-n.turn
	n.waiters.Add(-1)
	ended := make(chan struct{})
	n.mu.Lock()
	n.held = ended
	n.mu.Unlock()
	sendNull(w, n.body)
	select {
	case <-ended:
	case <-r.Context().Done():
	}
}

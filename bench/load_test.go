// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"sync"
	"sync/atomic"
	"time"
)

// A client does its work once each time it is called, one call after the other.
type client func() error

// load lets clients work side by side for a while and returns how often they
// did, per second.
func (m *meter) load(clients []client) float64 {
	m.Helper()
	var all sync.WaitGroup
	var count atomic.Int64
	began := time.Now()
	for _, work := range clients {
		all.Go(func() {
			for n := int64(1); ; n++ {
				if err := work(); err != nil {
					m.Error(err)
					return
				}
				if time.Since(began) >= m.window {
					count.Add(n)
					return
				}
			}
		})
	}
	all.Wait()
	took := time.Since(began).Seconds()
	if m.Failed() {
		m.FailNow()
	}
	return float64(count.Load()) / took
}

// compareLoad compares the work per second of two crowds of clients.
func (m *meter) compareLoad(null, ours []client) comparison {
	return m.compare(func() float64 { return m.load(null) }, func() float64 { return m.load(ours) })
}

// crowd returns n clients.
func crowd(n int, make func(i int) client) []client {
	clients := []client(nil)
	for i := range n {
		clients = append(clients, make(i))
	}
	return clients
}

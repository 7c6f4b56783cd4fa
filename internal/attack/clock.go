// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package attack

import (
	"slices"
	"sync"
	"time"
)

// A Clock keeps the times that a bystander's exchanges took, by the phase in
// which each began. It may be used concurrently.
type Clock struct {
	mu    sync.Mutex
	phase string
	took  map[string][]time.Duration
	err   error // the first
}

// Phase begins a phase; "" keeps nothing.
func (c *Clock) Phase(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.phase = name
}

// now returns the phase.
func (c *Clock) now() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.phase
}

// keep keeps what an exchange took.
func (c *Clock) keep(phase string, took time.Duration, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil && c.err == nil {
		c.err = err
	}
	if phase == "" {
		return
	}
	if c.took == nil {
		c.took = make(map[string][]time.Duration)
	}
	c.took[phase] = append(c.took[phase], took)
}

// Err returns the first error of all exchanges.
func (c *Clock) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// times returns what the exchanges of a phase took.
func (c *Clock) times(phase string) []time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.took[phase])
}

// P99 returns the 99th percentile of the times of some phases together, and how
// many there are.
func (c *Clock) P99(phases ...string) (p99 time.Duration, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []time.Duration
	for _, phase := range phases {
		all = append(all, c.took[phase]...)
	}
	if len(all) == 0 {
		return 0, 0
	}
	slices.Sort(all)
	return all[(len(all)-1)*99/100], len(all)
}

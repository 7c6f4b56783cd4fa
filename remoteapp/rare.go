// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package remoteapp

import (
	"sync"
	"time"
)

// rareEvery is how often a complaint is made that a stranger can cause.
const rareEvery = 10 * time.Second

// rare lets a complaint through now and then.
type rare struct {
	mu      sync.Mutex
	last    time.Time
	skipped int
}

// now reports whether to complain, and how many complaints were skipped since
// the last one.
func (r *rare) now() (say bool, skipped int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if time.Since(r.last) < rareEvery {
		r.skipped++
		return false, 0
	}
	skipped, r.skipped, r.last = r.skipped, 0, time.Now()
	return true, skipped
}

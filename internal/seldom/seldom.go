// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

// Package seldom lets something through now and then, and counts the rest. It is
// for complaints that a stranger can cause as often as he likes; it does not log
// them itself.
package seldom

import (
	"sync"
	"time"
)

// A Gate lets through at most one call in a time. The zero value is ready.
type Gate struct {
	mu      sync.Mutex
	last    time.Time
	skipped int
}

// Pass reports whether every has passed since it last let a call through, and
// then how many calls it did not let through meanwhile.
func (g *Gate) Pass(every time.Duration) (ok bool, skipped int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.last.IsZero() && time.Since(g.last) < every {
		g.skipped++
		return false, 0
	}
	skipped, g.skipped, g.last = g.skipped, 0, time.Now()
	return true, skipped
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package torture

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// Counts say how often each kind of thing happened. The zero value is ready; a
// nil one counts nothing.
type Counts struct {
	mu sync.Mutex
	of map[string]int
}

// Add counts n more of a kind.
func (c *Counts) Add(kind string, n int) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.of == nil {
		c.of = make(map[string]int)
	}
	c.of[kind] += n
}

// Of returns how often a kind happened.
func (c *Counts) Of(kind string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.of[kind]
}

// Never returns those of the kinds that have not happened.
func (c *Counts) Never(kinds []string) []string {
	return slices.DeleteFunc(slices.Clone(kinds), func(kind string) bool { return c.Of(kind) > 0 })
}

func (c *Counts) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var parts []string
	for _, kind := range slices.Sorted(maps.Keys(c.of)) {
		parts = append(parts, fmt.Sprintf("%s %d", kind, c.of[kind]))
	}
	return strings.Join(parts, ", ")
}

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

// Tell tells how often each of the kinds happened.
func (c *Counts) Tell(kinds []string) string {
	var parts []string
	for _, kind := range kinds {
		parts = append(parts, fmt.Sprintf("%s %d", kind, c.Of(kind)))
	}
	return strings.Join(parts, ", ")
}

func (c *Counts) String() string {
	c.mu.Lock()
	kinds := slices.Sorted(maps.Keys(c.of))
	c.mu.Unlock()
	return c.Tell(kinds)
}

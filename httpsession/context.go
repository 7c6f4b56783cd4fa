// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package httpsession

import (
	"context"
	"sync/atomic"
	"time"
)

// An openContext is that of a session that a part of a handler opens, whose own
// context ends before the request's, as that of an errgroup does. It ends with the
// part until the session is open, and from then on with the request: a source that
// takes the lock late goes on to use it.
type openContext struct {
	part, request context.Context
	opened        atomic.Bool
}

func (c *openContext) now() context.Context {
	if c.opened.Load() {
		return c.request
	}
	return c.part
}

func (c *openContext) Deadline() (deadline time.Time, ok bool) { return c.now().Deadline() }
func (c *openContext) Done() <-chan struct{}                   { return c.now().Done() }
func (c *openContext) Err() error                              { return c.now().Err() }

// Value returns what the context has that ends next, which knows why it does, or
// else what the part's has.
func (c *openContext) Value(key any) any {
	if v := c.now().Value(key); v != nil {
		return v
	}
	return c.part.Value(key)
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"context"
	"sync"
	"time"
)

// A bound is the context of a call of the store, which outlives that of the
// request, but not for long. Unlike context.WithTimeout it has no timer until
// somebody waits for it to be done: a store in memory never does.
type bound struct {
	context.Context // for its values
	until           time.Time

	mu    sync.Mutex
	done  chan struct{} // made when it is asked for
	timer *time.Timer
	over  bool
}

// within returns a context that is done after a time, or when it is ended.
func within(ctx context.Context, d time.Duration) *bound {
	return &bound{Context: context.WithoutCancel(ctx), until: time.Now().Add(d)}
}

func (b *bound) Deadline() (deadline time.Time, ok bool) { return b.until, true }

func (b *bound) Err() error {
	if !time.Now().Before(b.until) {
		return context.DeadlineExceeded
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.over {
		return context.Canceled
	}
	return nil
}

func (b *bound) Done() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.done == nil {
		b.done = make(chan struct{})
		if b.over {
			close(b.done)
		} else {
			b.timer = time.AfterFunc(time.Until(b.until), b.end)
		}
	}
	return b.done
}

// end lets go of who waits. It is to be called when the call is over.
func (b *bound) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.over {
		return
	}
	b.over = true
	if b.done != nil {
		b.timer.Stop()
		close(b.done)
	}
}

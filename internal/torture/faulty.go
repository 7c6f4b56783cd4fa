// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package torture

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/sessionbridge/session"
)

// Errors of a [Faulty] store.
var (
	errDead     = errors.New("the node is dead")
	errNoAnswer = errors.New("the store does not answer")
)

// A Fault is what goes wrong between a node and its store.
type Fault int

// The faults. Those that last do so until the end of a stall.
const (
	None        Fault = iota
	LostRequest       // the store never hears of it
	LostAnswer        // the store does it, the node does not hear of it
	HeldRequest       // it comes late, unless the node has given up by then
	HeldAnswer        // the store does it at once, the answer comes late
	LateRequest       // it comes late, even if the node has given up
	Pause             // the whole node sleeps: it does not even give up
)

// A Faulty store is one that a node reaches with difficulties.
type Faulty struct {
	store  session.Store
	counts *Counts
	rate   float64 // of the calls that get no answer
	under  sync.WaitGroup

	dead chan struct{}

	mu    sync.Mutex
	rand  *rand.Rand
	fault Fault
	until time.Time
}

// NewFaulty returns a store of which now and then a call gets no answer.
func NewFaulty(s session.Store, r *rand.Rand, rate float64, counts *Counts) *Faulty {
	return &Faulty{store: s, counts: counts, rate: rate, rand: r, dead: make(chan struct{})}
}

var _ session.Store = (*Faulty)(nil)

// Stall lets all calls of the node suffer a fault that lasts.
func (f *Faulty) Stall(fault Fault, d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fault, f.until = fault, time.Now().Add(d)
	f.counts.Add("stalls", 1)
}

// Die cuts the node off for ever. What it waits for has come to an end.
func (f *Faulty) Die() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.isDead() {
		close(f.dead)
	}
}

// isDead reports whether the node is cut off.
func (f *Faulty) isDead() bool {
	select {
	case <-f.dead:
		return true
	default:
		return false
	}
}

// enter begins a call, unless the node is dead.
func (f *Faulty) enter() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.isDead() {
		return false
	}
	f.under.Add(1)
	return true
}

// Close waits for requests that are still under way.
func (f *Faulty) Close() error {
	f.Die()
	f.under.Wait()
	return f.store.Close()
}

// next returns the fault of one call, and how long it lasts.
func (f *Faulty) next() (Fault, time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if left := time.Until(f.until); left > 0 {
		return f.fault, left
	}
	if f.rand.Float64() >= f.rate {
		return None, 0
	}
	f.counts.Add("lost calls", 1)
	return []Fault{LostRequest, LostAnswer}[f.rand.IntN(2)], 0
}

// ask makes a call with the fault that is its lot.
func ask[T any](ctx context.Context, f *Faulty, do func(context.Context) (T, error)) (T, error) {
	var none T
	if !f.enter() {
		return none, errDead
	}
	defer f.under.Done()
	fault, last := f.next()
	switch fault {
	case LostRequest:
		return none, errNoAnswer
	case LostAnswer:
		do(ctx)
		return none, errNoAnswer
	case HeldRequest:
		if err := f.wait(ctx, last); err != nil {
			return none, err
		}
	case Pause:
		if err := f.wait(context.WithoutCancel(ctx), last); err != nil {
			return none, err
		}
	case LateRequest:
		return askLate(ctx, f, last, do)
	}
	v, err := do(ctx)
	if fault == HeldAnswer {
		if err := f.wait(ctx, last); err != nil {
			return none, err
		}
	}
	return v, err
}

// askLate makes a call that reaches the store even if nobody waits for it any
// more.
func askLate[T any](ctx context.Context, f *Faulty, last time.Duration, do func(context.Context) (T, error)) (T, error) {
	type result struct {
		v   T
		err error
	}
	done := make(chan result, 1)
	f.under.Go(func() {
		time.Sleep(last)
		v, err := do(context.WithoutCancel(ctx))
		done <- result{v, err}
	})
	select {
	case r := <-done:
		return r.v, r.err
	case <-f.dead:
		return result{}.v, errDead
	case <-ctx.Done():
		return result{}.v, ctx.Err()
	}
}

// wait waits for the end of a stall, if the call does.
func (f *Faulty) wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-f.dead:
		return errDead
	case <-ctx.Done():
		return ctx.Err()
	}
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package torture

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"sync"
	"time"
)

// Keys that pages use. Each writer has one of its own beside them.
const (
	counter  = "n"    // a page adds one to what it was sent
	shared   = "cart" // set by any page, to what no other sets it to
	lastWins = "seen" // the same, but the last writer wins
)

// A Workload is what many pages do to a few sessions. The same seed makes the
// same choices; what comes of them depends on who is faster.
type Workload struct {
	Seed     uint64
	Sessions []string // ids; no page ends the first, so that what it counts can be summed up
	Doors    []Door
	Writers  int
	Readers  int
	For      time.Duration
	Think    time.Duration // how long a page takes at most, unless it is slow
	Slow     time.Duration // how long one of eight pages takes at most
	Patience time.Duration // how long one of sixteen browsers waits at most for its page to begin

	Witness *Witness // nil: nobody watches
	Counts  *Counts

	history History
}

// Run lets the pages run and returns what happened.
func (w *Workload) Run(ctx context.Context) *History {
	end := time.Now().Add(w.For)
	var actors sync.WaitGroup
	for i := range w.Writers + w.Readers {
		a := &actor{w: w, number: i, rand: rand.New(rand.NewPCG(w.Seed, uint64(i)))}
		turn := a.write
		if i >= w.Writers {
			turn = a.read
		}
		actors.Go(func() {
			for time.Now().Before(end) {
				turn(ctx)
				time.Sleep(a.upTo(w.Think))
			}
		})
	}
	actors.Wait()
	return &w.history
}

// Settle reads each session once all is quiet, as often as it takes.
func (w *Workload) Settle(ctx context.Context) error {
	for _, id := range w.Sessions {
		var err error
		for range 10 {
			asked := w.history.now()
			var state State
			if state, err = w.Doors[0].Read(ctx, id); err == nil {
				w.history.opened(w.Writers+w.Readers, w.history.next(id), asked, state)
				break
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// An actor is a browser: it asks for one page after the other.
type actor struct {
	w      *Workload
	number int
	rand   *rand.Rand
	done   int // values set, so that no two are the same
}

func (a *actor) upTo(d time.Duration) time.Duration {
	return time.Duration(a.rand.Int64N(int64(d) + 1))
}

func (a *actor) chance(percent int) bool { return a.rand.IntN(100) < percent }

func (a *actor) door() Door { return a.w.Doors[a.rand.IntN(len(a.w.Doors))] }

func (a *actor) session() string { return a.w.Sessions[a.rand.IntN(len(a.w.Sessions))] }

// read reads a session.
func (a *actor) read(ctx context.Context) {
	h := &a.w.history
	x, asked := h.next(a.session()), h.now()
	state, err := a.door().Read(ctx, x.Session)
	if err != nil {
		a.w.Counts.Add("reads without an answer", 1)
		return
	}
	h.opened(a.number, x, asked, state)
}

// write asks for a page that writes.
func (a *actor) write(ctx context.Context) {
	x := a.w.history.next(a.session())
	door := a.door()
	page, err := a.open(ctx, x, door)
	if err != nil {
		a.w.Counts.Add("pages that did not begin", 1)
		return
	}
	time.Sleep(a.thinking())
	switch {
	case a.chance(8):
		a.w.Counts.Add("pages that gave up", 1)
	case a.chance(4):
		a.w.Counts.Add("pages that vanished", 1)
		return
	default:
		a.commit(ctx, x, page, door.Name())
	}
	if err := page.Release(ctx); err != nil {
		a.w.Counts.Add("releases that failed", 1)
	}
}

// open opens a page, if its browser is patient enough.
func (a *actor) open(ctx context.Context, x Exchange, door Door) (Page, error) {
	if a.rand.IntN(16) == 0 {
		bounded, cancel := context.WithTimeout(ctx, a.upTo(a.w.Patience))
		defer cancel()
		ctx = bounded
	}
	h := &a.w.history
	asked := h.now()
	page, err := door.Open(ctx, x)
	if err == nil {
		h.opened(a.number, x, asked, page.Sent())
	}
	return page, err
}

func (a *actor) thinking() time.Duration {
	if a.rand.IntN(8) == 0 {
		return a.upTo(a.w.Slow)
	}
	return a.upTo(a.w.Think)
}

// commit commits a page, maybe twice if the first answer allows it.
func (a *actor) commit(ctx context.Context, x Exchange, page Page, door string) {
	h := &a.w.history
	in := commit{Exchange: x, base: page.Sent(), change: a.change(x, page.Sent()), hold: a.w.Witness.fate(x.Trace()), door: door}
	for tries := 0; tries < 2; tries++ {
		asked := h.now()
		outcome, keys := OutcomeOf(page.Commit(ctx, in.change))
		h.committed(a.number, in, asked, answer{outcome, keys})
		if outcome != Failed && outcome != Unknown || !page.Again() || a.chance(50) {
			return
		}
		a.w.Counts.Add("second tries", 1)
	}
}

// change makes up what a page does to a session.
func (a *actor) change(x Exchange, sent State) Change {
	if x.Session != a.w.Sessions[0] && a.chance(4) {
		return Change{Abandon: true}
	}
	values := maps.Clone(sent.Values)
	if values == nil {
		values = Values{}
	}
	if sent.Stored && a.chance(5) {
		return Change{Values: values}
	}
	own := fmt.Sprint("w", a.number)
	if a.chance(55) {
		values[counter] = fmt.Sprint(number(values) + 1)
	}
	for _, key := range []string{shared, lastWins} {
		if a.chance(20) {
			values[key] = a.unique()
		}
	}
	if values[own] != "" && a.chance(15) {
		delete(values, own)
	} else {
		values[own] = a.unique()
	}
	return Change{Values: values}
}

// unique returns a value that nobody else sets.
func (a *actor) unique() string {
	a.done++
	return fmt.Sprintf("%q", fmt.Sprint(a.number, ".", a.done))
}

// number returns what the counter of a session says.
func number(v Values) (n int) {
	fmt.Sscan(v[counter], &n) // none is 0
	return n
}

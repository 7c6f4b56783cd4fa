// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package torture

import (
	"context"
	"slices"
	"sync"

	"github.com/sessionbridge/session"
)

// A Fate is what became of the hold of an exchange, as a [Witness] saw it. A nil
// Fate is that of a hold that nobody watched: anything may have become of it.
type Fate struct {
	mu     sync.Mutex
	lost   bool
	gaveUp bool
}

// mayBeLost reports whether another writer may have taken the session over
// before the commit.
func (f *Fate) mayBeLost() bool {
	if f == nil {
		return true
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.lost
}

// released reports whether the hold may have been given up, or forgotten, rather
// than committed.
func (f *Fate) released() bool {
	if f == nil {
		return true
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.gaveUp
}

func (f *Fate) String() string {
	switch {
	case f == nil:
		return "unwatched"
	case f.released():
		return "given up"
	case f.mayBeLost():
		return "lost"
	}
	return "kept"
}

func (f *Fate) set(lost, gaveUp bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lost, f.gaveUp = f.lost || lost, f.gaveUp || gaveUp
}

// A Witness watches what nodes ask of a store: which exchange has which hold, and
// which holds are taken away or given up. It believes the nodes, not the store:
// a hold is lost because somebody asked to steal it, not because it is gone.
type Witness struct {
	counts *Counts

	mu     sync.Mutex
	fates  map[string]*Fate  // by trace of the exchange
	byHold map[uint64]*Fate  // by token
	nodes  map[uint64]string // those that took the holds
	stolen map[string][]uint64
	dead   map[string]bool // names of nodes
}

// NewWitness returns a Witness that has seen nothing.
func NewWitness(counts *Counts) *Witness {
	return &Witness{counts: counts, fates: make(map[string]*Fate), byHold: make(map[uint64]*Fate), nodes: make(map[uint64]string),
		stolen: make(map[string][]uint64), dead: make(map[string]bool)}
}

// Watch returns a store that the Witness sees through, for a node.
func (w *Witness) Watch(s session.Store, node string) session.Store { return &watched{s, w, node} }

// fate returns that of an exchange.
func (w *Witness) fate(trace string) *Fate {
	if w == nil {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	f := w.fates[trace]
	if f == nil {
		f = new(Fate)
		w.fates[trace] = f
	}
	return f
}

// died tells that a node is dead, for the count of what is taken from it.
func (w *Witness) died(node string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dead[node] = true
}

// granted notes a hold that was granted, and the one that was stolen for it.
func (w *Witness) granted(ctx context.Context, item session.Item, o session.LockOptions) {
	trace := o.Hold.Trace
	if trace == "" {
		trace, _ = ctx.Value(exchangeKey{}).(string)
	}
	if o.Hold.Late == 0 && trace != "" {
		fate := w.fate(trace)
		w.mu.Lock()
		w.byHold[item.Hold.Token], w.nodes[item.Hold.Token] = fate, o.Hold.Node
		w.mu.Unlock()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	stolen := slices.IndexFunc(item.Lost, func(h session.Hold) bool { return h.Token == o.Steal })
	if o.Steal == 0 || stolen < 0 {
		return
	}
	w.stolen[item.ID] = append(w.stolen[item.ID], o.Steal)
	w.mark(o.Steal, true, false)
	w.counts.Add("steals", 1)
	if w.dead[item.Lost[stolen].Node] {
		w.counts.Add("steals from dead nodes", 1)
	}
	w.forgotten(item)
}

// mostLost is how many lost holds every store remembers of an item at least.
const mostLost = 16

// forgotten notes which of the holds that were stolen the store may have
// forgotten, because there are so many. w.mu is held.
func (w *Witness) forgotten(item session.Item) {
	if len(item.Lost) < mostLost {
		return
	}
	for _, token := range w.stolen[item.ID] {
		if !slices.ContainsFunc(item.Lost, func(h session.Hold) bool { return h.Token == token }) {
			w.mark(token, false, true)
		}
	}
}

// put counts commits that come to another node than the page did.
func (w *Witness) put(token uint64, node string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if taker := w.nodes[token]; taker != "" && taker != node {
		w.counts.Add("commits at another node", 1)
	}
}

// gaveUp notes that a hold was ended without a commit.
func (w *Witness) gaveUp(token uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.mark(token, false, true)
}

// mark marks the fate of a hold, if it is that of an exchange. w.mu is held.
func (w *Witness) mark(token uint64, lost, gaveUp bool) {
	if fate := w.byHold[token]; fate != nil {
		fate.set(lost, gaveUp)
	}
}

// A watched is a store that a Witness sees through.
type watched struct {
	session.Store
	w    *Witness
	node string
}

func (s *watched) Lock(ctx context.Context, id string, o session.LockOptions) (session.Item, error) {
	item, err := s.Store.Lock(ctx, id, o)
	if err == nil {
		s.w.granted(ctx, item, o)
	}
	return item, err
}

func (s *watched) Put(ctx context.Context, id string, token uint64, data []byte, o session.PutOptions) error {
	err := s.Store.Put(ctx, id, token, data, o)
	if err == nil {
		s.w.put(token, s.node)
	}
	return err
}

func (s *watched) Unlock(ctx context.Context, id string, token uint64, o session.UnlockOptions) error {
	err := s.Store.Unlock(ctx, id, token, o)
	if err == nil && !o.Committed {
		s.w.gaveUp(token)
	}
	return err
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package torture

import (
	"math"
	"sync"
	"sync/atomic"

	"github.com/anishathalye/porcupine"
)

// A History is what all pages asked and were told. It is safe for concurrent
// use.
type History struct {
	// clock counts: each moment is later than every one that came before it. The
	// time of day would make moments equal that are not, in a bubble above all.
	clock atomic.Int64
	pages atomic.Int64

	mu  sync.Mutex
	ops []porcupine.Operation
}

// next returns an exchange of its own with a session.
func (h *History) next(id string) Exchange {
	return Exchange{Session: id, Number: int(h.pages.Add(1))}
}

func (h *History) now() int64 { return h.clock.Add(1) }

// opened adds that a page was sent a session, asked for at a moment.
func (h *History) opened(actor int, x Exchange, asked int64, sent State) {
	h.add(porcupine.Operation{ClientId: actor, Input: opening{Exchange: x}, Output: sent, Call: asked, Return: h.now()})
}

// forever is the end of what may happen at any time.
const forever = math.MaxInt64

// committed adds what a commit was answered. One whose outcome is unknown may
// happen for ever.
func (h *History) committed(actor int, in commit, asked int64, out answer) {
	end := h.now()
	if out.outcome == Unknown {
		end = forever
	}
	h.add(porcupine.Operation{ClientId: actor, Input: in, Output: out, Call: asked, Return: end})
}

func (h *History) add(op porcupine.Operation) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ops = append(h.ops, op)
}

// operations returns the history once it is over: openings know by then whether
// a commit followed.
func (h *History) operations() []porcupine.Operation {
	h.mu.Lock()
	defer h.mu.Unlock()
	commits := make(map[int]bool)
	for _, op := range h.ops {
		if in, ok := op.Input.(commit); ok {
			commits[in.Number] = true
		}
	}
	ops := make([]porcupine.Operation, len(h.ops))
	for i, op := range h.ops {
		if in, ok := op.Input.(opening); ok {
			in.commits = commits[in.Number]
			op.Input = in
		}
		ops[i] = op
	}
	return ops
}

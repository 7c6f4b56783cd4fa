// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package torture

import (
	"fmt"
	"slices"
	"time"

	"github.com/anishathalye/porcupine"
)

// A Violation says that a history is not one that the guarantee allows.
type Violation struct {
	What string
	Path string // of a page that shows the history; "" if it would show nothing
}

func (v *Violation) Error() string {
	if v.Path == "" {
		return v.What
	}
	return v.What + "; see " + v.Path
}

// Check looks for an order in which all of the history could have happened, for
// as long as most says. It returns a *Violation if there is none.
func (h *History) Check(r Rules, most time.Duration) error {
	ops := h.operations()
	switch porcupine.CheckOperationsTimeout(r.linear(), ops, most) {
	case porcupine.Ok:
		return nil
	case porcupine.Unknown:
		return fmt.Errorf("%d operations: no order was found within %s, nor that there is none", len(ops), most)
	}
	return violation(r.linear(), ops, most)
}

// CheckSum checks the counter of a session that no page ends: an increment that
// was acknowledged is in it, and nothing that nobody sent.
func (h *History) CheckSum(id string) error {
	stored, unknown, last := h.increments(id)
	if last < stored || last > stored+unknown {
		return &Violation{What: fmt.Sprintf("%d increments were acknowledged, of %d more it is unknown; the counter says %d", stored, unknown, last)}
	}
	return nil
}

// increments returns how many pages were told that they have counted, how many
// may have, and what was read last.
func (h *History) increments(id string) (stored, unknown, last int) {
	outcomes := make(map[int][]Outcome) // of those that counted, by exchange
	var latest int64
	for _, op := range h.operations() {
		if in, ok := op.Input.(commit); ok {
			if in.Session == id && in.base.Values[counter] != in.change.Values[counter] {
				outcomes[in.Number] = append(outcomes[in.Number], op.Output.(answer).outcome)
			}
		} else if op.Input.(opening).Session == id && op.Return > latest {
			latest, last = op.Return, number(op.Output.(State).Values)
		}
	}
	for _, of := range outcomes {
		switch {
		case slices.Contains(of, Stored):
			stored++
		case slices.Contains(of, Unknown):
			unknown++
		}
	}
	return stored, unknown, last
}

// Count adds up what happened to commits.
func (h *History) Count(c *Counts) {
	for _, op := range h.operations() {
		in, ok := op.Input.(commit)
		if !ok {
			c.Add("openings and reads", 1)
			continue
		}
		kind := op.Output.(answer).outcome.String() + " commits"
		if in.change.Abandon {
			kind = op.Output.(answer).outcome.String() + " ends"
		}
		if in.hold != nil && in.hold.mayBeLost() {
			kind = "late " + kind
		}
		c.Add(kind, 1)
		c.Add(kind+" "+in.door, 1)
	}
}

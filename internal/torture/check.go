// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package torture

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"
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

// violation writes the page that shows the sessions whose history is wrong.
func violation(m porcupine.Model, ops []porcupine.Operation, most time.Duration) error {
	var wrong []porcupine.Operation
	for _, part := range m.Partition(ops) {
		if porcupine.CheckOperationsTimeout(m, part, most) == porcupine.Illegal {
			wrong = append(wrong, part...)
		}
	}
	_, info := porcupine.CheckOperationsVerbose(m, wrong, most)
	file, err := os.CreateTemp("", "torture-*.html")
	if err != nil {
		return err
	}
	defer file.Close()
	if err := porcupine.Visualize(m, info, file); err != nil {
		return err
	}
	return &Violation{What: fmt.Sprintf("%d operations can't have happened in any order:\n%s", len(ops), story(m, info, wrong)), Path: file.Name()}
}

// story tells the end of the longest order that was found, and what follows it
// in time.
func story(m porcupine.Model, info porcupine.LinearizationInfo, ops []porcupine.Operation) string {
	const lines = 8
	var told []string
	tell := func(op porcupine.Operation) {
		told = append(told, fmt.Sprintf("\t[%d, %d] by %d: %s", op.Call, op.Return, op.ClientId, m.DescribeOperation(op.Input, op.Output)))
	}
	for _, part := range info.PartialLinearizationsOperations() {
		longest := slices.MaxFunc(part, func(a, b []porcupine.Operation) int { return len(a) - len(b) })
		state := m.Init()
		in := make(map[int64]bool) // calls are at moments of their own
		for i, op := range longest {
			_, state = m.Step(state, op.Input, op.Output)
			in[op.Call] = true
			if i >= len(longest)-lines {
				tell(op)
			}
		}
		told = append(told, "\tthen it is "+m.DescribeState(state)+", and none of these can be next:")
		left := slices.DeleteFunc(slices.Clone(ops), func(op porcupine.Operation) bool {
			return in[op.Call] || sessionOf(op) != sessionOf(longest[0])
		})
		slices.SortFunc(left, func(a, b porcupine.Operation) int { return cmp.Compare(a.Call, b.Call) })
		for _, op := range left[:min(lines, len(left))] {
			tell(op)
		}
	}
	return strings.Join(told, "\n")
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

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

// violation tells what is wrong with a history, and writes the page that shows
// the sessions that it is wrong of.
func violation(m porcupine.Model, ops []porcupine.Operation, most time.Duration) error {
	var stories []string
	var wrong []porcupine.Operation
	for _, part := range m.Partition(ops) {
		if result, info := porcupine.CheckOperationsVerbose(m, part, most); result == porcupine.Illegal {
			stories = append(stories, story(m, info.PartialLinearizationsOperations()[0], part))
			wrong = append(wrong, part...)
		}
	}
	path, err := draw(m, wrong, most)
	if err != nil {
		return err
	}
	return &Violation{What: fmt.Sprintf("%d operations can't have happened in any order:\n%s", len(ops), strings.Join(stories, "\n")), Path: path}
}

// draw writes the page to a file, which it leaves there.
func draw(m porcupine.Model, ops []porcupine.Operation, most time.Duration) (path string, err error) {
	_, info := porcupine.CheckOperationsVerbose(m, ops, most)
	file, err := os.CreateTemp("", "torture-*.html")
	if err != nil {
		return "", err
	}
	defer file.Close()
	return file.Name(), porcupine.Visualize(m, info, file)
}

// storyLines is how much is told before a history goes wrong, and after.
const storyLines = 8

// story tells the end of the longest order that was found of a session, and what
// follows it in time.
func story(m porcupine.Model, orders [][]porcupine.Operation, ops []porcupine.Operation) string {
	orders = append(orders, nil) // there may be none: the first of all is wrong then
	longest := slices.MaxFunc(orders, func(a, b []porcupine.Operation) int { return len(a) - len(b) })
	state := m.Init()
	placed := make(map[int64]bool) // by their calls, of which each is at a moment of its own
	for _, op := range longest {
		_, state = m.Step(state, op.Input, op.Output)
		placed[op.Call] = true
	}
	left := slices.DeleteFunc(slices.Clone(ops), func(op porcupine.Operation) bool { return placed[op.Call] })
	slices.SortFunc(left, func(a, b porcupine.Operation) int { return cmp.Compare(a.Call, b.Call) })
	lines := tell(m, longest[max(0, len(longest)-storyLines):])
	lines = append(lines, "\tthen it is "+m.DescribeState(state)+", and none of these can be next:")
	lines = append(lines, tell(m, left[:min(storyLines, len(left))])...)
	return strings.Join(lines, "\n")
}

// tell tells each operation in a line.
func tell(m porcupine.Model, ops []porcupine.Operation) []string {
	var lines []string
	for _, op := range ops {
		end := fmt.Sprint(op.Return)
		if op.Return == forever {
			end = "…"
		}
		lines = append(lines, fmt.Sprintf("\t[%d, %s] by %d: %s", op.Call, end, op.ClientId, m.DescribeOperation(op.Input, op.Output)))
	}
	return lines
}

// describe says in a line what an operation was.
func describe(input, output any) string {
	in, ok := input.(commit)
	if !ok {
		return fmt.Sprintf("%d is sent %s", input.(opening).Number, output)
	}
	out := output.(answer)
	what := "ends the session"
	if !in.change.Abandon {
		what = "commits"
		for _, key := range changed(in.base.Values, in.change.Values) {
			value, kept := in.change.Values[key]
			if !kept {
				value = "(removed)"
			}
			what += fmt.Sprintf(" %s=%s", key, value)
		}
	}
	return fmt.Sprintf("%d %s, hold %s: %s %v", in.Number, what, in.hold, out.outcome, out.keys)
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package torture

import (
	"fmt"
	"hash/maphash"
	"maps"
	"slices"
)

// A world is the model's state of one session. It does not change: each step
// makes another.
type world struct {
	State

	// live are the exchanges that were sent this session, not a former one of
	// the id, and that have not been committed: those that may still be.
	live []int

	// silent are those that have been committed, but were not told so: asked
	// again, they are told, and nothing happens.
	silent []int
}

func (w world) opened(in opening) world {
	if !in.commits {
		return w
	}
	w.live = with(w.live, in.Number)
	return w
}

// with returns a sorted list with one more number.
func with(list []int, number int) []int {
	list = append(slices.Clone(list), number)
	slices.Sort(list)
	return list
}

// untold is the world after a commit of which its page does not hear.
func (w world) untold(in commit) world {
	w = w.committed(in)
	if !in.change.Abandon {
		w.silent = with(w.silent, in.Number)
	}
	return w
}

func (w world) committed(in commit) world {
	if in.change.Abandon {
		return world{}
	}
	values := maps.Clone(w.Values)
	if values == nil {
		values = Values{}
	}
	for _, key := range changed(in.base.Values, in.change.Values) {
		value, kept := in.change.Values[key]
		if !kept {
			delete(values, key)
			continue
		}
		values[key] = value
	}
	w = w.without(in.Number)
	w.State = State{Stored: true, Values: values}
	return w
}

func (w world) without(number int) world {
	w.live = slices.DeleteFunc(slices.Clone(w.live), func(n int) bool { return n == number })
	return w
}

func (w world) equal(other world) bool {
	return w.State.equal(other.State) && slices.Equal(w.live, other.live) && slices.Equal(w.silent, other.silent)
}

func (w world) hash(seed maphash.Seed) uint64 {
	var sum uint64
	for key, value := range w.Values { // in any order
		sum += maphash.Comparable(seed, [2]string{key, value})
	}
	for _, n := range w.live {
		sum += maphash.Comparable(seed, n)
	}
	for _, n := range w.silent {
		sum += maphash.Comparable(seed, -n)
	}
	return sum
}

func (w world) String() string { return fmt.Sprintf("%s, may commit: %v", w.State, w.live) }

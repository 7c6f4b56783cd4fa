// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package torture

import (
	"hash/maphash"
	"slices"

	"github.com/anishathalye/porcupine"
)

// Rules are what a history is checked against beside the model itself.
type Rules struct {
	RefuseLate bool     // commits whose hold was lost are refused
	LastWins   []string // keys that never conflict
}

// This is the guarantee. All that happens to one session looks as if it had
// happened in one order, each thing at one point between the moment it was asked
// for and the moment it was answered:
//
//   - A page that opens a session, to read or to write, is sent the whole session
//     as it was at one point. So nothing ever goes back in time.
//
//   - A commit that is acknowledged happened once, and changed exactly the keys
//     that its page changed: every other key stays as it is by then. No update is
//     lost: each key that the page changed had, at that point, still the value
//     that the page was sent. (Keys of which the last writer may win are exempt.)
//
//   - A commit whose hold was never lost finds the whole session as its page was
//     sent it: a hold keeps all others out.
//
//   - A conflict is told only to one whose hold was lost, and only if somebody
//     changed a key that it changed. Nothing happens then.
//
//   - A commit is refused only if its session has ended since, if its hold was
//     given up, or if late commits are refused by policy. It never revives a
//     session, nor changes the next one of the same id.
//
//   - A commit of which the outcome is unknown happens once or not at all, maybe
//     later. Asked again, it does not happen twice, even if it is told to be stored.
//
//   - A page that ends a session ends it, even if its hold was lost: nothing that
//     was opened before is stored any more. Where somebody else has ended it
//     already there is nothing to end.
type model struct{ rules Rules }

// An opening is the input of a page's first operation; its output is the State
// that it was sent.
type opening struct {
	Exchange
	commits bool // it will try to commit; else the world need not remember it
}

// A commit is the input of a page's last operation. What became of the hold is
// known only when all is over.
type commit struct {
	Exchange
	base   State // what it was sent
	change Change
	hold   *Fate
	door   string // its name
}

// An answer is the output of a commit.
type answer struct {
	outcome Outcome
	keys    []string // in conflict; nil if it was not told which
}

// linear returns the model as porcupine wants it.
func (r Rules) linear() porcupine.Model {
	m, seed := model{r}, maphash.MakeSeed()
	return porcupine.Model{
		Partition: bySession,
		Init:      func() any { return world{} },
		Step: func(state, input, output any) (bool, any) {
			return m.step(state.(world), input, output)
		},
		Equal: func(a, b any) bool { return a.(world).equal(b.(world)) },
		Hash:  func(state any) uint64 { return state.(world).hash(seed) },
		DescribeOperation: func(input, output any) string {
			return describe(input, output)
		},
		DescribeState: func(state any) string { return state.(world).String() },
	}
}

// step says whether an operation may happen next, and what is then.
func (m model) step(w world, input, output any) (bool, world) {
	in, ok := input.(commit)
	if !ok {
		open := input.(opening)
		sent := output.(State)
		return w.State.equal(sent) && (sent.Stored || len(w.Values) == 0), w.opened(open)
	}
	out := output.(answer)
	live := slices.Contains(w.live, in.Number)
	switch out.outcome {
	case Stored:
		if !in.change.Abandon && len(changed(in.base.Values, in.change.Values)) == 0 {
			return true, w.without(in.Number) // there was nothing to do
		}
		if in.change.Abandon && !live {
			return len(w.Values) == 0, w // somebody else has ended it
		}
		if slices.Contains(w.silent, in.Number) {
			return true, w // it was made before, and is told only now
		}
		return live && m.possible(w, in), w.committed(in)
	case Conflict:
		return live && m.conflict(w, in, out), w.without(in.Number)
	case Refused:
		return !live || in.hold.released() || m.rules.RefuseLate && in.hold.mayBeLost(), w
	case Unknown:
		// Its interval never ends, so what did not happen comes last, when nobody
		// looks any more.
		if live && m.possible(w, in) {
			return true, w.untold(in)
		}
	}
	return true, w
}

// possible says whether a commit can be made without loss.
func (m model) possible(w world, in commit) bool {
	if in.change.Abandon {
		return true
	}
	if !in.hold.mayBeLost() && !w.State.equal(in.base) {
		return false
	}
	return len(m.overwritten(w, in)) == 0
}

// conflict says whether a conflict is real, and told as it is.
func (m model) conflict(w world, in commit, out answer) bool {
	keys := m.overwritten(w, in)
	return in.hold.mayBeLost() && len(keys) > 0 && (out.keys == nil || slices.Equal(keys, out.keys))
}

// overwritten returns the keys of which a commit would undo what somebody else
// did since its page was sent the session.
func (m model) overwritten(w world, in commit) []string {
	return slices.DeleteFunc(changed(in.base.Values, in.change.Values), func(key string) bool {
		was, had := in.base.Values[key]
		is, has := w.Values[key]
		return was == is && had == has || slices.Contains(m.rules.LastWins, key)
	})
}

// bySession splits a history: sessions have nothing to do with each other.
func bySession(history []porcupine.Operation) [][]porcupine.Operation {
	ids := make(map[string]int)
	var parts [][]porcupine.Operation
	for _, op := range history {
		id := sessionOf(op)
		i, ok := ids[id]
		if !ok {
			i = len(parts)
			ids[id], parts = i, append(parts, nil)
		}
		parts[i] = append(parts[i], op)
	}
	return parts
}

func sessionOf(op porcupine.Operation) string {
	if in, ok := op.Input.(commit); ok {
		return in.Session
	}
	return op.Input.(opening).Session
}

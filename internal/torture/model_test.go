// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package torture

import (
	"errors"
	"os"
	"testing"
	"time"
)

// A script is a history made by hand: each line comes after the one before.
type script struct{ h History }

func (s *script) sent(number int, text string, v Values) {
	asked := s.h.now()
	state := State{Stored: v != nil, Values: v}
	if v == nil && text != "none" {
		panic("a session without values has Values{}")
	}
	s.h.opened(number, Exchange{Session: "id", Number: number}, asked, state)
}

// commits is a commit of what the page was sent, base, as back.
func (s *script) commits(number int, base, back Values, hold *Fate, o Outcome, keys ...string) {
	asked := s.h.now()
	in := commit{Exchange: Exchange{Session: "id", Number: number}, base: State{Stored: base != nil, Values: base},
		change: Change{Values: back, Abandon: back == nil}, hold: hold}
	s.h.committed(number, in, asked, answer{o, keys})
}

func TestModel(t *testing.T) {
	kept, lost, gaveUp := new(Fate), &Fate{lost: true}, &Fate{gaveUp: true}
	one, two, three := Values{"n": "1"}, Values{"n": "2"}, Values{"n": "3"}
	both := Values{"n": "2", "m": "1"}
	begin := func(s *script) {
		s.sent(1, "none", nil)
		s.commits(1, nil, one, kept, Stored)
	}
	for _, test := range []struct {
		name string
		play func(*script)
		ok   bool
	}{
		{"a session that is read as it was stored", func(s *script) { s.sent(2, "", one) }, true},
		{"a read that goes back in time", func(s *script) { s.sent(2, "none", nil) }, false},
		{"two that count one after the other", func(s *script) {
			s.sent(2, "", one)
			s.commits(2, one, two, kept, Stored)
			s.sent(3, "", two)
			s.commits(3, two, three, kept, Stored)
			s.sent(4, "", three)
		}, true},
		{"an update that is lost", func(s *script) {
			s.sent(2, "", one)
			s.sent(3, "", one)
			s.commits(2, one, two, lost, Stored)
			s.commits(3, one, two, lost, Stored)
		}, false},
		{"a late commit of another key", func(s *script) {
			s.sent(2, "", one)
			s.sent(3, "", one)
			s.commits(3, one, two, kept, Stored)
			s.commits(2, one, Values{"n": "1", "m": "1"}, lost, Stored)
			s.sent(4, "", both)
		}, true},
		{"a late commit that undoes what it did not change", func(s *script) {
			s.sent(2, "", one)
			s.sent(3, "", one)
			s.commits(3, one, two, kept, Stored)
			s.commits(2, one, Values{"n": "1", "m": "1"}, lost, Stored)
			s.sent(4, "", Values{"n": "1", "m": "1"})
		}, false},
		{"a commit of another key though the hold was kept", func(s *script) {
			s.sent(2, "", one)
			s.sent(3, "", one)
			s.commits(3, one, two, lost, Stored)
			s.commits(2, one, Values{"n": "1", "m": "1"}, kept, Stored)
		}, false},
		{"a conflict", func(s *script) {
			s.sent(2, "", one)
			s.sent(3, "", one)
			s.commits(3, one, two, kept, Stored)
			s.commits(2, one, three, lost, Conflict, "n")
			s.sent(4, "", two)
		}, true},
		{"a conflict that was applied", func(s *script) {
			s.sent(2, "", one)
			s.sent(3, "", one)
			s.commits(3, one, two, kept, Stored)
			s.commits(2, one, three, lost, Conflict, "n")
			s.sent(4, "", three)
		}, false},
		{"a conflict that is none", func(s *script) {
			s.sent(2, "", one)
			s.commits(2, one, two, lost, Conflict, "n")
		}, false},
		{"a conflict of which the wrong key is told", func(s *script) {
			s.sent(2, "", one)
			s.sent(3, "", one)
			s.commits(3, one, two, kept, Stored)
			s.commits(2, one, Values{"n": "3", "m": "1"}, lost, Conflict, "m")
		}, false},
		{"a key of which the last writer wins", func(s *script) {
			s.sent(2, "", one)
			s.sent(3, "", one)
			s.commits(3, one, Values{"n": "1", "seen": "3"}, kept, Stored)
			s.commits(2, one, Values{"n": "1", "seen": "2"}, lost, Stored)
			s.sent(4, "", Values{"n": "1", "seen": "2"})
		}, true},
		{"a commit to the next session of the id", func(s *script) {
			s.sent(2, "", one)
			s.sent(3, "", one)
			s.commits(3, one, nil, lost, Stored)
			s.sent(4, "none", nil)
			s.commits(4, nil, one, kept, Stored)
			s.commits(2, one, two, lost, Stored)
		}, false},
		{"a commit that is refused because its session has ended", func(s *script) {
			s.sent(2, "", one)
			s.sent(3, "", one)
			s.commits(3, one, nil, lost, Stored)
			s.commits(2, one, two, kept, Refused)
		}, true},
		{"a commit that is refused because its hold was given up", func(s *script) {
			s.sent(2, "", one)
			s.commits(2, one, two, gaveUp, Refused)
		}, true},
		{"a commit that is refused for nothing", func(s *script) {
			s.sent(2, "", one)
			s.commits(2, one, two, lost, Refused)
		}, false},
		{"an end that does not last", func(s *script) {
			s.sent(2, "", one)
			s.commits(2, one, nil, kept, Stored)
			s.sent(3, "", one)
		}, false},
		{"two that end a session", func(s *script) {
			s.sent(2, "", one)
			s.sent(3, "", one)
			s.commits(2, one, nil, kept, Stored)
			s.commits(3, one, nil, lost, Stored)
			s.sent(4, "none", nil)
		}, true},
		{"an end of the next session of the id", func(s *script) {
			s.sent(2, "", one)
			s.sent(3, "", one)
			s.commits(2, one, nil, kept, Stored)
			s.sent(4, "none", nil)
			s.commits(4, nil, two, kept, Stored)
			s.commits(3, one, nil, lost, Stored)
		}, false},
		{"a failed commit that was made", func(s *script) {
			s.sent(2, "", one)
			s.commits(2, one, two, kept, Failed)
			s.sent(3, "", two)
		}, false},
		{"an unknown commit that was made", func(s *script) {
			s.sent(2, "", one)
			s.commits(2, one, two, kept, Unknown)
			s.sent(3, "", two)
		}, true},
		{"an unknown commit that was not made", func(s *script) {
			s.sent(2, "", one)
			s.commits(2, one, two, gaveUp, Unknown)
			s.sent(3, "", one)
		}, true},
		{"an unknown commit that is made later", func(s *script) {
			s.sent(2, "", one)
			s.commits(2, one, two, kept, Unknown)
			s.sent(3, "", one)
			s.sent(4, "", two)
		}, true},
		{"an unknown commit that comes and goes", func(s *script) {
			s.sent(2, "", one)
			s.commits(2, one, two, kept, Unknown)
			s.sent(3, "", two)
			s.sent(4, "", one)
		}, false},
		{"an unknown commit that a second try is told of", func(s *script) {
			s.sent(2, "", one)
			s.commits(2, one, two, kept, Unknown)
			s.sent(3, "", two)
			s.commits(3, two, three, kept, Stored)
			s.commits(2, one, two, lost, Stored)
			s.sent(4, "", three)
		}, true},
		{"an unknown commit that a second try repeats", func(s *script) {
			s.sent(2, "", one)
			s.commits(2, one, two, kept, Unknown)
			s.sent(3, "", two)
			s.commits(3, two, three, kept, Stored)
			s.commits(2, one, two, lost, Stored)
			s.sent(4, "", two)
		}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := new(script)
			begin(s)
			test.play(s)
			err := s.h.Check(Rules{LastWins: []string{lastWins}}, time.Minute)
			var v *Violation
			if errors.As(err, &v) {
				os.Remove(v.Path)
			}
			if ok := err == nil; ok != test.ok || !ok && v == nil {
				t.Errorf("got %v, want that it is allowed: %t", err, test.ok)
			}
		})
	}
}

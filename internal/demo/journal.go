// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"slices"
	"sync"
	"time"
)

// Kinds of exchanges, as the panel names them.
const (
	kindRead   = "GET read"
	kindHold   = "GET + PUT"
	kindDuplex = "POST"
	kindOwn    = "own page" // a page of the old shop: nothing crosses
)

// remembered is how many exchanges that are over a journal keeps.
const remembered = 10

// A journal remembers the exchanges that are under way and the latest that are
// over. It is safe for concurrent use.
type journal struct {
	mu       sync.Mutex
	last     int
	entries  []*entry // newest first
	commits  int      // changes of any session so far
	pages    pageNames
	watchers map[chan struct{}]struct{}
}

// A fact is what the journal knows of one exchange.
type fact struct {
	Number  int
	Kind    string
	Who     string // the program that asks
	Page    string // which of its pages; "" if that is not known
	Session string // short hash of its id; "" before it has one
	Sent    int    // bytes of the session on their way to who asks
	Got     int    // bytes that came back
	Outcome string // "" while it is under way

	began, granted, ended time.Time
}

// An entry is an exchange that somebody writes down while it happens.
type entry struct {
	j *journal
	f fact // guarded by j.mu
}

func newJournal() *journal {
	return &journal{watchers: make(map[chan struct{}]struct{})}
}

// begin writes down that an exchange begins.
func (j *journal) begin(f fact) *entry {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.last++
	f.Number, f.began = j.last, time.Now()
	e := &entry{j: j, f: f}
	j.entries = slices.Insert(j.entries, 0, e)
	j.forget()
	j.tell()
	return e
}

// forget drops the oldest entries that are over. j.mu is held.
func (j *journal) forget() {
	over := 0
	j.entries = slices.DeleteFunc(j.entries, func(e *entry) bool {
		if e.f.ended.IsZero() {
			return false
		}
		over++
		return over > remembered
	})
}

// update changes an entry.
func (e *entry) update(change func(*fact)) {
	e.j.mu.Lock()
	defer e.j.mu.Unlock()
	change(&e.f)
	e.j.tell()
}

// grant says that the session is there: the wait is over.
func (e *entry) grant(session string) {
	e.update(func(f *fact) {
		f.granted = time.Now()
		if session != "" {
			f.Session = session
		}
	})
}

// end says that the exchange is over and how it ended, unless that was said
// before.
func (e *entry) end(outcome string) {
	e.update(func(f *fact) {
		if f.ended.IsZero() {
			f.ended = time.Now()
		}
		if f.Outcome == "" {
			e.j.settle(f, outcome)
		}
	})
}

// settle says how the exchange ends, whether it is over yet or not.
func (e *entry) settle(outcome string) {
	e.update(func(f *fact) { e.j.settle(f, outcome) })
}

// settle sets an outcome and counts commits. j.mu is held.
func (j *journal) settle(f *fact, outcome string) {
	f.Outcome = outcome
	if outcome == outcomeCommitted {
		j.commits++
	}
}

// holder returns the entry of the writer that holds a session by a GET, or nil.
func (j *journal) holder(session string) *entry {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, e := range j.entries {
		if e.f.Kind == kindHold && e.f.Session == session && e.f.holds() {
			return e
		}
	}
	return nil
}

// A record is what a journal says at one moment.
type record struct {
	Facts   []fact // newest first
	Commits int
	now     time.Time
}

func (j *journal) record() record {
	j.mu.Lock()
	defer j.mu.Unlock()
	r := record{Commits: j.commits, now: time.Now()}
	for _, e := range j.entries {
		r.Facts = append(r.Facts, e.f)
	}
	return r
}

// watch returns a channel that is signalled after each change, until stop.
func (j *journal) watch() (changed <-chan struct{}, stop func()) {
	c := make(chan struct{}, 1)
	j.mu.Lock()
	defer j.mu.Unlock()
	j.watchers[c] = struct{}{}
	return c, func() {
		j.mu.Lock()
		defer j.mu.Unlock()
		delete(j.watchers, c)
	}
}

// tell signals all who watch. j.mu is held.
func (j *journal) tell() {
	for c := range j.watchers {
		select {
		case c <- struct{}{}:
		default: // it has not looked since the last change
		}
	}
}

func (f fact) waits() bool { return f.granted.IsZero() && f.ended.IsZero() }
func (f fact) holds() bool { return !f.granted.IsZero() && f.ended.IsZero() && f.Kind != kindRead }

// waited returns how long the session had to be waited for until now.
func (f fact) waited(now time.Time) time.Duration {
	switch {
	case !f.granted.IsZero():
		return f.granted.Sub(f.began)
	case !f.ended.IsZero():
		return f.ended.Sub(f.began)
	}
	return now.Sub(f.began)
}

// held returns how long the exchange had the session until now.
func (f fact) held(now time.Time) time.Duration {
	switch {
	case f.granted.IsZero():
		return 0
	case !f.ended.IsZero():
		return f.ended.Sub(f.granted)
	}
	return now.Sub(f.granted)
}

// Writes reports whether the exchange may change the session.
func (f fact) Writes() bool { return f.Kind != kindRead }

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package session_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sessionbridge/session"
)

var began = session.NewKey[time.Time]("began")

// visitPage opens a session for writing, counts, and commits. It returns the count
// and whether the session was new.
func visitPage(t *testing.T, source session.Source, id string) (n int, isNew bool) {
	t.Helper()
	opened, err := source.Open(t.Context(), id, session.Writable)
	if err != nil {
		t.Fatal(err)
	}
	s := opened.Session()
	isNew = s.New()
	must(t, addUnread(s))
	n, err = unread.Get(s)
	must(t, err)
	s.Seal(errors.New("sealed")) // as the middleware does
	must(t, opened.Commit(t.Context()))
	if _, err := began.Get(s); err != nil { // it can still be read
		t.Error(err)
	}
	return n, isNew
}

// peek reads a session.
func peek(t *testing.T, source session.Source) string {
	t.Helper()
	opened, err := source.Open(t.Context(), testID, session.ReadOnly)
	must(t, err)
	defer opened.Release(t.Context())
	s := opened.Session()
	if err := addUnread(s); !errors.Is(err, session.ErrReadOnly) {
		t.Errorf("a session that was opened to be read is changed: %v", err)
	}
	n, err := unread.Get(s)
	must(t, err)
	return fmt.Sprintf("%d, new %t, same id %t", n, s.New(), s.ID() == testID)
}

func TestSessionEndsHoweverMuchItIsUsed(t *testing.T) {
	for name, wrap := range map[string]func(session.Source) session.Source{
		"Manager":     func(s session.Source) session.Source { return s },
		"LockOnWrite": session.LockOnWrite,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := newStore(t)
				m := newManager(t, store, session.ManagerOptions{})
				source := wrap(session.EndAfter(m, time.Hour, began))
				for i := range 6 { // at minute 0, 10, … 50
					if n, isNew := visitPage(t, source, testID); n != i+1 || isNew != (i == 0) {
						t.Fatalf("after %d minutes: count %d, new %t", i*10, n, isNew)
					}
					time.Sleep(10*time.Minute - time.Second)
					if got, want := peek(t, source), fmt.Sprintf("%d, new false, same id true", i+1); got != want {
						t.Fatalf("after %d minutes: read %s, want %s", i*10+9, got, want)
					}
					time.Sleep(time.Second)
				}
				if got := peek(t, source); got != "0, new true, same id true" {
					t.Errorf("after an hour: read %s", got)
				}
				if got := stored(t, m); got == "" {
					t.Error("reading ended the session")
				}
				if n, isNew := visitPage(t, source, testID); n != 1 || !isNew {
					t.Errorf("after an hour: count %d, new %t, want a new session", n, isNew)
				}
				time.Sleep(10 * time.Minute)
				if n, _ := visitPage(t, source, testID); n != 2 {
					t.Errorf("the session that follows: count %d, want 2", n)
				}
				nothingHeld(t, m)
			})
		})
	}
}

// What another program has begun counts from the first request that holds it.
func TestSessionOfAnotherProgramEndsToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, newStore(t), session.ManagerOptions{})
		storeUnread(t, m, 7)
		source := session.EndAfter(m, 15*time.Minute, began)
		opened, err := source.Open(t.Context(), testID, session.Writable)
		must(t, err)
		must(t, opened.Commit(t.Context())) // nothing was changed
		time.Sleep(14 * time.Minute)
		if n, _ := visitPage(t, source, testID); n != 8 {
			t.Errorf("after 14 minutes: count %d, want 8", n)
		}
		time.Sleep(time.Minute)
		if n, _ := visitPage(t, source, testID); n != 1 {
			t.Errorf("after 15 minutes: count %d, want 1", n)
		}
		time.Sleep(15 * time.Minute)
		if n, _ := visitPage(t, source, testID); n != 1 {
			t.Errorf("the session that follows, after 15 minutes: count %d, want 1", n)
		}
	})
}

func TestNothingIsNotedOfASessionThatIsNotStored(t *testing.T) {
	m := newManager(t, newStore(t), session.ManagerOptions{})
	source := session.EndAfter(m, time.Hour, began)
	opened, err := source.Open(t.Context(), testID, session.Writable)
	must(t, err)
	must(t, opened.Session().Abandon())
	must(t, opened.Commit(t.Context()))
	if opened.Session().Len() != 0 {
		t.Errorf("keys of an abandoned session: %q", opened.Session().Keys())
	}
	late, err := session.LockOnWrite(source).Open(t.Context(), testID, session.Writable)
	must(t, err)
	must(t, late.Commit(t.Context()))
	if got := storedAt(t, m, testID); got != "nothing" {
		t.Errorf("stored %s, want nothing", got)
	}
}

func TestEndAfterWithABadTime(t *testing.T) {
	m := newManager(t, newStore(t), session.ManagerOptions{})
	mustCommit(t, mustHold(t, m, 0), update(shop, "began", `"yesterday"`))
	for _, mode := range []session.Mode{session.ReadOnly, session.Writable} {
		_, err := session.EndAfter(m, time.Hour, began).Open(t.Context(), testID, mode)
		var wrong *session.KeyError
		if !errors.As(err, &wrong) || wrong.Key != "began" {
			t.Errorf("mode %d: got %v, want an error of the key", mode, err)
		}
	}
	nothingHeld(t, m)
}

// An unreadable codec panics when it reads.
type unreadable struct{ session.JSON }

func (unreadable) Unmarshal([]byte, any) error { panic("the codec is unreadable") }

func TestEndAfterHoldsNothingIfItsCodecPanics(t *testing.T) {
	m := newManager(t, newStore(t), session.ManagerOptions{})
	visitPage(t, session.EndAfter(m, time.Hour, began), testID)
	source := session.EndAfter(m, time.Hour, began.WithCodec(unreadable{}))
	if !panics(func() { source.Open(t.Context(), testID, session.Writable) }) {
		t.Error("the codec does not panic")
	}
	nothingHeld(t, m)
}

// A null, which an owner in .NET may have, is no time: the session would never end.
func TestEndAfterNotesATimeInPlaceOfNull(t *testing.T) {
	store := newStore(t)
	must(t, store.Put(t.Context(), testID, 0, items("began", "null"), session.PutOptions{Timeout: time.Hour}))
	m := newManager(t, store, session.ManagerOptions{})
	opened, err := session.EndAfter(m, time.Hour, began).Open(t.Context(), testID, session.Writable)
	must(t, err)
	must(t, opened.Commit(t.Context()))
	if _, ok, err := began.Lookup(opened.Session()); !ok || err != nil {
		t.Errorf("no time is noted: %v", err)
	}
}

// A session whose time can't be kept is not stored: it would never end.
func TestEndAfterNeedsItsKey(t *testing.T) {
	m := newManager(t, newStore(t), session.ManagerOptions{})
	known, err := session.NewKeySet(unread)
	must(t, err)
	opened, err := known.Strict(session.EndAfter(m, time.Hour, began)).Open(t.Context(), testID, session.Writable)
	must(t, err)
	var unknown *session.UnknownKeysError
	if err := opened.Commit(t.Context()); !errors.As(err, &unknown) {
		t.Errorf("got %v, want the key that is not declared", err)
	}
	nothingHeld(t, m)
	if got := storedAt(t, m, testID); got != "nothing" {
		t.Errorf("stored %s, want nothing", got)
	}
}

// A commit that fails ends nothing; neither does the end of a session that is over.
func TestEndAfterWhereTheEndFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore(t)
		m := newManager(t, store, session.ManagerOptions{})
		source := session.EndAfter(m, 5*time.Minute, began)
		visitPage(t, source, testID)
		time.Sleep(5 * time.Minute)
		broken := session.EndAfter(&failing{Source: m, commit: session.ErrFull, times: 1}, 5*time.Minute, began)
		if _, err := broken.Open(t.Context(), testID, session.Writable); !errors.Is(err, session.ErrFull) {
			t.Errorf("got %v, want the error of the commit", err)
		}
		nothingHeld(t, m)
		if n, isNew := visitPage(t, source, testID); n != 1 || !isNew {
			t.Errorf("count %d, new %t", n, isNew)
		}
	})
}

func TestSessionThatEndsCanBeRenewed(t *testing.T) {
	m := newManager(t, newStore(t), session.ManagerOptions{})
	opened := renewed(t, session.EndAfter(m, time.Hour, began))
	must(t, opened.Commit(t.Context()))
	if got := storedAt(t, m, testID); got != "nothing" {
		t.Errorf("stored under the old id: %s", got)
	}
	if got := storedAt(t, m, opened.Session().ID()); got == "nothing" {
		t.Error("nothing is stored under the new id")
	}
}

func TestWrongLifetimePanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a lifetime of 0 is taken")
		}
	}()
	session.EndAfter(nil, 0, began)
}

func TestLateLockInsideOfALifetimePanics(t *testing.T) {
	m := newManager(t, newStore(t), session.ManagerOptions{})
	known, err := session.NewKeySet(unread, began)
	must(t, err)
	late := session.LockOnWrite(m)
	for name, do := range map[string]func(){
		"LockOnWrite":         func() { session.EndAfter(late, time.Hour, began) },
		"Strict, LockOnWrite": func() { session.EndAfter(known.Strict(late), time.Hour, began) },
	} {
		if !panics(do) {
			t.Errorf("%s: EndAfter takes a source whose sessions would not end", name)
		}
	}
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package session_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sessionbridge/session"
)

// openLate opens the test's session with a lock that is taken late.
func openLate(t *testing.T, m *session.Manager) session.Opened {
	t.Helper()
	opened, err := session.LockOnWrite(m).Open(t.Context(), testID, session.Writable)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { opened.Release(context.Background()) })
	return opened
}

func wantHolds(t *testing.T, m *session.Manager, when string, want int) {
	t.Helper()
	if got := m.Stats().Holds; got != want {
		t.Errorf("%s: %d holds, want %d", when, got, want)
	}
}

func TestLockIsTakenAtTheFirstChange(t *testing.T) {
	for name, change := range map[string]func(*session.Session) error{
		"Set":        func(s *session.Session) error { return unread.Set(s, 2) },
		"Update":     addUnread,
		"Delete":     func(s *session.Session) error { return unread.Delete(s) },
		"SetRaw":     func(s *session.Session) error { return s.SetRaw("unread", []byte("2")) },
		"Clear":      (*session.Session).Clear,
		"Abandon":    (*session.Session).Abandon,
		"SetTimeout": func(s *session.Session) error { return s.SetTimeout(time.Hour) },
	} {
		t.Run(name, func(t *testing.T) {
			m := newManager(t, newStore(t), session.ManagerOptions{})
			storeUnread(t, m, 1)
			opened := openLate(t, m)
			s := opened.Session()
			if n, err := unread.Get(s); n != 1 || err != nil || s.ReadOnly() || s.ID() != testID {
				t.Errorf("read %d, %v; read-only %t", n, err, s.ReadOnly())
			}
			wantHolds(t, m, "read", 0)
			must(t, change(s))
			wantHolds(t, m, "changed", 1)
			must(t, change(s)) // the second change asks for nothing
			must(t, opened.Commit(t.Context()))
			nothingHeld(t, m)
			if got := stored(t, m); (got == "unread=1") != (name == "SetTimeout") {
				t.Errorf("stored %s", got)
			}
		})
	}
}

func TestReaderWithALateLockKeepsNobodyWaiting(t *testing.T) {
	m := newManager(t, newStore(t), session.ManagerOptions{})
	storeUnread(t, m, 1)
	opened := openLate(t, m)
	must(t, session.Do(t.Context(), m, testID, addUnread))
	if n, err := unread.Get(opened.Session()); n != 1 || err != nil {
		t.Errorf("got %d, %v, want what it was opened with", n, err)
	}
	must(t, opened.Commit(t.Context()))
	if got := stored(t, m); got != "unread=2" {
		t.Errorf("stored %s", got)
	}
}

func TestChangeThatRestsOnStaleValuesIsRefused(t *testing.T) {
	other := session.NewKey[int]("other")
	for _, test := range []struct {
		name string
		read func(s *session.Session)
		keys []string // of the error; nil: it is none
	}{
		{"nothing read", func(*session.Session) {}, nil},
		{"Get of what changed", func(s *session.Session) { unread.Get(s) }, []string{"unread"}},
		{"Get of what did not", func(s *session.Session) { other.Get(s) }, nil},
		{"Raw of what was not there", func(s *session.Session) { s.Raw("NEW") }, []string{"new"}},
		{"Raw of what went", func(s *session.Session) { s.Raw("gone") }, []string{"gone"}},
		{"Keys", func(s *session.Session) { s.Keys() }, []string{"gone", "new", "unread"}},
		{"Items", func(s *session.Session) { s.Items() }, []string{"gone", "new", "unread"}},
		{"Len", func(s *session.Session) { s.Len() }, []string{"gone", "new", "unread"}},
		{"Check", func(s *session.Session) { newKeySet(t).Check(s) }, []string{"gone", "new", "unread"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := newManager(t, newStore(t), session.ManagerOptions{})
			mustCommit(t, mustHold(t, m, 0), update(shop, "unread", "1", "other", "1", "gone", "1"))
			opened := openLate(t, m)
			s := opened.Session()
			test.read(s)
			mustCommit(t, mustHold(t, m, 0), update(shop, "unread", "2", "other", "1", "new", "1"))

			for range 2 {
				err := other.Set(s, 5)
				var stale *session.StaleError
				if errors.As(err, &stale) != (test.keys != nil) || test.keys == nil && err != nil {
					t.Fatalf("got %v, want stale keys %q", err, test.keys)
				}
				if stale != nil && !cmp.Equal(stale.Keys, test.keys) {
					t.Errorf("keys %q, want %q", stale.Keys, test.keys)
				}
			}
			must(t, opened.Commit(t.Context()))
			nothingHeld(t, m)
			want := "unread=2 other=5 new=1"
			if test.keys != nil {
				want = "unread=2 other=1 new=1"
			}
			if got := stored(t, m); got != want {
				t.Errorf("stored %s, want %s", got, want)
			}
		})
	}
}

// Who is told that a session is new has read that it has no keys.
func TestNewSessionThatIsNoLongerNewIsStale(t *testing.T) {
	m := newManager(t, newStore(t), session.ManagerOptions{})
	for _, asks := range []bool{false, true} {
		opened := openLate(t, m)
		s := opened.Session()
		if asks && !s.New() {
			t.Fatal("the session is not new")
		}
		storeUnread(t, m, 1)
		err := unread.Set(s, 0)
		var stale *session.StaleError
		if errors.As(err, &stale) != asks || !asks && err != nil {
			t.Errorf("asked %t: got %v", asks, err)
		}
		must(t, opened.Release(t.Context()))
		end, err := m.Open(t.Context(), testID, session.Writable)
		must(t, err)
		must(t, end.Session().Abandon())
		must(t, end.Commit(t.Context()))
	}
}

func TestUpdateWithALateLockIsNeverStale(t *testing.T) {
	m := newManager(t, newStore(t), session.ManagerOptions{})
	storeUnread(t, m, 1)
	opened := openLate(t, m)
	must(t, session.Do(t.Context(), m, testID, addUnread))
	must(t, addUnread(opened.Session()))
	must(t, opened.Commit(t.Context()))
	if got := stored(t, m); got != "unread=3" {
		t.Errorf("stored %s, want 3", got)
	}
}

func TestLateLockWaitsForItsTurnAndMayBeTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, newStore(t), session.ManagerOptions{LockWait: time.Second})
		storeUnread(t, m, 1)
		opened := openLate(t, m)
		h := mustHold(t, m, 0)
		start := time.Now()
		var busy *session.BusyError
		if err := unread.Set(opened.Session(), 5); !errors.As(err, &busy) {
			t.Errorf("got %v, want a BusyError", err)
		}
		since(t, start, time.Second)
		must(t, h.Release(t.Context()))
		must(t, unread.Set(opened.Session(), 6))
		must(t, opened.Commit(t.Context()))
		if got := stored(t, m); got != "unread=6" {
			t.Errorf("stored %s", got)
		}
	})
}

func TestSessionWithALateLockEndsOnce(t *testing.T) {
	m := newManager(t, newStore(t), session.ManagerOptions{})
	storeUnread(t, m, 1)
	released := openLate(t, m)
	must(t, unread.Set(released.Session(), 9))
	must(t, released.Release(t.Context()))
	must(t, released.Commit(t.Context()))
	nothingHeld(t, m)
	never := openLate(t, m)
	must(t, never.Commit(t.Context()))
	if err := unread.Set(never.Session(), 9); err == nil {
		t.Error("a change after the commit takes the lock")
	}
	reported := openLate(t, m)
	b := session.NewKey[map[string]int]("map").WithMutations(session.ReportMutations)
	g := map[string]int{}
	must(t, b.Set(reported.Session(), g))
	g["a"] = 1
	err := reported.Commit(t.Context())
	if again := reported.Commit(t.Context()); err == nil || again != err {
		t.Errorf("got %v, then %v, want a MutationError twice", err, again)
	}
	nothingHeld(t, m)
	if got := stored(t, m); got != "unread=1" {
		t.Errorf("stored %s, want what it was", got)
	}
}

func TestMutationTakesALateLock(t *testing.T) {
	m := newManager(t, newStore(t), session.ManagerOptions{})
	mustCommit(t, mustHold(t, m, 0), update(shop, "basket", `{"Goods":{"bell":1}}`))
	opened := openLate(t, m)
	b, err := basketKey.WithMutations(session.SaveMutations).Get(opened.Session())
	must(t, err)
	b.Goods["bell"]++
	opened.Session().Seal(errors.New("over"))
	must(t, opened.Commit(t.Context()))
	if got := stored(t, m); got != `basket={"Goods":{"bell":2}}` {
		t.Errorf("stored %s", got)
	}
}

// A traced source keeps the traces that its sessions were opened with.
type traced struct {
	session.Source
	parents []string
}

func (t *traced) Open(ctx context.Context, id string, mode session.Mode) (session.Opened, error) {
	t.parents = append(t.parents, session.TraceFromContext(ctx).Parent)
	return t.Source.Open(ctx, id, mode)
}

// A browser that has gone ends the context of Open, and not that of the commit.
func TestMutationIsSavedThoughTheContextOfOpenHasEnded(t *testing.T) {
	m := newManager(t, newStore(t), session.ManagerOptions{})
	mustCommit(t, mustHold(t, m, 0), update(shop, "basket", `{"Goods":{"bell":1}}`))
	ctx, gone := context.WithCancel(session.ContextWithTrace(t.Context(), session.Trace{Parent: "a"}))
	source := &traced{Source: m}
	opened, err := session.LockOnWrite(source).Open(ctx, testID, session.Writable)
	must(t, err)
	b, err := basketKey.WithMutations(session.SaveMutations).Get(opened.Session())
	must(t, err)
	b.Goods["bell"]++
	gone()
	if err := opened.Session().Clear(); !errors.Is(err, context.Canceled) {
		t.Errorf("another change: got %v, want what ended the context", err)
	}
	must(t, opened.Commit(t.Context()))
	if got := stored(t, m); got != `basket={"Goods":{"bell":2}}` {
		t.Errorf("stored %s", got)
	}
	if got := source.parents[len(source.parents)-1]; got != "a" {
		t.Errorf("opened for the commit with trace %q, want that of the request", got)
	}
}

func TestNewSessionWithALateLockIsStoredOnlyIfChanged(t *testing.T) {
	m := newManager(t, newStore(t), session.ManagerOptions{})
	for _, change := range []bool{false, true} {
		opened, err := session.LockOnWrite(m).Open(t.Context(), "", session.Writable)
		must(t, err)
		s := opened.Session()
		if change {
			must(t, unread.Set(s, 1))
		}
		must(t, opened.Commit(t.Context()))
		item, err := m.Read(t.Context(), s.ID())
		must(t, err)
		if item.New == change {
			t.Errorf("changed: %t; stored: %t", change, !item.New)
		}
	}
}

func TestStrictSessionWithALateLockIsStrict(t *testing.T) {
	for name, wrap := range map[string]func(session.Source) session.Source{
		"inside":  func(s session.Source) session.Source { return session.LockOnWrite(newKeySet(t).Strict(s)) },
		"outside": func(s session.Source) session.Source { return newKeySet(t).Strict(session.LockOnWrite(s)) },
	} {
		m := newManager(t, newStore(t), session.ManagerOptions{})
		opened, err := wrap(m).Open(t.Context(), testID, session.Writable)
		must(t, err)
		var unknown *session.UnknownKeysError
		if err := opened.Session().SetRaw("foo", []byte("1")); !errors.As(err, &unknown) || !unknown.Set {
			t.Errorf("%s: got %v, want an UnknownKeysError", name, err)
		}
		mustCommit(t, mustHold(t, m, 0), update(shop, "bar", "1"))
		if err := opened.Session().Abandon(); !errors.As(err, &unknown) || unknown.Set {
			t.Errorf("%s: a key that came meanwhile: got %v, want an UnknownKeysError", name, err)
		}
		must(t, opened.Release(t.Context()))
		nothingHeld(t, m)
	}
}

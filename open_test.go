// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package session_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/wire"
)

var count = session.NewKey[int]("count")

func TestPagesOfTheSameProcessShareASession(t *testing.T) {
	var source session.Source = newManager(t, newStore(t), session.ManagerOptions{})
	opened, err := source.Open(t.Context(), "", session.Writable)
	must(t, err)
	id := opened.Session().ID()
	if s := opened.Session(); !s.New() || s.ReadOnly() || s.Timeout() != 20*time.Minute {
		t.Errorf("a new session is new %t, read-only %t, timeout %s", s.New(), s.ReadOnly(), s.Timeout())
	}
	must(t, count.Set(opened.Session(), 1))
	must(t, opened.Commit(t.Context()))
	must(t, opened.Commit(t.Context()))
	must(t, opened.Release(t.Context()))

	reader, err := source.Open(t.Context(), id, session.ReadOnly)
	must(t, err)
	if n, err := count.Get(reader.Session()); n != 1 || err != nil {
		t.Errorf("count is %d, %v, want 1", n, err)
	}
	must(t, reader.Commit(t.Context()))
	must(t, reader.Release(t.Context()))
}

func TestReleasedChangesAreGone(t *testing.T) {
	m := newManager(t, newStore(t), session.ManagerOptions{})
	opened, err := m.Open(t.Context(), testID, session.Writable)
	must(t, err)
	must(t, count.Set(opened.Session(), 1))
	must(t, opened.Release(t.Context()))
	if got := stored(t, m); got != "" {
		t.Errorf("stored %q, want nothing", got)
	}
	nothingHeld(t, m)
}

func TestUnchangedPageStoresNothing(t *testing.T) {
	store := &countingStore{Store: newStore(t)}
	m := newManager(t, store, session.ManagerOptions{})
	mustCommit(t, mustHold(t, m, 0), update(shop, "n", "1"))
	opened, err := m.Open(t.Context(), testID, session.Writable)
	must(t, err)
	must(t, opened.Commit(t.Context()))
	if store.puts != 1 {
		t.Errorf("the data were stored %d times, want once", store.puts)
	}
	nothingHeld(t, m)
}

func TestPageAbandonsTheSession(t *testing.T) {
	store := newStore(t)
	m := newManager(t, store, session.ManagerOptions{})
	mustCommit(t, mustHold(t, m, 0), update(shop, "n", "1"))
	opened, err := m.Open(t.Context(), testID, session.Writable)
	must(t, err)
	must(t, opened.Session().Abandon())
	must(t, opened.Commit(t.Context()))
	if store.Len() != 0 {
		t.Error("the session is still stored")
	}
	nothingHeld(t, m)
}

func TestPageThatLostItsSessionLearnsItAtCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, newStore(t), session.ManagerOptions{})
		slow, err := m.Open(t.Context(), testID, session.Writable)
		must(t, err)
		start := time.Now()
		quick, err := m.Open(t.Context(), testID, session.Writable)
		must(t, err)
		since(t, start, 50*time.Second)
		must(t, count.Set(quick.Session(), 2))
		must(t, quick.Commit(t.Context()))
		must(t, count.Set(slow.Session(), 1))
		var conflict *session.ConflictError
		if err := slow.Commit(t.Context()); !errors.As(err, &conflict) {
			t.Errorf("got %v, want a ConflictError", err)
		}
		wantStored(t, m, "count=2")
	})
}

func TestPageThatLostItsSessionCommitsLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, newStore(t), session.ManagerOptions{})
		mustCommit(t, mustHold(t, m, 0), update(shop, "old", "1", "count", "1"))
		slow, err := m.Open(t.Context(), testID, session.Writable)
		must(t, err)
		quick, err := m.Open(t.Context(), testID, session.Writable)
		must(t, err)
		must(t, count.Set(quick.Session(), 2))
		must(t, quick.Commit(t.Context()))
		must(t, slow.Session().Delete("old"))
		must(t, slow.Commit(t.Context()))
		wantStored(t, m, "count=2")
	})
}

func TestContextCarriesSessionAndTrace(t *testing.T) {
	if _, err := session.FromContext(t.Context()); !errors.Is(err, session.ErrNoSession) {
		t.Errorf("a context without a session got %v, want ErrNoSession", err)
	}
	s := newSession()
	ctx := session.NewContext(t.Context(), func(context.Context) (*session.Session, error) { return s, nil })
	trace := session.Trace{Parent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
	ctx = session.ContextWithTrace(ctx, trace)
	if got, err := session.FromContext(ctx); got != s || err != nil {
		t.Errorf("got %p, %v, want %p", got, err, s)
	}
	if got := session.TraceFromContext(ctx); got != trace {
		t.Errorf("trace %+v, want %+v", got, trace)
	}
}

func TestFailedCommitStaysFailed(t *testing.T) {
	store := &countingStore{Store: newStore(t), failing: session.ErrFull}
	m := newManager(t, store, session.ManagerOptions{})
	opened, err := m.Open(t.Context(), testID, session.Writable)
	must(t, err)
	must(t, count.Set(opened.Session(), 1))
	for range 2 {
		if err := opened.Commit(t.Context()); !errors.Is(err, session.ErrFull) {
			t.Errorf("got %v, want ErrFull", err)
		}
	}
	nothingHeld(t, m)
}

// TestLocalCommitKeepsWhatNobodyCouldWrite: a value of no bytes stands for one
// that another program holds and could not write.
func TestLocalCommitKeepsWhatNobodyCouldWrite(t *testing.T) {
	for _, test := range []struct {
		name, want string
		unknown    []string
		change     func(*session.Session) error
	}{
		{"another key set", "lost= gone= unread=2", []string{"lost", "gone"}, addUnread},
		{"set", "lost=3 gone= unread=1", []string{"gone"}, func(s *session.Session) error { return s.SetRaw("LOST", []byte("3")) }},
		{"deleted", "lost= unread=1", []string{"lost"}, func(s *session.Session) error { return s.Delete("gone") }},
		{"cleared", "", nil, (*session.Session).Clear},
	} {
		for _, renewed := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/renewed=%t", test.name, renewed), func(t *testing.T) {
				store := newStore(t)
				m := newManager(t, store, session.ManagerOptions{})
				data := wire.AppendItems(nil, []wire.Item{{Key: "lost"}, {Key: "gone"}, {Key: "unread", Value: []byte("1")}}, []string{"lost", "gone"})
				must(t, store.Put(t.Context(), testID, 0, data, session.PutOptions{Timeout: time.Minute}))
				opened, err := m.Open(t.Context(), testID, session.Writable)
				must(t, err)
				if renewed {
					must(t, session.Renew(opened))
				}
				must(t, test.change(opened.Session()))
				must(t, opened.Commit(t.Context()))
				item, err := m.Read(t.Context(), opened.Session().ID())
				must(t, err)
				_, unknown, err := wire.DecodeItems(item.Data, wire.Limits{})
				must(t, err)
				if got := text(t, item.Data); got != test.want || !slices.Equal(unknown, test.unknown) {
					t.Errorf("stored %s, unknown %q, want %s, unknown %q", got, unknown, test.want, test.unknown)
				}
			})
		}
	}
}

// Each kind of change is stored, and what ends as it began is none.
func TestLocalCommitStoresWhatChanged(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*session.Session) error
		events int
	}{
		{"nothing", func(*session.Session) error { return nil }, 0},
		{"set to what it was", func(s *session.Session) error { return s.SetRaw("N", []byte("1")) }, 0},
		{"set and set back", func(s *session.Session) error {
			return errors.Join(s.SetRaw("n", []byte("2")), s.SetRaw("n", []byte("1")))
		}, 0},
		{"new and deleted", func(s *session.Session) error { return errors.Join(s.SetRaw("m", []byte("2")), s.Delete("m")) }, 0},
		{"what was not there deleted", func(s *session.Session) error { return s.Delete("m") }, 0},
		{"set", func(s *session.Session) error { return s.SetRaw("n", []byte("2")) }, 1},
		{"new", func(s *session.Session) error { return s.SetRaw("m", []byte("1")) }, 1},
		{"deleted", func(s *session.Session) error { return s.Delete("n") }, 1},
		{"cleared", (*session.Session).Clear, 1},
		{"timeout", func(s *session.Session) error { return s.SetTimeout(time.Hour) }, 1},
		{"abandoned", (*session.Session).Abandon, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			var told []session.Event
			m := newManager(t, newStore(t), session.ManagerOptions{OnEvent: func(e session.Event) { told = append(told, e) }})
			mustCommit(t, mustHold(t, m, 0), update(shop, "n", "1"))
			opened, err := m.Open(t.Context(), testID, session.Writable)
			must(t, err)
			must(t, test.change(opened.Session()))
			if got, want := opened.Session().Changes().Any(), test.events > 0; got != want {
				t.Errorf("changes: %t, want %t", got, want)
			}
			must(t, opened.Commit(t.Context()))
			m.Close()
			if got := len(told) - 2; got != test.events { // it was started and committed before
				t.Errorf("told %d events, want %d: %v", got, test.events, told)
			}
		})
	}
}

// TestLocalCommitStoresNoNull: a null is none, to all programs that share the
// session.
func TestLocalCommitStoresNoNull(t *testing.T) {
	for _, renewed := range []bool{false, true} {
		m := newManager(t, newStore(t), session.ManagerOptions{})
		opened, err := m.Open(t.Context(), testID, session.Writable)
		must(t, err)
		if renewed {
			must(t, session.Renew(opened))
		}
		must(t, opened.Session().SetRaw("a", []byte(" null ")))
		must(t, opened.Session().SetRaw("b", []byte("1")))
		must(t, opened.Commit(t.Context()))
		item, err := m.Read(t.Context(), opened.Session().ID())
		must(t, err)
		if got := text(t, item.Data); got != "b=1" {
			t.Errorf("renewed %t: stored %s, want b=1", renewed, got)
		}
	}
}

// touchy is a codec that panics while it is armed.
type touchy struct {
	session.JSON
	armed *bool
}

func (c touchy) Marshal(v any) ([]byte, error) {
	if *c.armed {
		panic("the codec is touchy")
	}
	return c.JSON.Marshal(v)
}

// panics reports whether do panics.
func panics(do func()) (yes bool) {
	defer func() { yes = recover() != nil }()
	do()
	return false
}

func TestCommitThatPanicsHoldsNothing(t *testing.T) {
	armed := false
	codec := touchy{armed: &armed}
	k := session.NewKey[int]("count").WithCodec(codec).WithMutations(session.SaveMutations)
	began := session.NewKey[time.Time]("began").WithCodec(codec)
	for name, wrap := range map[string]func(session.Source) session.Source{
		"Manager":     func(s session.Source) session.Source { return s },
		"LockOnWrite": session.LockOnWrite,
		"EndAfter":    func(s session.Source) session.Source { return session.EndAfter(s, time.Hour, began) },
		"LockOnWrite, EndAfter": func(s session.Source) session.Source {
			return session.LockOnWrite(session.EndAfter(s, time.Hour, began))
		},
	} {
		for _, watched := range []bool{true, false} {
			armed = false
			m := newManager(t, newStore(t), session.ManagerOptions{})
			opened, err := wrap(m).Open(t.Context(), testID, session.Writable)
			must(t, err)
			if watched {
				must(t, k.Set(opened.Session(), 1))
			} else {
				must(t, count.Set(opened.Session(), 1))
			}
			armed = true
			panicked := panics(func() { err = opened.Commit(t.Context()) })
			armed = false
			if panicked {
				must(t, opened.Release(t.Context()))
				if err := opened.Commit(t.Context()); name == "Manager" && err == nil {
					t.Errorf("%s: a commit that panicked was none, says the next", name)
				}
			}
			if wants := watched || name == "EndAfter" || name == "LockOnWrite, EndAfter"; panicked != wants {
				t.Errorf("%s: panicked %t, want %t", name, panicked, wants)
			}
			nothingHeld(t, m)
		}
	}
}

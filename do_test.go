// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package session_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sessionbridge/session"
)

var unread = session.NewKey[int]("unread")

func addUnread(s *session.Session) error {
	return unread.Update(s, func(n *int) error { *n++; return nil })
}

// storeUnread makes a session with so many.
func storeUnread(t *testing.T, m *session.Manager, n int) {
	t.Helper()
	mustCommit(t, mustHold(t, m, 0), update(shop, "unread", fmt.Sprint(n)))
}

func TestDoChangesAStoredSession(t *testing.T) {
	m := newManager(t, newStore(t), session.ManagerOptions{})
	storeUnread(t, m, 0)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if err := session.Do(t.Context(), m, testID, addUnread); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got := stored(t, m); got != "unread=20" {
		t.Errorf("stored %s, want 20", got)
	}
	nothingHeld(t, m)
}

func TestDoBeginsNoSession(t *testing.T) {
	m := newManager(t, newStore(t), session.ManagerOptions{})
	for _, id := range []string{"", "junk", testID} {
		err := session.Do(t.Context(), m, id, func(*session.Session) error {
			t.Error("the function is called")
			return nil
		})
		if !errors.Is(err, session.ErrNotFound) {
			t.Errorf("%q: got %v, want ErrNotFound", id, err)
		}
	}
	nothingHeld(t, m)
	if got := stored(t, m); got != "" {
		t.Errorf("stored %s", got)
	}
}

// A session that ends before its first change is no other than one that has ended.
func TestDoWithALateLockBeginsNoSession(t *testing.T) {
	m := newManager(t, newStore(t), session.ManagerOptions{})
	storeUnread(t, m, 1)
	err := session.Do(t.Context(), session.LockOnWrite(m), testID, func(s *session.Session) error {
		end, err := m.Open(t.Context(), testID, session.Writable)
		must(t, err)
		must(t, end.Session().Abandon())
		must(t, end.Commit(t.Context()))
		return unread.Set(s, 5)
	})
	if got := storedAt(t, m, testID); !errors.Is(err, session.ErrNotFound) || got != "nothing" {
		t.Errorf("got %v, want ErrNotFound; stored %s", err, got)
	}
	nothingHeld(t, m)
}

func TestDoThatFailsStoresNothing(t *testing.T) {
	m := newManager(t, newStore(t), session.ManagerOptions{})
	storeUnread(t, m, 1)
	fail := errors.New("no")
	err := session.Do(t.Context(), m, testID, func(s *session.Session) error { return cmp.Or(addUnread(s), fail) })
	if err != fail {
		t.Errorf("got %v, want the function's error", err)
	}
	func() {
		defer func() {
			if got := recover(); got != "bug" {
				t.Errorf("recovered %v", got)
			}
		}()
		_ = session.Do(t.Context(), m, testID, func(s *session.Session) error {
			must(t, addUnread(s))
			panic("bug")
		})
	}()
	nothingHeld(t, m)
	if got := stored(t, m); got != "unread=1" {
		t.Errorf("stored %s, want 1", got)
	}
}

func TestDoCommitsThoughItsContextEnds(t *testing.T) {
	m := newManager(t, newStore(t), session.ManagerOptions{})
	storeUnread(t, m, 0)
	ctx, cancel := context.WithCancel(t.Context())
	var kept *session.Session
	must(t, session.Do(ctx, m, testID, func(s *session.Session) error {
		kept = s
		cancel()
		return addUnread(s)
	}))
	if got := stored(t, m); got != "unread=1" {
		t.Errorf("stored %s, want 1", got)
	}
	if err := addUnread(kept); err == nil {
		t.Error("the session can be changed after Do")
	}
}

// A failing source fails to open or to commit as often as it is told to.
type failing struct {
	session.Source
	open, commit error
	times, opens int
}

func (f *failing) Open(ctx context.Context, id string, mode session.Mode) (session.Opened, error) {
	f.opens++
	if f.open != nil && f.opens <= f.times {
		return nil, f.open
	}
	opened, err := f.Source.Open(ctx, id, mode)
	return &failingOpened{opened, f}, err
}

type failingOpened struct {
	session.Opened
	f *failing
}

func (o *failingOpened) Commit(ctx context.Context) error {
	if o.f.commit != nil && o.f.opens <= o.f.times {
		return errors.Join(o.f.commit, o.Release(ctx))
	}
	return o.Opened.Commit(ctx)
}

func TestDoTriesAgainWhatChangedNothing(t *testing.T) {
	busy, lost := &session.BusyError{Reason: "queue"}, &session.ConflictError{Keys: []string{"unread"}}
	for _, test := range []struct {
		name  string
		f     failing
		tries int
		err   error
		took  time.Duration
	}{
		{"busy once", failing{open: busy, times: 1}, 2, nil, 100 * time.Millisecond},
		{"busy for ever", failing{open: busy, times: 99}, 3, busy, 300 * time.Millisecond},
		{"lost once", failing{commit: lost, times: 1}, 2, nil, 100 * time.Millisecond},
		{"lost for ever", failing{commit: lost, times: 99}, 3, lost, 300 * time.Millisecond},
		{"unreachable", failing{open: session.ErrUnreachable, times: 1}, 1, session.ErrUnreachable, 0},
		{"unknown", failing{commit: session.ErrCommitUnknown, times: 1}, 1, session.ErrCommitUnknown, 0},
		{"lost, or unknown", failing{commit: errors.Join(session.ErrLockLost, session.ErrCommitUnknown), times: 1}, 1, session.ErrCommitUnknown, 0},
		{"full", failing{commit: session.ErrFull, times: 1}, 1, session.ErrFull, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newManager(t, newStore(t), session.ManagerOptions{})
				storeUnread(t, m, 0)
				test.f.Source = m
				start, calls := time.Now(), 0
				err := session.Do(t.Context(), &test.f, testID, func(s *session.Session) error {
					calls++
					return addUnread(s)
				})
				since(t, start, test.took)
				if !errors.Is(err, test.err) || test.f.opens != test.tries {
					t.Errorf("got %v after %d tries, want %v after %d", err, test.f.opens, test.err, test.tries)
				}
				if want := map[bool]string{true: "unread=1", false: "unread=0"}[test.err == nil]; stored(t, m) != want {
					t.Errorf("stored %s, want %s", stored(t, m), want)
				}
				nothingHeld(t, m)
			})
		})
	}
}

// A busyOnce source is too busy for the first that wants to write.
type busyOnce struct {
	session.Source
	busy bool
}

func (b *busyOnce) Open(ctx context.Context, id string, mode session.Mode) (session.Opened, error) {
	if mode == session.Writable && !b.busy {
		b.busy = true
		return nil, &session.BusyError{Reason: "queue"}
	}
	return b.Source.Open(ctx, id, mode)
}

func TestDoTriesAgainWhereTheLockIsTakenLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, newStore(t), session.ManagerOptions{})
		storeUnread(t, m, 0)
		must(t, session.Do(t.Context(), session.LockOnWrite(&busyOnce{Source: m}), testID, addUnread))
		if got := stored(t, m); got != "unread=1" {
			t.Errorf("stored %s, want 1", got)
		}
		nothingHeld(t, m)
	})
}

func TestDoWaitsNoLongerThanItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		f := &failing{open: &session.BusyError{Reason: "queue"}, times: 99}
		start := time.Now()
		var busy *session.BusyError
		if err := session.Do(ctx, f, testID, addUnread); !errors.As(err, &busy) {
			t.Errorf("got %v, want the error of the last try", err)
		}
		since(t, start, 50*time.Millisecond)
	})
}

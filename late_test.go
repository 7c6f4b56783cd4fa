// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package session_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sessionbridge/session"
)

// robbed returns two holds of a session that has n=1 and m=1: one that was lost
// to the other.
func robbed(t *testing.T, m *session.Manager) (slow, quick *session.Held) {
	t.Helper()
	mustCommit(t, mustHold(t, m, 0), update(shop, "n", "1", "m", "1"))
	slow = mustHold(t, m, 10*time.Second)
	return slow, mustHold(t, m, 10*time.Second)
}

// late begins a commit that will have to wait, and returns what becomes of it.
func late(t *testing.T, h *session.Held, u session.Update) (result func() error) {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- h.Commit(context.Background(), u) }()
	synctest.Wait()
	return func() error { return <-done }
}

// wantStored checks what a session is when all is over.
func wantStored(t *testing.T, m *session.Manager, want string) {
	t.Helper()
	if got := stored(t, m); got != want {
		t.Errorf("stored %q, want %q", got, want)
	}
	synctest.Wait() // a Manager that gives a hold up stands in the queue for that
	nothingHeld(t, m)
}

func TestLateCommitIsMerged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, newStore(t), session.ManagerOptions{})
		slow, quick := robbed(t, m)
		start := time.Now()
		result := late(t, slow, update(shop, "n", "7", "m", "1"))
		time.Sleep(3 * time.Second)
		mustCommit(t, quick, update(shop, "n", "1", "m", "2", "o", "3"))
		must(t, result())
		since(t, start, 3*time.Second)
		if standing, err := slow.Standing(t.Context()); standing != session.Committed || err != nil {
			t.Errorf("the hold that was committed late stands as %v, %v, want Committed", standing, err)
		}
		wantStored(t, m, "n=7 m=2 o=3")
		if got := m.Stats(); got.LateCommits != 1 || got.LateConflicts != 0 || got.Steals != 1 {
			t.Errorf("stats %+v", got)
		}
	})
}

func TestLateCommitOfWhatSomebodyElseChangedIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, newStore(t), session.ManagerOptions{})
		slow, quick := robbed(t, m)
		mustCommit(t, quick, update(shop, "n", "2", "m", "1"))
		err := slow.Commit(t.Context(), update(shop, "n", "2", "m", "7"))
		var conflict *session.ConflictError
		if !errors.As(err, &conflict) || !errors.Is(err, session.ErrLockLost) {
			t.Fatalf("got %v, want a ConflictError that is an ErrLockLost", err)
		}
		if diff := cmp.Diff([]string{"n"}, conflict.Keys); diff != "" {
			t.Error(diff)
		}
		if err := slow.Commit(t.Context(), update(shop, "n", "1", "m", "7")); !errors.Is(err, session.ErrLockLost) {
			t.Errorf("another commit got %v, want ErrLockLost", err)
		}
		must(t, slow.Release(t.Context()))
		wantStored(t, m, "n=2 m=1")
		if got := m.Stats(); got.LateCommits != 0 || got.LateConflicts != 1 {
			t.Errorf("stats %+v", got)
		}
	})
}

func TestKeysForWhichTheLastWinsDoNotConflict(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, newStore(t), session.ManagerOptions{LastWins: scope(t, "N")})
		slow, quick := robbed(t, m)
		mustCommit(t, quick, update(shop, "n", "2", "m", "1"))
		mustCommit(t, slow, update(shop, "n", "3", "m", "7"))
		wantStored(t, m, "n=3 m=7")
	})
}

func TestLateCommitsAreRefusedIfToldSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, newStore(t), session.ManagerOptions{RefuseLate: true})
		slow, quick := robbed(t, m)
		start := time.Now()
		if err := slow.Commit(t.Context(), update(shop, "n", "7", "m", "1")); !errors.Is(err, session.ErrLockLost) {
			t.Errorf("got %v, want ErrLockLost", err)
		}
		since(t, start, 0)
		must(t, slow.Release(t.Context()))
		mustCommit(t, quick, update(shop, "n", "1", "m", "2"))
		wantStored(t, m, "n=1 m=2")
	})
}

func TestLateCommitWithoutAChangeWaitsForNobody(t *testing.T) {
	for _, refuse := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			m := newManager(t, newStore(t), session.ManagerOptions{RefuseLate: refuse})
			slow, quick := robbed(t, m)
			start := time.Now()
			mustCommit(t, slow, update(shop, "n", "1", "m", "1"))
			since(t, start, 0)
			mustCommit(t, quick, update(shop, "n", "1", "m", "2"))
			wantStored(t, m, "n=1 m=2")
		})
	}
}

func TestLateCommitGoesBeforeWritersThatWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, newStore(t), session.ManagerOptions{})
		slow, quick := robbed(t, m)
		var waiting sync.WaitGroup
		for range 3 {
			waiting.Go(func() {
				h, err := m.Hold(t.Context(), session.HoldRequest{ID: testID, Client: shop.Name, Limit: 10 * time.Second})
				if err != nil {
					t.Error(err)
					return
				}
				if got := text(t, h.Item.Data); !strings.HasPrefix(got, "n=7 m=2") {
					t.Errorf("a writer that waited was sent %q, before the late commit", got)
				}
				time.Sleep(time.Second)
				if err := h.Release(t.Context()); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		result := late(t, slow, update(shop, "n", "7", "m", "1"))
		mustCommit(t, quick, update(shop, "n", "1", "m", "2"))
		must(t, result())
		waiting.Wait()
		wantStored(t, m, "n=7 m=2")
	})
}

func TestLateCommitsTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, newStore(t), session.ManagerOptions{})
		mustCommit(t, mustHold(t, m, 0), update(shop))
		keys := []string{"a", "b", "c", "d"}
		var slow []*session.Held
		for range keys {
			slow = append(slow, mustHold(t, m, 10*time.Second))
		}
		last := mustHold(t, m, 10*time.Second)
		var results []func() error
		for i, key := range keys {
			results = append(results, late(t, slow[i], update(shop, key, "1")))
		}
		mustCommit(t, last, update(shop, "z", "1"))
		for _, result := range results {
			must(t, result())
		}
		wantStored(t, m, "z=1 a=1 b=1 c=1 d=1")
	})
}

func TestLateCommitTakesASessionFromAHolderThatSaysNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, newStore(t), session.ManagerOptions{})
		slow, silent := robbed(t, m)
		start := time.Now()
		mustCommit(t, slow, update(shop, "n", "7", "m", "1"))
		since(t, start, 10*time.Second)
		if standing, err := silent.Standing(t.Context()); standing != session.Lost || err != nil {
			t.Errorf("the silent holder stands as %v, %v, want Lost", standing, err)
		}
		mustCommit(t, silent, update(shop, "n", "1", "m", "2")) // late in its turn
		wantStored(t, m, "n=7 m=2")
	})
}

func TestLateCommitThatCanNotBeMadeInTimeMayBeTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, newStore(t), session.ManagerOptions{LockWait: 20 * time.Second})
		mustCommit(t, mustHold(t, m, 0), update(shop, "n", "1"))
		slow := mustHold(t, m, 10*time.Second)
		quick := mustHold(t, m, time.Hour)
		var busy *session.BusyError
		if err := slow.Commit(t.Context(), update(shop, "n", "1", "m", "7")); !errors.As(err, &busy) {
			t.Fatalf("got %v, want a BusyError", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := slow.Commit(ctx, update(shop, "n", "1", "m", "7")); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("got %v, want the context's error", err)
		}
		mustCommit(t, quick, update(shop, "n", "2"))
		mustCommit(t, slow, update(shop, "n", "1", "m", "7"))
		wantStored(t, m, "n=2 m=7")
	})
}

func TestLateCommitOfANewSession(t *testing.T) {
	for _, test := range []struct {
		name string
		end  func(*testing.T, *session.Held)
		want string
	}{
		{"whose robber committed", func(t *testing.T, h *session.Held) { mustCommit(t, h, update(shop, "m", "1")) }, "m=1 n=7"},
		{"whose robber gave up", func(t *testing.T, h *session.Held) { must(t, h.Release(t.Context())) }, "n=7"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newManager(t, newStore(t), session.ManagerOptions{})
				slow := mustHold(t, m, 10*time.Second)
				test.end(t, mustHold(t, m, 10*time.Second))
				mustCommit(t, slow, update(shop, "n", "7"))
				wantStored(t, m, test.want)
			})
		})
	}
}

func TestRobbedHoldersOfANewSessionThatGiveUpLeaveNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore(t)
		m := newManager(t, store, session.ManagerOptions{})
		slow, quick := mustHold(t, m, 10*time.Second), mustHold(t, m, 10*time.Second)
		must(t, quick.Release(t.Context()))
		must(t, slow.Release(t.Context()))
		if store.Len() != 0 {
			t.Errorf("%d items are left", store.Len())
		}
		nothingHeld(t, m)
	})
}

func TestLateAbandonWins(t *testing.T) {
	for _, refuse := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			m := newManager(t, newStore(t), session.ManagerOptions{RefuseLate: refuse})
			slow, quick := robbed(t, m)
			start := time.Now()
			u := update(shop)
			u.Abandoned = true
			mustCommit(t, slow, u)
			since(t, start, 0)
			if err := quick.Commit(t.Context(), update(shop, "n", "2")); !errors.Is(err, session.ErrLockLost) {
				t.Errorf("the present holder's commit got %v, want ErrLockLost", err)
			}
			must(t, quick.Release(t.Context()))
			wantStored(t, m, "")
		})
	}
}

// A farStore is far away: its answers to late commits come after a while, and a
// session has not gone at once.
type farStore struct{ session.Store }

func (s farStore) Lock(ctx context.Context, id string, o session.LockOptions) (session.Item, error) {
	item, err := s.Store.Lock(ctx, id, o)
	if o.Hold.Late != 0 {
		time.Sleep(time.Second)
	}
	return item, err
}

func (s farStore) Delete(ctx context.Context, id string, token uint64) error {
	time.Sleep(time.Second)
	return s.Store.Delete(ctx, id, token)
}

// Who waits when a session is ended late gets the one that follows, not the one
// that is about to go.
func TestWriterThatWaitsOutlivesALateAbandon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, farStore{newStore(t)}, session.ManagerOptions{})
		slow, quick := robbed(t, m)
		next := make(chan *session.Held, 1)
		go func() { next <- mustHold(t, m, time.Hour) }()
		synctest.Wait()
		must(t, slow.Commit(t.Context(), session.Update{Client: shop, Abandoned: true}))
		h := <-next
		if !h.Item.New {
			t.Error("the session that has ended was given to who waited")
		}
		mustCommit(t, h, update(shop, "n", "9"))
		if err := quick.Commit(t.Context(), update(shop, "n", "5")); !errors.Is(err, session.ErrLockLost) {
			t.Errorf("got %v, want ErrLockLost", err)
		}
		must(t, quick.Release(t.Context()))
		wantStored(t, m, "n=9")
	})
}

func TestLateCommitToASessionThatHasEndedIsRefused(t *testing.T) {
	abandoned := update(shop)
	abandoned.Abandoned = true
	for _, test := range []struct {
		name string
		end  func(*testing.T, *session.Manager, *session.Held)
		u    session.Update
		want string
	}{
		{"abandoned", func(t *testing.T, _ *session.Manager, h *session.Held) { mustCommit(t, h, abandoned) }, update(shop, "n", "7"), ""},
		{"abandoned, an abandon", func(t *testing.T, _ *session.Manager, h *session.Held) { mustCommit(t, h, abandoned) }, abandoned, ""},
		{"expired", func(t *testing.T, _ *session.Manager, h *session.Held) {
			must(t, h.Release(t.Context()))
			time.Sleep(20 * time.Minute)
		}, update(shop, "n", "7"), ""},
		{"begun anew under the same id", func(t *testing.T, m *session.Manager, h *session.Held) {
			mustCommit(t, h, abandoned)
			mustCommit(t, mustHold(t, m, 0), update(shop, "o", "1"))
		}, update(shop, "n", "7"), "o=1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newManager(t, newStore(t), session.ManagerOptions{})
				slow, quick := robbed(t, m)
				test.end(t, m, quick)
				if err := slow.Commit(t.Context(), test.u); !errors.Is(err, session.ErrLockLost) {
					t.Errorf("got %v, want ErrLockLost", err)
				}
				must(t, slow.Release(t.Context()))
				wantStored(t, m, test.want)
			})
		})
	}
}

func TestLateCommitKeepsATimeoutThatOnlyTheOtherChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, newStore(t), session.ManagerOptions{})
		slow, quick := robbed(t, m)
		u := update(shop, "n", "1", "m", "1")
		u.Timeout = time.Hour
		mustCommit(t, quick, u)
		mustCommit(t, slow, update(shop, "n", "7", "m", "1"))
		item, err := m.Read(t.Context(), testID)
		must(t, err)
		if item.Timeout != time.Hour {
			t.Errorf("the timeout is %s, want 1h", item.Timeout)
		}
	})
}

// A lost hold's commit comes to another node, which knows what its exchange was
// sent from the store.
func TestLateCommitAtAnotherNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore(t)
		a := newManager(t, store, session.ManagerOptions{Node: "a"})
		b := newManager(t, store, session.ManagerOptions{Node: "b"})
		mustCommit(t, mustHold(t, a, 0), update(shop, "n", "1", "m", "1"))
		hold := func(m *session.Manager, trace string) *session.Held {
			h, err := m.Hold(t.Context(), session.HoldRequest{ID: testID, Client: shop.Name, Trace: trace, Detached: true, Limit: 50 * time.Second})
			must(t, err)
			return h
		}
		slow, quick := hold(a, "t1"), hold(b, "t2")
		mustCommit(t, quick, update(shop, "n", "1", "m", "2"))
		item, err := b.Find(t.Context(), testID, "t1", shop.Name)
		must(t, err)
		must(t, b.Commit(t.Context(), item, update(shop, "n", "7", "m", "1")))
		if _, err := b.Find(t.Context(), testID, "t1", shop.Name); !errors.Is(err, session.ErrLockLost) {
			t.Errorf("a second commit got %v, want ErrLockLost", err)
		}
		select {
		case <-slow.Changed():
		default:
			t.Error("the node that waits for this commit is not told of it")
		}
		if standing, err := slow.Standing(t.Context()); standing != session.Committed || err != nil {
			t.Errorf("it stands as %v, %v, want Committed", standing, err)
		}
		wantStored(t, a, "n=7 m=2")
		nothingHeld(t, b)
	})
}

// stallingStore lets a node stall between the grant of a hold and what it was
// for.
type stallingStore struct {
	session.Store
	stall func(item session.Item)
}

func (s *stallingStore) Lock(ctx context.Context, id string, o session.LockOptions) (session.Item, error) {
	item, err := s.Store.Lock(ctx, id, o)
	if err == nil && s.stall != nil && o.Hold.Late != 0 {
		stall := s.stall
		s.stall = nil
		stall(item)
	}
	return item, err
}

func TestLateCommitOutlivesAStallOfItsNode(t *testing.T) {
	for name, abandon := range map[string]bool{"commit": false, "abandon": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := &stallingStore{Store: newStore(t)}
				m := newManager(t, store, session.ManagerOptions{})
				slow, quick := robbed(t, m)
				mustCommit(t, quick, update(shop, "n", "1", "m", "2"))
				store.stall = func(item session.Item) {
					_, err := store.Store.Lock(t.Context(), testID, session.LockOptions{Steal: item.Hold.Token})
					must(t, err)
					got, err := store.Get(t.Context(), testID, session.GetOptions{})
					must(t, err)
					must(t, store.Unlock(t.Context(), testID, got.Hold.Token, session.UnlockOptions{}))
				}
				u, want := update(shop, "n", "7", "m", "1"), "n=7 m=2"
				if abandon {
					u.Abandoned, want = true, ""
				}
				mustCommit(t, slow, u)
				wantStored(t, m, want)
			})
		})
	}
}

func TestLimitIsATenthAfterTwoLosses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, newStore(t), session.ManagerOptions{})
		mustCommit(t, mustHold(t, m, 0), update(shop, "n", "1"))
		start := time.Now()
		waits := func(want ...time.Duration) (last *session.Held) {
			t.Helper()
			for _, w := range want {
				start = time.Now()
				last = mustHold(t, m, 10*time.Second)
				since(t, start, w)
			}
			return last
		}
		last := waits(0, 10*time.Second, 10*time.Second, time.Second, time.Second)
		start = time.Now()
		time.Sleep(1500 * time.Millisecond)
		if _, err := m.Read(t.Context(), testID); err != nil { // a reader does not wait for it any more
			t.Fatal(err)
		}
		since(t, start, 1500*time.Millisecond)
		mustCommit(t, last, update(shop, "n", "2"))
		waits(0, 10*time.Second, 10*time.Second, time.Second)
	})
}

func TestReleaseDoesNotEndTheTenth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, newStore(t), session.ManagerOptions{})
		mustCommit(t, mustHold(t, m, 0), update(shop, "n", "1"))
		for range 3 {
			mustHold(t, m, 10*time.Second)
		}
		must(t, mustHold(t, m, 10*time.Second).Release(t.Context()))
		mustHold(t, m, 10*time.Second)
		start := time.Now()
		mustHold(t, m, 10*time.Second)
		since(t, start, time.Second)
	})
}

func TestLateCommitEndsTheTenth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, newStore(t), session.ManagerOptions{})
		mustCommit(t, mustHold(t, m, 0), update(shop, "n", "1"))
		slow := mustHold(t, m, 10*time.Second)
		mustHold(t, m, 10*time.Second)
		must(t, mustHold(t, m, 10*time.Second).Release(t.Context()))
		mustCommit(t, slow, update(shop, "n", "2"))
		mustHold(t, m, 10*time.Second)
		start := time.Now()
		mustHold(t, m, 10*time.Second)
		since(t, start, 10*time.Second)
	})
}

func TestLateAbandonIsLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		m := newManager(t, newStore(t), session.ManagerOptions{Logger: slog.New(slog.NewTextHandler(&log, nil))})
		slow, _ := robbed(t, m)
		mustCommit(t, slow, session.Update{Client: shop, Abandoned: true})
		if got := log.String(); !strings.Contains(got, "ended by a page that had lost its hold") || strings.Contains(got, testID) {
			t.Errorf("the log says %q", got)
		}
	})
}

// A weakStore, while it is weak, does not hear how the hold of a late commit ends.
type weakStore struct {
	session.Store
	weak, cut bool
}

func (s *weakStore) Lock(ctx context.Context, id string, o session.LockOptions) (session.Item, error) {
	s.cut = s.weak && o.Hold.Late != 0
	return s.Store.Lock(ctx, id, o)
}

func (s *weakStore) Put(ctx context.Context, id string, token uint64, data []byte, o session.PutOptions) error {
	if s.cut {
		return errCut
	}
	return s.Store.Put(ctx, id, token, data, o)
}

func (s *weakStore) Unlock(ctx context.Context, id string, token uint64, o session.UnlockOptions) error {
	if s.cut {
		return errCut
	}
	return s.Store.Unlock(ctx, id, token, o)
}

// The momentary hold of a late commit may be lost like any other. It is no open
// exchange: only the one that it was taken for is.
func TestLateCommitThatLostItsMomentaryHoldIsFoundAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &weakStore{Store: newStore(t), weak: true}
		m := newManager(t, store, session.ManagerOptions{})
		mustCommit(t, mustHold(t, m, 0), update(shop, "n", "1", "m", "1"))
		slow, err := m.Hold(t.Context(), session.HoldRequest{ID: testID, Client: shop.Name, Trace: "a", Detached: true, Limit: 10 * time.Second})
		must(t, err)
		mustCommit(t, mustHold(t, m, 10*time.Second), update(shop, "n", "2", "m", "1"))
		put := func() error {
			item, err := m.Find(t.Context(), testID, "a", shop.Name)
			if err != nil {
				return err
			}
			return m.Commit(t.Context(), item, update(shop, "n", "1", "m", "7"))
		}
		if err := put(); !errors.Is(err, session.ErrCommitUnknown) {
			t.Fatalf("got %v, want ErrCommitUnknown", err)
		}
		mustCommit(t, mustHold(t, m, 0), update(shop, "n", "3", "m", "1")) // takes the momentary hold away
		store.weak = false
		must(t, put())
		must(t, slow.Release(t.Context()))
		wantStored(t, m, "n=3 m=7")
	})
}

func TestRefusedLateCommitLogsNoRemoval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		m := newManager(t, newStore(t), session.ManagerOptions{Logger: slog.New(slog.NewTextHandler(&log, nil))})
		slow, quick := robbed(t, m)
		mustCommit(t, quick, update(shop, "n", "2", "m", "1"))
		if err := slow.Commit(t.Context(), update(shop, "n", "3", "m", "")); err == nil {
			t.Fatal("want a conflict")
		}
		if strings.Contains(log.String(), "keys were removed") {
			t.Errorf("nothing was stored, but the log says:\n%s", log.String())
		}
		must(t, slow.Release(t.Context()))
		wantStored(t, m, "n=2 m=1")
	})
}

func TestLateCommitIsLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		m := newManager(t, newStore(t), session.ManagerOptions{Logger: slog.New(slog.NewTextHandler(&log, nil))})
		slow, quick := robbed(t, m)
		mustCommit(t, quick, update(shop, "n", "2", "m", "1"))
		must(t, slow.Commit(t.Context(), update(shop, "n", "1", "m", "")))
		if n := strings.Count(log.String(), "keys were removed"); n != 1 {
			t.Errorf("logged %d times", n)
		}
	})
}

// A hold that was left to a commit which fails does not stay.
func TestFailedLateCommitOfAnExchangeThatHasEndedLeavesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore(t)
		m := newManager(t, store, session.ManagerOptions{LockWait: 20 * time.Second})
		slow, quick := robbed(t, m)
		other := newManager(t, store, session.ManagerOptions{})
		must(t, quick.Release(t.Context()))
		quick = mustHold(t, other, time.Hour)
		result := late(t, slow, update(shop, "n", "1", "m", "7"))
		must(t, slow.Release(t.Context()))
		var busy *session.BusyError
		if err := result(); !errors.As(err, &busy) {
			t.Errorf("got %v, want a BusyError", err)
		}
		item, err := store.Get(t.Context(), testID, session.GetOptions{})
		must(t, err)
		if len(item.Lost) != 0 {
			t.Errorf("the lost holds are %v, want none", item.Lost)
		}
		must(t, quick.Release(t.Context()))
	})
}

// The connection of a GET may break while its PUT, which has arrived whole, waits.
func TestLateCommitOutlivesItsExchange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, newStore(t), session.ManagerOptions{})
		slow, quick := robbed(t, m)
		item := slow.Item
		done := make(chan error, 1)
		go func() { done <- m.Commit(t.Context(), item, update(shop, "n", "7", "m", "1")) }()
		synctest.Wait()
		time.Sleep(time.Second)
		must(t, slow.Release(t.Context())) // the GET's connection broke
		mustCommit(t, quick, update(shop, "n", "1", "m", "2"))
		if err := <-done; err != nil {
			t.Error(err)
		}
		if got := stored(t, m); got != "n=7 m=2" {
			t.Errorf("stored %q", got)
		}
	})
}

// A slowStore takes its time to store.
type slowStore struct {
	session.Store
	takes time.Duration
}

func (s *slowStore) Put(ctx context.Context, id string, token uint64, data []byte, o session.PutOptions) error {
	time.Sleep(s.takes)
	return s.Store.Put(ctx, id, token, data, o)
}

// A hold whose commit is under way is not free for the taking, though its exchange
// has ended.
func TestHoldIsNotTakenFromItsCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, &slowStore{newStore(t), time.Second}, session.ManagerOptions{})
		mustCommit(t, mustHold(t, m, 0), update(shop, "n", "0"))
		h := mustHold(t, m, time.Hour)
		done := make(chan error, 1)
		go func() { done <- m.Commit(t.Context(), h.Item, update(shop, "n", "1")) }()
		synctest.Wait()
		must(t, h.Release(t.Context())) // the GET's connection broke
		next := mustHold(t, m, time.Hour)
		if got := text(t, next.Item.Data); got != "n=1" {
			t.Errorf("the next one was sent %q, want n=1", got)
		}
		must(t, next.Release(t.Context()))
		if err := <-done; err != nil {
			t.Error(err)
		}
		if n := m.Stats().Steals; n != 0 {
			t.Errorf("%d holds were taken, want none", n)
		}
	})
}

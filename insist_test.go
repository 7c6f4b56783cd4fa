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

	"github.com/sessionbridge/session"
)

var errCut = errors.New("connection cut")

// A cutStore is one behind a network. While it is cut, a call may be done or
// not, but is not answered.
type cutStore struct {
	session.Store
	stall time.Duration // how long a call hangs before it fails

	mu    sync.Mutex
	isCut bool
	done  bool      // the first call while it is cut is done all the same
	until time.Time // when the network is back; zero: after one call
}

// cut cuts the network for a time, or for one call if that is 0.
func (s *cutStore) cut(done bool, away time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.isCut, s.done, s.until = true, done, time.Time{}
	if away > 0 {
		s.until = time.Now().Add(away)
	}
}

// answers reports whether a call is answered, and whether it is done.
func (s *cutStore) answers() (answered, done bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.isCut || !s.until.IsZero() && time.Now().After(s.until) {
		s.isCut = false
		return true, true
	}
	s.isCut, done = !s.until.IsZero(), s.done
	s.done = false
	return false, done
}

func (s *cutStore) call(do func() error) error {
	answered, done := s.answers()
	var err error
	if done {
		err = do()
	}
	if answered {
		return err
	}
	time.Sleep(s.stall)
	return errCut
}

func (s *cutStore) Get(ctx context.Context, id string, o session.GetOptions) (item session.Item, err error) {
	err = s.call(func() error { item, err = s.Store.Get(ctx, id, o); return err })
	return item, err
}

func (s *cutStore) Lock(ctx context.Context, id string, o session.LockOptions) (item session.Item, err error) {
	err = s.call(func() error { item, err = s.Store.Lock(ctx, id, o); return err })
	return item, err
}

func (s *cutStore) Put(ctx context.Context, id string, token uint64, data []byte, o session.PutOptions) error {
	return s.call(func() error { return s.Store.Put(ctx, id, token, data, o) })
}

func (s *cutStore) Unlock(ctx context.Context, id string, token uint64, o session.UnlockOptions) error {
	return s.call(func() error { return s.Store.Unlock(ctx, id, token, o) })
}

func (s *cutStore) Delete(ctx context.Context, id string, token uint64) error {
	return s.call(func() error { return s.Store.Delete(ctx, id, token) })
}

func (s *cutStore) Beat(ctx context.Context, node string, ttl time.Duration) (live []string, err error) {
	err = s.call(func() error { live, err = s.Store.Beat(ctx, node, ttl); return err })
	return live, err
}

func TestCommitWhoseAnswerIsLostIsFoundOut(t *testing.T) {
	abandoned := update(shop)
	abandoned.Abandoned = true
	for _, test := range []struct {
		name string
		u    session.Update
		want string
	}{
		{"changed", update(shop, "n", "2"), "n=2"},
		{"unchanged", update(shop, "n", "1"), "n=1"},
		{"abandoned", abandoned, ""},
	} {
		for name, done := range map[string]bool{"done": true, "not done": false} {
			for _, away := range []time.Duration{0, 10 * time.Second} {
				t.Run(test.name+" "+name+" "+away.String(), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						store := &cutStore{Store: newStore(t)}
						m := newManager(t, store, session.ManagerOptions{})
						mustCommit(t, mustHold(t, m, 0), update(shop, "n", "1"))
						h := mustHold(t, m, 0)
						store.cut(done, away)
						start := time.Now()
						mustCommit(t, h, test.u)
						if took := time.Since(start); took < away || took > away+2*time.Second {
							t.Errorf("it took %s", took)
						}
						wantStored(t, m, test.want)
					})
				})
			}
		}
	}
}

// A damagedStore can't read what a commit needs. It may not answer the first one,
// and then tell what holds there are.
type damagedStore struct {
	session.Store
	silent, tells bool
	puts          int
}

func (s *damagedStore) Put(context.Context, string, uint64, []byte, session.PutOptions) error {
	if s.puts++; s.silent && s.puts == 1 {
		return errCut
	}
	return session.ErrDamaged
}

func (s *damagedStore) Get(ctx context.Context, id string, o session.GetOptions) (session.Item, error) {
	if s.puts > 0 && !s.tells {
		return session.Item{}, session.ErrDamaged
	}
	return s.Store.Get(ctx, id, o)
}

// That a session can't be read is an answer: the store is not asked again. But
// what came of a commit that it did not answer is then never known.
func TestCommitToADamagedStore(t *testing.T) {
	for _, store := range []damagedStore{{}, {silent: true}, {silent: true, tells: true}} {
		synctest.Test(t, func(t *testing.T) {
			store.Store = newStore(t)
			m := newManager(t, &store, session.ManagerOptions{})
			h := mustHold(t, m, 0)
			start := time.Now()
			err := h.Commit(t.Context(), update(shop, "n", "1"))
			if !errors.Is(err, session.ErrDamaged) || errors.Is(err, session.ErrCommitUnknown) != store.silent || time.Since(start) > time.Second {
				t.Errorf("the store %+v: the commit fails after %s with %v", store, time.Since(start), err)
			}
		})
	}
}

// A lateStore answers its first commit with an error, and does it only when it
// is asked again, just before that.
type lateStore struct {
	session.Store
	late func()
}

func (s *lateStore) call(do func() error) error {
	if s.late == nil {
		s.late = func() { do() }
		return errCut
	}
	s.late()
	return do()
}

func (s *lateStore) Put(ctx context.Context, id string, token uint64, data []byte, o session.PutOptions) error {
	data = bytes.Clone(data)
	return s.call(func() error { return s.Store.Put(context.WithoutCancel(ctx), id, token, data, o) })
}

func (s *lateStore) Unlock(ctx context.Context, id string, token uint64, o session.UnlockOptions) error {
	return s.call(func() error { return s.Store.Unlock(context.WithoutCancel(ctx), id, token, o) })
}

func (s *lateStore) Delete(ctx context.Context, id string, token uint64) error {
	return s.call(func() error { return s.Store.Delete(context.WithoutCancel(ctx), id, token) })
}

func TestCommitThatIsDoneJustBeforeItIsAskedForAgain(t *testing.T) {
	abandoned := update(shop)
	abandoned.Abandoned = true
	for name, test := range map[string]struct {
		u    session.Update
		lost bool
		want string
	}{
		"changed":                {update(shop, "n", "2"), false, "n=2"},
		"unchanged":              {update(shop, "n", "1"), false, "n=1"},
		"unchanged and lost":     {update(shop, "n", "1"), true, "n=7"},
		"abandoned":              {abandoned, false, ""},
		"changed, with no hold":  {update(shop, "n", "1", "m", "2"), true, "n=7 m=2"},
		"abandoned, and no hold": {abandoned, true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				inner := newStore(t)
				other := newManager(t, inner, session.ManagerOptions{})
				mustCommit(t, mustHold(t, other, 0), update(shop, "n", "1"))
				m := newManager(t, &lateStore{Store: inner}, session.ManagerOptions{})
				h := mustHold(t, m, time.Second)
				if test.lost {
					mustCommit(t, mustHold(t, other, 0), update(shop, "n", "7"))
				}
				mustCommit(t, h, test.u)
				wantStored(t, other, test.want)
			})
		})
	}
}

func TestCommitThatTheStoreNeverAnswersIsUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &cutStore{Store: newStore(t), stall: 2 * time.Second}
		m := newManager(t, store, session.ManagerOptions{})
		mustCommit(t, mustHold(t, m, 0), update(shop, "n", "1"))
		h := mustHold(t, m, 0)
		store.cut(false, 2*time.Minute)
		start := time.Now()
		err := h.Commit(t.Context(), update(shop, "n", "2"))
		if !errors.Is(err, session.ErrCommitUnknown) || !errors.Is(err, errCut) {
			t.Errorf("got %v, want ErrCommitUnknown and its cause", err)
		}
		if took := time.Since(start); took < 30*time.Second || took > 40*time.Second {
			t.Errorf("it took %s, want 30 s or little more", took)
		}
		h.Release(t.Context())
		time.Sleep(3 * time.Minute) // the store is back, and nobody holds the session
		start = time.Now()
		must(t, mustHold(t, m, 0).Release(t.Context()))
		since(t, start, 0)
		wantStored(t, m, "n=1")
	})
}

// Others take the session over and commit while the store is away: what they
// stored stays, and the commit is merged or refused like any late one.
func TestCommitDuringWhichTheSessionIsTakenOver(t *testing.T) {
	for name, test := range map[string]struct {
		u        session.Update
		conflict bool
		want     string
	}{
		"merged":   {update(shop, "n", "1", "m", "7"), false, "n=2 m=7"},
		"conflict": {update(shop, "n", "7"), true, "n=2"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				inner := newStore(t)
				store := &cutStore{Store: inner}
				cut := newManager(t, store, session.ManagerOptions{})
				other := newManager(t, inner, session.ManagerOptions{})
				mustCommit(t, mustHold(t, cut, 0), update(shop, "n", "1"))
				h := mustHold(t, cut, time.Second)
				store.cut(false, 20*time.Second)
				result := late(t, h, test.u)
				mustCommit(t, mustHold(t, other, 0), update(shop, "n", "2"))
				var conflict *session.ConflictError
				if err := result(); errors.As(err, &conflict) != test.conflict || !test.conflict && err != nil {
					t.Errorf("got %v", err)
				}
				must(t, h.Release(t.Context()))
				wantStored(t, other, test.want)
			})
		})
	}
}

func TestHoldWhoseAnswerIsLostIsNotHeldForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := newStore(t)
		store := &cutStore{Store: inner}
		m := newManager(t, store, session.ManagerOptions{})
		other := newManager(t, inner, session.ManagerOptions{})
		mustCommit(t, mustHold(t, m, 0), update(shop, "n", "1"))
		lose := func() {
			t.Helper()
			store.cut(true, 0)
			if _, err := m.Hold(t.Context(), session.HoldRequest{ID: testID, Client: shop.Name}); !errors.Is(err, errCut) {
				t.Fatalf("got %v, want the store's error", err)
			}
		}
		lose()
		start := time.Now()
		must(t, mustHold(t, m, 0).Release(t.Context())) // the next writer of this node need not wait
		since(t, start, 0)
		lose()
		start = time.Now()
		must(t, mustHold(t, other, 0).Release(t.Context()))
		if took := time.Since(start); took > 6*time.Second {
			t.Errorf("a writer of another node waited for %s", took)
		}
		wantStored(t, m, "n=1")
	})
}

// TestReleaseThatIsNotAnsweredLeavesAnOpenExchange gives up a hold whose page may
// still commit, and the store does not hear of it. The commit is not taken for that
// of another page, whose session was another one: it would overwrite what was stored
// since.
func TestReleaseThatIsNotAnsweredLeavesAnOpenExchange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &cutStore{Store: newStore(t)}
		m := newManager(t, store, session.ManagerOptions{})
		get := session.HoldRequest{ID: testID, Client: shop.Name, Detached: true, Limit: time.Second}
		_, err := m.Hold(t.Context(), get)
		must(t, err)
		time.Sleep(2 * time.Second)
		mustCommit(t, mustHold(t, m, 0), update(shop, "n", "1")) // the first page has lost its hold
		get.Limit = time.Minute
		given, err := m.Hold(t.Context(), get)
		must(t, err)
		store.cut(false, 0)
		if err := given.Release(t.Context()); !errors.Is(err, errCut) {
			t.Fatalf("got %v, want the store's error", err)
		}
		mustCommit(t, mustHold(t, m, 0), update(shop, "n", "2"))
		var ambiguous *session.AmbiguousError
		if item, err := m.Find(t.Context(), testID, "", shop.Name); !errors.As(err, &ambiguous) || ambiguous.Open != 2 {
			t.Errorf("the commit is taken for that of %+v, error %v", item.Hold, err)
		}
	})
}

// A heldBackStore does its first Lock long after its caller has given it up, as
// when a network keeps back what was sent over one of several connections.
type heldBackStore struct {
	session.Store
	by   time.Duration
	done bool
}

func (s *heldBackStore) Lock(ctx context.Context, id string, o session.LockOptions) (session.Item, error) {
	if s.done {
		return s.Store.Lock(ctx, id, o)
	}
	s.done = true
	time.AfterFunc(s.by, func() { _, _ = s.Store.Lock(context.WithoutCancel(ctx), id, o) })
	return session.Item{}, errCut
}

func TestHoldThatIsGrantedToNobodyIsEnded(t *testing.T) {
	for _, by := range []time.Duration{3 * time.Second, 12 * time.Second, 50 * time.Second} {
		t.Run(by.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				inner := newStore(t)
				m := newManager(t, &heldBackStore{Store: inner, by: by}, session.ManagerOptions{})
				other := newManager(t, inner, session.ManagerOptions{})
				if _, err := m.Hold(t.Context(), session.HoldRequest{ID: testID, Client: shop.Name}); !errors.Is(err, errCut) {
					t.Fatalf("got %v, want the store's error", err)
				}
				time.Sleep(by + time.Second)
				start := time.Now()
				must(t, mustHold(t, other, 0).Release(t.Context()))
				if took := time.Since(start); took > max(5*time.Second, by) {
					t.Errorf("a writer of another node waited for %s", took)
				}
			})
		})
	}
}

// A tardyStore takes a while for each Get.
type tardyStore struct {
	*cutStore
	takes time.Duration
}

func (s *tardyStore) Get(ctx context.Context, id string, o session.GetOptions) (session.Item, error) {
	time.Sleep(s.takes)
	return s.cutStore.Get(ctx, id, o)
}

func TestNodeBeatsWhileItLooksForHoldsOfNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := newStore(t)
		store := &cutStore{Store: inner}
		m := newManager(t, &tardyStore{store, 5 * time.Millisecond}, session.ManagerOptions{})
		other := newManager(t, inner, session.ManagerOptions{LockWait: 50 * time.Second})
		h := mustHold(t, m, 0)
		store.cut(false, time.Second)
		for range 5000 {
			if _, err := m.Hold(t.Context(), session.HoldRequest{}); !errors.Is(err, errCut) {
				t.Fatalf("got %v, want the store's error", err)
			}
		}
		var busy *session.BusyError
		if _, err := other.Hold(t.Context(), session.HoldRequest{ID: testID}); !errors.As(err, &busy) {
			t.Errorf("got %v, want a *BusyError: the holder is alive", err)
		}
		must(t, h.Release(t.Context()))
	})
}

// TestNodesThatCouldNotBeatAreNotTakenForDead has a store that was away from both
// nodes, and that hears one of them first.
func TestNodesThatCouldNotBeatAreNotTakenForDead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &cutStore{Store: newStore(t)}
		m := newManager(t, store, session.ManagerOptions{})
		h := mustHold(t, m, 0)
		time.Sleep(2 * time.Second)
		other := newManager(t, store, session.ManagerOptions{LockWait: 20 * time.Second})
		const away = 30 * time.Second
		store.cut(false, away)
		time.Sleep(away + 50*time.Millisecond)
		var busy *session.BusyError
		if _, err := other.Hold(t.Context(), session.HoldRequest{ID: testID}); !errors.As(err, &busy) {
			t.Errorf("got %v, want a *BusyError: the holder is alive", err)
		}
		mustCommit(t, h, update(shop, "n", "1"))
		if n := other.Stats().Steals; n != 0 {
			t.Errorf("%d steals, want none", n)
		}

		time.Sleep(15 * time.Second) // from here on a node that does not beat is dead again
		mustHold(t, m, 0)
		m.Close()
		time.Sleep(15 * time.Second)
		start := time.Now()
		must(t, mustHold(t, other, 0).Release(t.Context()))
		since(t, start, 0)
	})
}

func TestReleaseThatTheStoreDoesNotAnswerIsMadeUpFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := newStore(t)
		store := &cutStore{Store: inner}
		m := newManager(t, store, session.ManagerOptions{})
		other := newManager(t, inner, session.ManagerOptions{})
		h := mustHold(t, m, 0)
		store.cut(false, 8*time.Second)
		if err := h.Release(t.Context()); !errors.Is(err, errCut) {
			t.Errorf("got %v, want the store's error", err)
		}
		start := time.Now()
		must(t, mustHold(t, other, 0).Release(t.Context()))
		if took := time.Since(start); took > 14*time.Second {
			t.Errorf("a writer of another node waited for %s", took)
		}
	})
}

func TestPageIsToldThatItsCommitIsUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &cutStore{Store: newStore(t)}
		m := newManager(t, store, session.ManagerOptions{})
		opened, err := m.Open(t.Context(), testID, session.Writable)
		must(t, err)
		must(t, count.Set(opened.Session(), 1))
		store.cut(true, time.Minute)
		if err := opened.Commit(t.Context()); !errors.Is(err, session.ErrCommitUnknown) {
			t.Errorf("got %v, want ErrCommitUnknown", err)
		}
		time.Sleep(time.Minute)
		wantStored(t, m, "count=1")
	})
}

// When the store hangs, those who wait for one session are sent away together, not
// one after the other; a late commit tries for itself.
func TestWritersOfASessionDoNotWaitForTheStoreInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := newStore(t)
		store := &cutStore{Store: inner, stall: 5 * time.Second}
		m := newManager(t, store, session.ManagerOptions{})
		mustCommit(t, mustHold(t, m, 0), update(shop, "n", "1"))
		slow := mustHold(t, m, time.Second)
		other := newManager(t, inner, session.ManagerOptions{})
		quick := mustHold(t, other, 0)
		store.cut(false, 8*time.Second)
		start := time.Now()
		var writers sync.WaitGroup
		for range 10 {
			writers.Go(func() {
				if _, err := m.Hold(t.Context(), session.HoldRequest{ID: testID, Client: "shop"}); !errors.Is(err, errCut) {
					t.Errorf("got %v, want the store's error", err)
				}
				if took := time.Since(start); took > 11*time.Second {
					t.Errorf("it took %s", took)
				}
			})
		}
		synctest.Wait()
		result := late(t, slow, update(shop, "n", "1", "m", "7"))
		writers.Wait()
		mustCommit(t, quick, update(shop, "n", "2"))
		if err := result(); err != nil {
			t.Errorf("the late commit: %v", err)
		}
		wantStored(t, other, "n=2 m=7")
		if got := m.Stats(); got.Waiters != 0 || got.Holds != 0 {
			t.Errorf("left: %+v", got)
		}
	})
}

func TestLogTellsThatTheStoreIsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &cutStore{Store: newStore(t)}
		var log bytes.Buffer
		newManager(t, store, session.ManagerOptions{Logger: slog.New(slog.NewTextHandler(&log, nil))})
		store.cut(false, 22*time.Second)
		time.Sleep(time.Minute)
		synctest.Wait()
		said := log.String()
		if n := strings.Count(said, "does not hear this node"); n < 3 || n > 5 {
			t.Errorf("the log tells %d times that the store is away:\n%s", n, said)
		}
		if strings.Count(said, "hears this node again") != 1 || !strings.Contains(said, "after=20s") {
			t.Errorf("the log does not tell once that the store is back:\n%s", said)
		}
	})
}

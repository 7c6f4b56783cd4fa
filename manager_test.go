// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package session_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/memstore"
	"github.com/sessionbridge/session/wire"
)

const testID = "x5b3ijpyk0sh4ml2l4v5ydgf"

func newStore(t *testing.T) *memstore.Store {
	t.Helper()
	store, err := memstore.New(memstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

func newManager(t *testing.T, store session.Store, o session.ManagerOptions) *session.Manager {
	t.Helper()
	if o.Logger == nil {
		o.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
	}
	m, err := session.OpenManager(t.Context(), store, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return m
}

// items returns the items form of keys and values in turn.
func items(keysAndValues ...string) []byte {
	var list []wire.Item
	for i := 0; i < len(keysAndValues); i += 2 {
		list = append(list, wire.Item{Key: keysAndValues[i], Value: []byte(keysAndValues[i+1])})
	}
	return wire.AppendItems(nil, list, nil)
}

// text returns an items form as key=value pairs.
func text(t *testing.T, data []byte) string {
	t.Helper()
	list, _, err := wire.DecodeItems(data, wire.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	var pairs []string
	for _, item := range list {
		pairs = append(pairs, item.Key+"="+string(item.Value))
	}
	return strings.Join(pairs, " ")
}

func update(client session.Client, keysAndValues ...string) session.Update {
	return session.Update{Client: client, Items: items(keysAndValues...), Timeout: 20 * time.Minute}
}

var shop = session.Client{Name: "shop", Replace: true}

func mustHold(t *testing.T, m *session.Manager, limit time.Duration) *session.Held {
	t.Helper()
	h, err := m.Hold(t.Context(), session.HoldRequest{ID: testID, Client: shop.Name, Limit: limit})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Release(context.Background()) })
	return h
}

func mustCommit(t *testing.T, h *session.Held, u session.Update) {
	t.Helper()
	if err := h.Commit(t.Context(), u); err != nil {
		t.Fatal(err)
	}
}

func stored(t *testing.T, m *session.Manager) string {
	t.Helper()
	item, err := m.Read(t.Context(), testID)
	if err != nil {
		t.Fatal(err)
	}
	return text(t, item.Data)
}

// since fails unless exactly d has passed in the bubble.
func since(t *testing.T, start time.Time, d time.Duration) {
	t.Helper()
	if got := time.Since(start); got != d {
		t.Errorf("it took %s, want %s", got, d)
	}
}

func nothingHeld(t *testing.T, m *session.Manager) {
	t.Helper()
	if s := m.Stats(); s.Holds != 0 || s.Waiters != 0 {
		t.Errorf("%d holds and %d waiters are left, want none", s.Holds, s.Waiters)
	}
}

func TestWritersTakeTurnsInTheOrderTheyCame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, newStore(t), session.ManagerOptions{})
		first := mustHold(t, m, 0)
		var order []int
		var writers sync.WaitGroup
		for i := range 5 {
			writers.Go(func() {
				h, err := m.Hold(t.Context(), session.HoldRequest{ID: testID, Client: shop.Name})
				if err != nil {
					t.Error(err)
					return
				}
				order = append(order, i) // one writer at a time, so no lock
				time.Sleep(time.Second)
				if err := h.Commit(t.Context(), update(shop, "n", fmt.Sprint(i))); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		if got := m.Stats().Waiters; got != 5 {
			t.Errorf("%d writers wait, want 5", got)
		}
		start := time.Now()
		mustCommit(t, first, update(shop, "n", "0"))
		writers.Wait()
		since(t, start, 5*time.Second)
		if want := []int{0, 1, 2, 3, 4}; !cmp.Equal(order, want) {
			t.Errorf("order %v, want %v", order, want)
		}
		if got := stored(t, m); got != "n=4" {
			t.Errorf("stored %q, want what the last writer committed", got)
		}
		nothingHeld(t, m)
	})
}

func TestWaiterWhoLeavesLetsTheNextOneGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, newStore(t), session.ManagerOptions{})
		first := mustHold(t, m, 0)
		cause := errors.New("the browser went away")
		ctx, leave := context.WithCancelCause(t.Context())
		var writers sync.WaitGroup
		writers.Go(func() {
			if _, err := m.Hold(ctx, session.HoldRequest{ID: testID}); !errors.Is(err, cause) {
				t.Errorf("the writer that left got %v, want %v", err, cause)
			}
		})
		synctest.Wait()
		for range 2 {
			writers.Go(func() {
				h, err := m.Hold(t.Context(), session.HoldRequest{ID: testID})
				if err != nil {
					t.Error(err)
					return
				}
				h.Release(t.Context())
			})
			synctest.Wait()
		}
		leave(cause)
		synctest.Wait()
		if got := m.Stats().Waiters; got != 2 {
			t.Errorf("%d writers wait, want 2", got)
		}
		first.Release(t.Context())
		writers.Wait()
		nothingHeld(t, m)
	})
}

func TestWriterThatIsNotLetInIsToldWhoHasTheSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, newStore(t), session.ManagerOptions{Node: "node-1"})
		held, err := m.Hold(t.Context(), session.HoldRequest{ID: testID, Client: "reports"})
		must(t, err)
		time.Sleep(time.Second)
		_, err = m.Hold(t.Context(), session.HoldRequest{ID: testID, Client: "shop"})
		var busy *session.BusyError
		if !errors.As(err, &busy) || !strings.Contains(err.Error(), `held by client "reports" of node "node-1" for 1m1s`) {
			t.Errorf("got %v, want a BusyError that names the holder", err)
		}
		must(t, held.Release(t.Context()))
	})
}

func TestWaitForASessionIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, newStore(t), session.ManagerOptions{MaxWaiters: 3})
		held := mustHold(t, m, 0)
		start := time.Now()
		var writers sync.WaitGroup
		for range 3 {
			writers.Go(func() {
				_, err := m.Hold(t.Context(), session.HoldRequest{ID: testID})
				var busy *session.BusyError
				if !errors.As(err, &busy) {
					t.Errorf("got %v, want a BusyError", err)
					return
				}
				since(t, start, time.Minute)
				if busy.Waited != time.Minute {
					t.Errorf("it says that it waited %s", busy.Waited)
				}
			})
			synctest.Wait()
		}
		_, err := m.Hold(t.Context(), session.HoldRequest{ID: testID})
		var busy *session.BusyError
		if !errors.As(err, &busy) || !strings.Contains(err.Error(), "max_waiters") {
			t.Errorf("one waiter too many got %v, want a BusyError that names max_waiters", err)
		}
		since(t, start, 0)
		writers.Wait()
		mustCommit(t, held, update(shop, "n", "1"))
		nothingHeld(t, m)
	})
}

func TestHoldsOfANodeAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, newStore(t), session.ManagerOptions{MaxHolds: 2})
		for range 2 {
			h, err := m.Hold(t.Context(), session.HoldRequest{})
			if err != nil {
				t.Fatal(err)
			}
			defer h.Release(t.Context())
		}
		_, err := m.Hold(t.Context(), session.HoldRequest{})
		var busy *session.BusyError
		if !errors.As(err, &busy) || !strings.Contains(err.Error(), "max_holds") {
			t.Errorf("got %v, want a BusyError that names max_holds", err)
		}
	})
}

func TestOverdueHoldGoesToTheFirstWaiter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, newStore(t), session.ManagerOptions{})
		mustCommit(t, mustHold(t, m, 0), update(shop, "n", "1"))
		silent := mustHold(t, m, 10*time.Second)
		time.Sleep(4 * time.Second)
		start := time.Now()
		quick := mustHold(t, m, 10*time.Second)
		since(t, start, 6*time.Second)
		if got := m.Stats().Steals; got != 1 {
			t.Errorf("%d steals, want 1", got)
		}
		if got, err := silent.Standing(t.Context()); got != session.Lost || err != nil {
			t.Errorf("the robbed hold stands as %v, %v, want Lost", got, err)
		}
		if err := silent.Release(t.Context()); err != nil {
			t.Error(err)
		}
		mustCommit(t, quick, update(shop, "n", "2"))
		if got := stored(t, m); got != "n=2" {
			t.Errorf("stored %q, want n=2", got)
		}
		nothingHeld(t, m)
	})
}

func TestHoldIsOverdueAtOnceIfItIsOldEnough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, newStore(t), session.ManagerOptions{})
		mustHold(t, m, 10*time.Second)
		time.Sleep(15 * time.Minute) // nobody waits, so it stays
		start := time.Now()
		mustHold(t, m, 10*time.Second)
		since(t, start, 0)
	})
}

func TestHoldOfADeadNodeIsTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore(t)
		dying := newManager(t, store, session.ManagerOptions{Node: "dying"})
		alive := newManager(t, store, session.ManagerOptions{Node: "alive"})
		held := mustHold(t, dying, 0)
		dying.Close()
		start := time.Now()
		mustHold(t, alive, 0)
		if took := time.Since(start); took < 14*time.Second || took > 20*time.Second {
			t.Errorf("the hold of a dead node was taken after %s, want 15 s or little more", took)
		}
		if err := held.Commit(t.Context(), update(shop, "n", "1")); !errors.Is(err, session.ErrClosed) {
			t.Errorf("the dead node's commit got %v, want ErrClosed", err)
		}
	})
}

// A pairedStore keeps one session in a store of its own, as a cluster may: its
// tokens rise for each session, and two sessions may have the same.
type pairedStore struct {
	session.Store
	id    string
	other session.Store // has that id
}

func (s *pairedStore) of(id string) session.Store {
	if id == s.id {
		return s.other
	}
	return s.Store
}

func (s *pairedStore) Get(ctx context.Context, id string, o session.GetOptions) (session.Item, error) {
	return s.of(id).Get(ctx, id, o)
}

func (s *pairedStore) Lock(ctx context.Context, id string, o session.LockOptions) (session.Item, error) {
	return s.of(id).Lock(ctx, id, o)
}

func (s *pairedStore) Put(ctx context.Context, id string, token uint64, data []byte, o session.PutOptions) error {
	return s.of(id).Put(ctx, id, token, data, o)
}

func (s *pairedStore) Unlock(ctx context.Context, id string, token uint64, o session.UnlockOptions) error {
	return s.of(id).Unlock(ctx, id, token, o)
}

func (s *pairedStore) Watch(ctx context.Context, id string) (<-chan struct{}, func(), error) {
	return s.of(id).Watch(ctx, id)
}

// TestHoldsOfTwoSessionsMayHaveOneToken: a token is unlike others of its session,
// and not of all.
func TestHoldsOfTwoSessionsMayHaveOneToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const id = "twijpyk0sh4ml2l4v5ydgfx5"
		m := newManager(t, &pairedStore{Store: newStore(t), id: id, other: newStore(t)}, session.ManagerOptions{LockWait: time.Second})
		h := mustHold(t, m, time.Hour)
		twin, err := m.Hold(t.Context(), session.HoldRequest{ID: id})
		must(t, err)
		if twin.Item.Hold.Token != h.Item.Hold.Token {
			t.Fatalf("the tokens are %d and %d, want the same", twin.Item.Hold.Token, h.Item.Hold.Token)
		}
		if n := m.Stats().Holds; n != 2 {
			t.Errorf("%d holds, want 2", n)
		}
		must(t, twin.Release(t.Context()))
		var busy *session.BusyError
		if _, err := m.Hold(t.Context(), session.HoldRequest{ID: testID}); !errors.As(err, &busy) {
			t.Errorf("got %v, want a BusyError: it is held still", err)
		}
		mustCommit(t, h, update(shop, "n", "1"))
		nothingHeld(t, m)
	})
}

func TestHoldOfALivingNodeIsNotTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore(t)
		one := newManager(t, store, session.ManagerOptions{Node: "one"})
		two := newManager(t, store, session.ManagerOptions{Node: "two", LockWait: 10 * time.Minute})
		held := mustHold(t, one, 0)
		go func() {
			time.Sleep(5 * time.Minute)
			held.Commit(context.Background(), update(shop, "n", "1"))
		}()
		start := time.Now()
		if got := text(t, mustHold(t, two, 0).Item.Data); got != "n=1" {
			t.Errorf("held %q, want n=1", got)
		}
		since(t, start, 5*time.Minute)
	})
}

// A slowUnlock is a store that takes a while to end a hold.
type slowUnlock struct {
	session.Store
}

func (s slowUnlock) Unlock(ctx context.Context, id string, token uint64, o session.UnlockOptions) error {
	time.Sleep(10 * time.Millisecond)
	return s.Store.Unlock(ctx, id, token, o)
}

func TestHoldThatIsBeingGivenUpIsNotTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, slowUnlock{newStore(t)}, session.ManagerOptions{})
		first := mustHold(t, m, time.Minute)
		go func() { _ = first.Release(t.Context()) }()
		time.Sleep(5 * time.Millisecond)
		second := mustHold(t, m, time.Minute)
		if n := m.Stats().Steals; n != 0 || second.Item.Hold.Losses != 0 {
			t.Errorf("%d steals, %d losses, want none", n, second.Item.Hold.Losses)
		}
		must(t, second.Release(t.Context()))
		nothingHeld(t, m)
	})
}

func TestReaderGivesAWriterAMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, newStore(t), session.ManagerOptions{})
		mustCommit(t, mustHold(t, m, 0), update(shop, "n", "1"))
		held := mustHold(t, m, 0)
		go func() {
			time.Sleep(40 * time.Millisecond)
			held.Commit(context.Background(), update(shop, "n", "2"))
		}()
		start := time.Now()
		if got := stored(t, m); got != "n=2" {
			t.Errorf("read %q, want what was being committed", got)
		}
		since(t, start, 40*time.Millisecond)
	})
}

func TestReaderGivesASlowWriterLessTheSecondTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, newStore(t), session.ManagerOptions{})
		mustCommit(t, mustHold(t, m, 0), update(shop, "n", "1"))
		held := mustHold(t, m, 0)
		for _, want := range []time.Duration{250 * time.Millisecond, 25 * time.Millisecond, 25 * time.Millisecond} {
			start := time.Now()
			if got := stored(t, m); got != "n=1" {
				t.Errorf("read %q, want the last committed n=1", got)
			}
			since(t, start, want)
		}
		mustCommit(t, held, update(shop, "n", "2"))
		mustHold(t, m, 0)
		start := time.Now()
		stored(t, m)
		since(t, start, 250*time.Millisecond) // it is another hold
	})
}

func TestReaderDoesNotWaitForAnOverdueHold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, newStore(t), session.ManagerOptions{})
		mustHold(t, m, 10*time.Second)
		time.Sleep(9900 * time.Millisecond)
		start := time.Now()
		stored(t, m)
		since(t, start, 100*time.Millisecond)
		start = time.Now()
		stored(t, m)
		since(t, start, 0)
	})
}

func TestReaderDoesNotWaitIfToldSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, newStore(t), session.ManagerOptions{ReadWait: -1})
		mustHold(t, m, 0)
		start := time.Now()
		stored(t, m)
		since(t, start, 0)
	})
}

func TestReaderLeavesWhenItsRequestEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, newStore(t), session.ManagerOptions{ReadWait: time.Hour})
		mustHold(t, m, 0)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := m.Read(ctx, testID); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want the context's error", err)
		}
	})
}

func TestWaitersWhoLeaveMakeRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, newStore(t), session.ManagerOptions{MaxWaiters: 2, MaxHolds: 3})
		mustHold(t, m, 0)
		ctx, leave := context.WithCancel(t.Context())
		var writers sync.WaitGroup
		for range 2 {
			writers.Go(func() { m.Hold(ctx, session.HoldRequest{ID: testID}) })
		}
		synctest.Wait()
		var busy *session.BusyError
		if _, err := m.Hold(t.Context(), session.HoldRequest{}); !errors.As(err, &busy) {
			t.Errorf("with a hold and two waiters of three places, another one got %v", err)
		}
		for range 3 { // each leaves from behind
			ctx, leave := context.WithTimeout(t.Context(), time.Second)
			m.Hold(ctx, session.HoldRequest{ID: testID})
			leave()
		}
		leave()
		writers.Wait()
		h, err := m.Hold(t.Context(), session.HoldRequest{})
		must(t, err)
		must(t, h.Release(t.Context()))
	})
}

// watchedStore counts the watches that are open.
type watchedStore struct {
	session.Store
	open int
}

func (s *watchedStore) Watch(ctx context.Context, id string) (<-chan struct{}, func(), error) {
	changed, stop, err := s.Store.Watch(ctx, id)
	s.open++
	return changed, sync.OnceFunc(func() { s.open--; stop() }), err
}

func TestNoWatchIsLeftOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &watchedStore{Store: newStore(t)}
		m := newManager(t, store, session.ManagerOptions{LockWait: time.Second})
		mustCommit(t, mustHold(t, m, 0), update(shop, "n", "1"))
		held := mustHold(t, m, 0)
		stored(t, m) // waits for it
		if _, err := m.Hold(t.Context(), session.HoldRequest{ID: testID}); err == nil {
			t.Error("two writers hold the session")
		}
		must(t, held.Release(t.Context()))
		robbed := mustHold(t, m, time.Millisecond)
		time.Sleep(time.Second)
		mustCommit(t, mustHold(t, m, 0), session.Update{Client: shop, Abandoned: true})
		if got, err := robbed.Standing(t.Context()); got != session.Over || err != nil {
			t.Errorf("the robbed hold of a session that has ended stands as %v, %v, want Over", got, err)
		}
		if store.open != 0 {
			t.Errorf("%d watches are left open", store.open)
		}
		nothingHeld(t, m)
	})
}

// commitDuringWatch is a store where a writer commits just before a reader's
// watch begins.
type commitDuringWatch struct {
	session.Store
	commit func()
}

func (s *commitDuringWatch) Watch(ctx context.Context, id string) (<-chan struct{}, func(), error) {
	if commit := s.commit; commit != nil {
		s.commit = nil
		commit()
	}
	return s.Store.Watch(ctx, id)
}

func TestReaderMissesNoCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &commitDuringWatch{Store: newStore(t)}
		m := newManager(t, store, session.ManagerOptions{})
		held := mustHold(t, m, 0)
		store.commit = func() { mustCommit(t, held, update(shop, "n", "1")) }
		start := time.Now()
		if got := stored(t, m); got != "n=1" {
			t.Errorf("read %q, want n=1", got)
		}
		since(t, start, 0)
	})
}

func TestStrictIDsHoldForReaders(t *testing.T) {
	m := newManager(t, newStore(t), session.ManagerOptions{StrictIDs: true})
	item, err := m.Read(t.Context(), testID)
	if err != nil || item.ID == testID {
		t.Errorf("read %q, %v, want another id", item.ID, err)
	}
}

func TestClosingManagerSendsWaitersAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, newStore(t), session.ManagerOptions{})
		held := mustHold(t, m, 0)
		errs := make(chan error, 2)
		for range 2 { // the first of the queue, and one behind it
			go func() {
				_, err := m.Hold(context.Background(), session.HoldRequest{ID: testID})
				errs <- err
			}()
		}
		synctest.Wait()
		m.Close()
		for range 2 {
			if err := <-errs; !errors.Is(err, session.ErrClosed) {
				t.Errorf("a waiter got %v, want ErrClosed", err)
			}
		}
		if _, err := m.Hold(context.Background(), session.HoldRequest{}); !errors.Is(err, session.ErrClosed) {
			t.Errorf("got %v, want ErrClosed", err)
		}
		mustCommit(t, held, update(shop, "n", "1")) // what is held can still be committed
		nothingHeld(t, m)
	})
}

func TestSessionExpiresWhenItIsNotUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore(t)
		m := newManager(t, store, session.ManagerOptions{})
		u := update(shop, "n", "1")
		u.Timeout = 5 * time.Minute
		mustCommit(t, mustHold(t, m, 0), u)
		for range 3 { // reading it keeps it
			time.Sleep(4 * time.Minute)
			if got := stored(t, m); got != "n=1" {
				t.Fatalf("read %q, want n=1", got)
			}
		}
		held := mustHold(t, m, 0)
		time.Sleep(time.Hour) // holding it keeps it
		if got := stored(t, m); got != "n=1" {
			t.Fatalf("read %q while it is held, want n=1", got)
		}
		held.Release(t.Context())
		time.Sleep(5*time.Minute + time.Second)
		if got := store.Len(); got != 0 {
			t.Errorf("%d sessions are stored, want none", got)
		}
		if got := m.Stats().Expired; got != 1 {
			t.Errorf("%d sessions expired, want 1", got)
		}
	})
}

func TestSessionThatADeadNodeHeldExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore(t)
		alive := newManager(t, store, session.ManagerOptions{Node: "alive"})
		dying := newManager(t, store, session.ManagerOptions{Node: "dying"})
		synctest.Wait()
		mustCommit(t, mustHold(t, dying, 0), update(shop, "n", "1"))
		mustHold(t, dying, 0)
		time.Sleep(time.Hour)
		dying.Close()
		time.Sleep(10 * time.Second)
		if got := store.Len(); got != 1 {
			t.Errorf("%d sessions are stored while its holder is alive, want 1", got)
		}
		time.Sleep(10*time.Second + time.Minute)
		if got := store.Len(); got != 0 {
			t.Errorf("%d sessions are stored, want none", got)
		}
		if got := alive.Stats().Expired; got != 1 {
			t.Errorf("%d sessions expired, want 1", got)
		}
	})
}

func TestShorterTimeoutIsNoticedBeforeALongerOneIsDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore(t)
		m := newManager(t, store, session.ManagerOptions{})
		synctest.Wait() // it has looked for what an earlier process left
		long := update(shop, "n", "1")
		long.Timeout = 10 * time.Hour
		mustCommit(t, mustHold(t, m, 0), long)
		other, err := m.Hold(t.Context(), session.HoldRequest{Client: shop.Name})
		if err != nil {
			t.Fatal(err)
		}
		short := update(shop, "n", "1")
		short.Timeout = time.Minute
		mustCommit(t, other, short)
		time.Sleep(time.Minute + time.Second)
		if got := store.Len(); got != 1 {
			t.Errorf("%d sessions are stored, want the long-lived one only", got)
		}
	})
}

func TestIdsThatArrive(t *testing.T) {
	for _, test := range []struct {
		name, id string
		strict   bool
		issued   bool
		want     string // "" for a new one
	}{
		{"one that is well-formed is adopted", testID, false, false, testID},
		{"one in capitals is the same in small letters", strings.ToUpper(testID), false, false, testID},
		{"none makes a new one", "", false, true, ""},
		{"one of another length makes a new one", testID + "a", false, true, ""},
		{"one with other characters makes a new one", "x5b3ijpyk0sh4ml2l4v5ydg-", false, true, ""},
		{"an unknown one makes a new one if ids are strict", testID, true, true, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			store := newStore(t)
			m := newManager(t, store, session.ManagerOptions{StrictIDs: test.strict})
			h, err := m.Hold(t.Context(), session.HoldRequest{ID: test.id})
			if err != nil {
				t.Fatal(err)
			}
			defer h.Release(t.Context())
			if h.Issued != test.issued || !h.Item.New {
				t.Errorf("issued %t, new %t, want issued %t, new", h.Issued, h.Item.New, test.issued)
			}
			if _, ok := session.ParseID(h.Item.ID); !ok || test.want != "" && h.Item.ID != test.want || test.want == "" && h.Item.ID == testID {
				t.Errorf("id %q, want %q", h.Item.ID, test.want)
			}
			if got := store.Len(); got > 1 {
				t.Errorf("%d items in the store, want no more than the held one", got)
			}
		})
	}
}

func TestReadingAnUnknownSessionStoresNothing(t *testing.T) {
	store := newStore(t)
	m := newManager(t, store, session.ManagerOptions{})
	for _, id := range []string{testID, "", "no id"} {
		item, err := m.Read(t.Context(), id)
		if err != nil || !item.New || text(t, item.Data) != "" || item.Timeout != 20*time.Minute {
			t.Errorf("read %q: %+v, %v, want a new and empty one", id, item, err)
		}
	}
	if got := store.Len(); got != 0 {
		t.Errorf("%d items are stored, want none", got)
	}
}

func TestManagerOptionsAreCheckedTogether(t *testing.T) {
	_, err := session.OpenManager(t.Context(), newStore(t), session.ManagerOptions{
		Timeout: time.Second, LockWait: -1, MaxWaiters: -1, MaxHolds: -1, HoldLimit: -1,
	})
	for _, want := range []string{"timeout", "lock wait", "max waiters", "max holds", "hold limit"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: it does not name the %s", err, want)
		}
	}
}

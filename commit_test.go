// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package session_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/wire"
)

// countingStore counts what reaches a store, and fails where it is told to.
type countingStore struct {
	session.Store
	puts    int
	failing error // what Put answers, unless nil
}

func (s *countingStore) Put(ctx context.Context, id string, token uint64, data []byte, o session.PutOptions) error {
	s.puts++
	if s.failing != nil {
		return s.failing
	}
	return s.Store.Put(ctx, id, token, data, o)
}

func TestUnchangedSessionIsNotRewritten(t *testing.T) {
	store := &countingStore{Store: newStore(t)}
	m := newManager(t, store, session.ManagerOptions{})
	mustCommit(t, mustHold(t, m, 0), update(shop, "price", "12.50", "name", `"é"`))
	mustCommit(t, mustHold(t, m, 0), update(shop, "price", "12.5", "name", `"\u00E9"`)) // as .NET may reformat it
	if store.puts != 1 {
		t.Errorf("the data were stored %d times, want once", store.puts)
	}
	if got, want := stored(t, m), `price=12.50 name="é"`; got != want {
		t.Errorf("stored %q, want %q", got, want)
	}
	longer := update(shop, "price", "12.50", "name", `"é"`)
	longer.Timeout = time.Hour
	mustCommit(t, mustHold(t, m, 0), longer)
	if item, _ := m.Read(t.Context(), testID); item.Timeout != time.Hour {
		t.Errorf("timeout %s, want the one that was committed", item.Timeout)
	}
}

func TestFailedCommitKeepsTheHold(t *testing.T) {
	store := &countingStore{Store: newStore(t), failing: session.ErrFull}
	m := newManager(t, store, session.ManagerOptions{})
	h := mustHold(t, m, 0)
	if err := h.Commit(t.Context(), update(shop, "n", "1")); !errors.Is(err, session.ErrFull) {
		t.Errorf("got %v, want ErrFull", err)
	}
	if got, err := h.Standing(t.Context()); got != session.Holding || err != nil {
		t.Errorf("the hold stands as %v, %v, want Holding", got, err)
	}
	store.failing = nil
	mustCommit(t, h, update(shop, "n", "1"))
}

// A panickyStore panics when it is to store.
type panickyStore struct{ session.Store }

func (s panickyStore) Put(context.Context, string, uint64, []byte, session.PutOptions) error {
	panic("no")
}

// A commit that panics leaves nothing behind: its exchange can end the hold.
func TestCommitThatPanicsIsNotUnderWayForEver(t *testing.T) {
	store := newStore(t)
	m := newManager(t, panickyStore{store}, session.ManagerOptions{})
	h := mustHold(t, m, 0)
	func() {
		defer func() { recover() }()
		h.Commit(t.Context(), update(shop, "n", "1"))
	}()
	must(t, h.Release(t.Context()))
	if got := store.Len(); got != 0 {
		t.Errorf("%d sessions are held or stored, want none", got)
	}
}

func TestCommitChecksWhatItStores(t *testing.T) {
	m := newManager(t, newStore(t), session.ManagerOptions{Limits: wire.Limits{Session: 100, Value: 60}})
	one, two := session.Client{Name: "one", Scope: scope(t, "one")}, session.Client{Name: "two", Scope: scope(t, "two")}
	value := `"` + strings.Repeat("a", 55) + `"`
	mustCommit(t, mustHold(t, m, 0), update(one, "one", value))
	h := mustHold(t, m, 0)
	var format *wire.FormatError
	if err := h.Commit(t.Context(), update(two, "two", value)); !errors.As(err, &format) {
		t.Errorf("a session that becomes too large got %v, want a FormatError", err)
	}
	for _, timeout := range []time.Duration{0, -time.Minute, session.MaxTimeout + time.Minute} {
		u := update(two, "two", "2")
		u.Timeout = timeout
		if err := h.Commit(t.Context(), u); err == nil {
			t.Errorf("a timeout of %s was stored", timeout)
		}
	}
	if err := h.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := stored(t, m); got != "one="+value {
		t.Errorf("stored %q, want it unchanged", got)
	}
}

func scope(t *testing.T, patterns ...string) wire.Scope {
	t.Helper()
	s, err := wire.ParseScope(patterns)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAbandonedSessionIsGone(t *testing.T) {
	store := newStore(t)
	m := newManager(t, store, session.ManagerOptions{})
	mustCommit(t, mustHold(t, m, 0), update(shop, "n", "1"))
	mustCommit(t, mustHold(t, m, 0), session.Update{Client: shop, Abandoned: true})
	if got := store.Len(); got != 0 {
		t.Errorf("%d sessions are stored, want none", got)
	}
	nothingHeld(t, m)
}

func TestClientRemovesOnlyWhatItHasEverSent(t *testing.T) {
	store := newStore(t)
	m := newManager(t, store, session.ManagerOptions{})
	other := newManager(t, store, session.ManagerOptions{})
	lenient := session.Client{Name: "lenient"}
	mustCommit(t, mustHold(t, m, 0), update(shop, "foreign", "1", "own", "2", "null", "3"))

	mustCommit(t, mustHold(t, m, 0), update(lenient)) // it knows none of the keys yet
	if got, want := stored(t, m), "foreign=1 own=2 null=3"; got != want {
		t.Fatalf("stored %q, want %q", got, want)
	}
	mustCommit(t, mustHold(t, m, 0), update(lenient, "OWN", "7", "null", "null"))
	if got, want := stored(t, m), "foreign=1 own=7"; got != want {
		t.Fatalf("stored %q, want %q", got, want)
	}
	mustCommit(t, mustHold(t, other, 0), update(lenient, "new", "1")) // what it sent to another node counts
	if got, want := stored(t, m), "foreign=1 new=1"; got != want {
		t.Fatalf("stored %q, want %q", got, want)
	}
}

// What a client has sent to another node, or before this one began, it has sent,
// also if the update has no key that is new to this node.
func TestClientRemovesWhatItHasSentToAnotherNode(t *testing.T) {
	store := newStore(t)
	m := newManager(t, store, session.ManagerOptions{})
	lenient := session.Client{Name: "lenient"}
	other := newManager(t, store, session.ManagerOptions{})
	mustCommit(t, mustHold(t, m, 0), update(shop, "foreign", "1"))
	mustCommit(t, mustHold(t, other, 0), update(lenient, "own", "2"))
	mustCommit(t, mustHold(t, m, 0), update(lenient, "own", "2", "rare", "3"))
	mustCommit(t, mustHold(t, other, 0), update(lenient, "own", "2"))
	if got, want := stored(t, other), "foreign=1 own=2"; got != want {
		t.Errorf("stored %q, want %q", got, want)
	}
	third := newManager(t, store, session.ManagerOptions{})
	mustCommit(t, mustHold(t, third, 0), update(lenient)) // its page has signed somebody out
	if got, want := stored(t, third), "foreign=1"; got != want {
		t.Errorf("stored %q, want %q", got, want)
	}
}

func TestFindTellsWhichHoldACommitBelongsTo(t *testing.T) {
	const limit = time.Minute
	hold := func(t *testing.T, m *session.Manager, client, trace string, detached bool) *session.Held {
		h, err := m.Hold(t.Context(), session.HoldRequest{ID: testID, Client: client, Trace: trace, Detached: detached, Limit: limit})
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	for _, test := range []struct {
		name   string
		set    func(t *testing.T, m *session.Manager, store session.Store)
		trace  string
		client string
		want   error
		says   string
	}{
		{name: "nobody holds it", set: func(*testing.T, *session.Manager, session.Store) {}, want: session.ErrNoHold},
		{name: "one with this trace", trace: "t1", set: func(t *testing.T, m *session.Manager, _ session.Store) {
			hold(t, m, "shop", "t1", true)
		}},
		{name: "one without a trace", trace: "t1", want: session.ErrNoHold, set: func(t *testing.T, m *session.Manager, _ session.Store) {
			hold(t, m, "shop", "", true)
		}},
		{name: "the only one, for a commit without a trace", set: func(t *testing.T, m *session.Manager, _ session.Store) {
			hold(t, m, "shop", "t1", true)
		}},
		{name: "one with another trace", trace: "t2", want: session.ErrNoHold, set: func(t *testing.T, m *session.Manager, _ session.Store) {
			hold(t, m, "shop", "t1", true)
		}},
		{name: "one of another client", trace: "t1", client: "thief", want: session.ErrNoHold, set: func(t *testing.T, m *session.Manager, _ session.Store) {
			hold(t, m, "shop", "t1", true)
		}},
		{name: "one that commits on its own connection", trace: "t1", want: session.ErrNoHold, set: func(t *testing.T, m *session.Manager, _ session.Store) {
			hold(t, m, "shop", "t1", false)
		}},
		{name: "one that was released", trace: "t1", want: session.ErrNoHold, set: func(t *testing.T, m *session.Manager, _ session.Store) {
			hold(t, m, "shop", "t1", true).Release(t.Context())
		}},
		{name: "one that was committed", trace: "t1", want: session.ErrLockLost, set: func(t *testing.T, m *session.Manager, _ session.Store) {
			mustCommit(t, hold(t, m, "shop", "t1", true), update(shop, "n", "1"))
		}},
		{name: "one that was committed without a change", trace: "t1", want: session.ErrLockLost, set: func(t *testing.T, m *session.Manager, _ session.Store) {
			mustCommit(t, hold(t, m, "shop", "t0", true), update(shop, "n", "1"))
			mustCommit(t, hold(t, m, "shop", "t1", true), update(shop, "n", "1"))
		}},
		{name: "one that was robbed", trace: "t1", set: rob},
		{name: "the lost one, where its robber has gone", set: func(t *testing.T, m *session.Manager, store session.Store) {
			rob(t, m, store)
			item, err := store.Get(t.Context(), testID, session.GetOptions{})
			must(t, err)
			must(t, store.Unlock(t.Context(), testID, item.Hold.Token, session.UnlockOptions{}))
		}},
		{name: "its robber", trace: "t2", set: rob},
		{name: "the one with this trace, beside a lost one without", trace: "t2", set: func(t *testing.T, m *session.Manager, store session.Store) {
			robOf(t, m, store, "")
		}},
		{name: "neither, where the lost one has no trace", trace: "t1", want: session.ErrNoHold, set: func(t *testing.T, m *session.Manager, store session.Store) {
			robOf(t, m, store, "")
		}},
		{name: "one of two with this trace", trace: "t2", want: session.ErrNoHold, says: "2 exchanges with its trace id", set: func(t *testing.T, m *session.Manager, store session.Store) {
			robOf(t, m, store, "t2")
		}},
		{name: "one of two, for a commit without a trace", want: session.ErrNoHold, says: "it has no trace id, 2 exchanges", set: rob},
		{name: "one of two, for a third trace", trace: "t3", want: session.ErrNoHold, set: rob},
	} {
		t.Run(test.name, func(t *testing.T) {
			store := newStore(t)
			m := newManager(t, store, session.ManagerOptions{})
			test.set(t, m, store)
			client := test.client
			if client == "" {
				client = shop.Name
			}
			item, err := m.Find(t.Context(), testID, test.trace, client)
			if !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
			if err != nil && !strings.Contains(err.Error(), test.says) {
				t.Errorf("the error is %q, want it to say %q", err, test.says)
			}
			if err == nil && (item.Hold.Token == 0 || item.Timeout != 20*time.Minute) {
				t.Errorf("found %+v, want it held, with the timeout of new sessions", item)
			}
		})
	}
}

// rob leaves a session that t2 holds and that t1 has lost to it.
func rob(t *testing.T, m *session.Manager, store session.Store) {
	t.Helper()
	robOf(t, m, store, "t1")
}

// robOf leaves a session that t2 holds and that the victim has lost to it.
func robOf(t *testing.T, m *session.Manager, store session.Store, victim string) {
	t.Helper()
	first, err := m.Hold(t.Context(), session.HoldRequest{ID: testID, Client: "shop", Trace: victim, Detached: true, Limit: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Lock(t.Context(), testID, session.LockOptions{
		Hold: session.Hold{Node: "other", Client: "shop", Trace: "t2", Detached: true}, Steal: first.Item.Hold.Token, Timeout: 20 * time.Minute,
	}); err != nil {
		t.Fatal(err)
	}
}

func TestHoldThatADeadNodeLostIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore(t)
		dying := newManager(t, store, session.ManagerOptions{Node: "dying"})
		alive := newManager(t, store, session.ManagerOptions{Node: "alive"})
		mustCommit(t, mustHold(t, alive, 0), update(shop, "n", "1"))
		r := session.HoldRequest{ID: testID, Client: "shop", Detached: true, Limit: 50 * time.Second}
		_, err := dying.Hold(t.Context(), r)
		must(t, err)
		dying.Close()                                                             // it crashes: nobody will release what it holds
		for _, want := range []error{session.ErrNoHold, session.ErrNoHold, nil} { // while it may still come back, then not
			h, err := alive.Hold(t.Context(), r)
			must(t, err)
			if _, err = alive.Find(t.Context(), testID, "", "shop"); !errors.Is(err, want) {
				t.Errorf("a commit without a trace got %v, want %v", err, want)
			}
			must(t, h.Release(t.Context()))
			time.Sleep(15 * time.Minute) // pages keep the session alive
		}
	})
}

func TestKeyThatAClientCannotWriteIsNotLearned(t *testing.T) {
	m := newManager(t, newStore(t), session.ManagerOptions{})
	lenient := session.Client{Name: "lenient"}
	mustCommit(t, mustHold(t, m, 0), update(lenient, "foreign", "")) // its page set a key that it has no type for
	mustCommit(t, mustHold(t, m, 0), update(shop, "foreign", "1"))
	mustCommit(t, mustHold(t, m, 0), update(lenient)) // it drops what it has no type for
	if got := stored(t, m); got != "foreign=1" {
		t.Errorf("stored %q, want foreign=1", got)
	}
}

// A learningStore counts what it is asked of the keys of clients.
type learningStore struct {
	session.Store
	asked int
}

func (s *learningStore) Learn(ctx context.Context, client string, keys []string) ([]string, error) {
	s.asked++
	return s.Store.Learn(ctx, client, keys)
}

func TestClientThatSendsNewKeysForEverIsBounded(t *testing.T) {
	store := &learningStore{Store: newStore(t)}
	m := newManager(t, store, session.ManagerOptions{})
	wizard := session.Client{Name: "wizard"}
	for i := range 12 {
		var keys []string
		for j := range 1000 {
			keys = append(keys, fmt.Sprintf("wizard:%d:%d", i, j), "1")
		}
		mustCommit(t, mustHold(t, m, 0), update(wizard, keys...))
		if i == 0 {
			mustCommit(t, mustHold(t, m, 0), update(wizard)) // what it is known to have sent it can remove
			if got := stored(t, m); got != "" {
				t.Errorf("stored %q, want nothing", got)
			}
			continue
		}
		mustCommit(t, mustHold(t, m, 0), session.Update{Client: wizard, Abandoned: true})
	}
	store.asked = 0
	mustCommit(t, mustHold(t, m, 0), update(wizard, "wizard:11:999", "1"))
	mustCommit(t, mustHold(t, m, 0), update(wizard))
	if got := stored(t, m); got != "wizard:11:999=1" {
		t.Errorf("stored %q, want the key that came after too many", got)
	}
	if store.asked != 0 {
		t.Errorf("the store was asked %d times for what it learns no more", store.asked)
	}
}

func TestOddCommitsAreLogged(t *testing.T) {
	for _, test := range []struct {
		name   string
		client session.Client
		update []string
		want   string
	}{
		{"a key that the client could not write", session.Client{Name: "lenient"}, []string{"n", ""}, `keys were removed`},
		{"a key outside its scope", session.Client{Name: "scoped", Scope: scope(t, "cart*")}, []string{"user", "1"}, `its scope does not declare`},
		{"keys left out by a client that never sent any", session.Client{Name: "new"}, nil, `a scope would tell`},
	} {
		t.Run(test.name, func(t *testing.T) {
			var log strings.Builder
			m := newManager(t, newStore(t), session.ManagerOptions{Logger: slog.New(slog.NewTextHandler(&log, nil))})
			mustCommit(t, mustHold(t, m, 0), update(shop, "n", "1"))
			log.Reset()
			mustCommit(t, mustHold(t, m, 0), update(test.client, test.update...))
			if got := log.String(); !strings.Contains(got, test.want) || strings.Contains(got, testID) {
				t.Errorf("logged %q, want it to say %q", got, test.want)
			}
		})
	}
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package memstore_test

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/memstore"
	"github.com/sessionbridge/session/storetest"
)

func TestStore(t *testing.T) {
	storetest.Test(t, storetest.Options{
		New:    func(t *testing.T) session.Store { return newStore(t, memstore.Options{}) },
		Bubble: synctest.Test, // twenty minutes pass in no time
		Small:  func(t *testing.T) session.Store { return newStore(t, memstore.Options{MaxBytes: 100 << 10}) },
	})
}

func newStore(t testing.TB, o memstore.Options) *memstore.Store {
	t.Helper()
	s, err := memstore.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func put(t testing.TB, s *memstore.Store, id string, data string) {
	t.Helper()
	if err := s.Put(t.Context(), id, 0, []byte(data), session.PutOptions{Timeout: time.Minute}); err != nil {
		t.Fatal(err)
	}
}

func lock(t testing.TB, s *memstore.Store, id string) session.Item {
	t.Helper()
	it, err := s.Lock(t.Context(), id, session.LockOptions{Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	return it
}

func touch(t testing.TB, s *memstore.Store, id string) {
	t.Helper()
	if _, err := s.Get(t.Context(), id, session.GetOptions{Touch: true}); err != nil {
		t.Fatal(err)
	}
}

// beat keeps the node alive whose holds lock takes.
func beat(t testing.TB, s *memstore.Store, ttl time.Duration) {
	t.Helper()
	if _, err := s.Beat(t.Context(), "", ttl); err != nil {
		t.Fatal(err)
	}
}

func TestNewTellsAllThatIsWrong(t *testing.T) {
	_, err := memstore.New(memstore.Options{MaxBytes: -1, MaxItems: -2})
	if err == nil || !strings.Contains(err.Error(), "MaxBytes is -1") || !strings.Contains(err.Error(), "MaxItems is -2") {
		t.Errorf("got error %v", err)
	}
}

func TestPutWantsTimeout(t *testing.T) {
	s := newStore(t, memstore.Options{})
	for _, timeout := range []time.Duration{0, -time.Second} {
		if err := s.Put(t.Context(), "id", 0, nil, session.PutOptions{Timeout: timeout}); err == nil {
			t.Errorf("Put with timeout %s: no error", timeout)
		}
	}
	if s.Len() != 0 {
		t.Errorf("%d items are there", s.Len())
	}
}

func TestTimeoutWithoutEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore(t, memstore.Options{})
		time.Sleep(time.Hour)
		if err := s.Put(t.Context(), "id", 0, nil, session.PutOptions{Timeout: session.Never}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		if _, err := s.Get(t.Context(), "id", session.GetOptions{}); err != nil {
			t.Error(err)
		}
	})
}

// full checks an error that says that a limit is reached.
func full(t *testing.T, err error, say ...string) {
	t.Helper()
	if !errors.Is(err, session.ErrFull) {
		t.Fatalf("got error %v, want ErrFull", err)
	}
	for _, text := range say {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("the error is %q; it does not say %q", err, text)
		}
	}
}

func TestMaxItems(t *testing.T) {
	s := newStore(t, memstore.Options{MaxItems: 2})
	put(t, s, "a", "data")
	held := lock(t, s, "b")
	_, err := s.Lock(t.Context(), "c", session.LockOptions{})
	full(t, err, "2 items", "at most 2", "MaxItems")
	full(t, s.Put(t.Context(), "c", 0, nil, session.PutOptions{Timeout: time.Minute}), "MaxItems")
	if s.Len() != 2 {
		t.Errorf("%d items are there, want 2", s.Len())
	}

	lock(t, s, "a")
	if err := s.Put(t.Context(), "b", held.Hold.Token, []byte("data"), session.PutOptions{Timeout: time.Minute}); err != nil {
		t.Errorf("Put of an item that was held when the store became full: %v", err)
	}
}

func TestMaxBytes(t *testing.T) {
	s := newStore(t, memstore.Options{MaxBytes: 10_000})
	put(t, s, "a", strings.Repeat("x", 4000))
	held := lock(t, s, "b")
	minute := session.PutOptions{Timeout: time.Minute}
	err := s.Put(t.Context(), "b", held.Hold.Token, make([]byte, 8000), minute)
	full(t, err, fmt.Sprintf("%d bytes are used", s.Bytes()), "8000 more", "at most 10000", "MaxBytes")
	it, err := s.Get(t.Context(), "b", session.GetOptions{})
	if err != nil || !it.New || it.Hold.Token != held.Hold.Token {
		t.Errorf("after a Put that was refused the item is %+v, error %v", it, err)
	}

	if err := s.Put(t.Context(), "b", held.Hold.Token, nil, minute); err != nil {
		t.Fatal(err)
	}
	held = lock(t, s, "b")
	rest := 10_000 - int(s.Bytes())
	for _, size := range []int{rest, rest, rest - 1, 0, rest} {
		if err := s.Put(t.Context(), "b", held.Hold.Token, make([]byte, size), minute); err != nil {
			t.Errorf("Put of %d bytes: %v", size, err)
		}
		held = lock(t, s, "b")
	}
	full(t, s.Put(t.Context(), "b", held.Hold.Token, make([]byte, rest+1), minute))
	_, err = s.Lock(t.Context(), "c", session.LockOptions{})
	full(t, err)

	for range 10 { // holds of a known id are always granted, and may go beyond the bound
		held, err = s.Lock(t.Context(), "b", session.LockOptions{Steal: held.Hold.Token, Timeout: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
	}
	// What the lost holds were sent must stay.
	full(t, s.Put(t.Context(), "b", held.Hold.Token, make([]byte, rest-1), minute))
	for _, lost := range held.Lost {
		if err := s.Unlock(t.Context(), "b", lost.Token, session.UnlockOptions{}); err != nil {
			t.Error(err)
		}
	}
	if err := s.Put(t.Context(), "b", held.Hold.Token, make([]byte, rest-1), minute); err != nil {
		t.Errorf("Put of less than there is: %v", err)
	}
}

func TestBytesReturnToZero(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore(t, memstore.Options{})
		for i := range 300 {
			id := fmt.Sprint("id ", i)
			it := lock(t, s, id)
			for range i % 20 {
				var err error
				it, err = s.Lock(t.Context(), id, session.LockOptions{Steal: it.Hold.Token, Timeout: time.Minute})
				if err != nil {
					t.Fatal(err)
				}
				if i%2 == 0 {
					if err := s.Put(t.Context(), id, it.Hold.Token, make([]byte, i), session.PutOptions{Timeout: time.Minute}); err != nil {
						t.Fatal(err)
					}
					it = lock(t, s, id)
				}
			}
			switch i % 3 {
			case 0:
				if err := s.Unlock(t.Context(), id, it.Hold.Token, session.UnlockOptions{}); err != nil {
					t.Error(err)
				}
				continue
			case 1:
				if err := s.Put(t.Context(), id, it.Hold.Token, make([]byte, i), session.PutOptions{Timeout: time.Minute}); err != nil {
					t.Error(err)
				}
				continue
			}
			if err := s.Delete(t.Context(), id, it.Hold.Token); err != nil {
				t.Error(err)
			}
		}
		time.Sleep(time.Minute)
		if ids, next, err := s.Expire(t.Context(), 1000); len(ids) != 145 || next != session.Never || err != nil {
			t.Errorf("Expire answers %d ids, next %s and error %v", len(ids), next, err)
		}
		if s.Len() != 0 || s.Bytes() != 0 {
			t.Errorf("%d items and %d bytes are left", s.Len(), s.Bytes())
		}
	})
}

func TestExpiredMakeRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore(t, memstore.Options{MaxItems: 4})
		for _, id := range []string{"a", "b", "live", "held"} {
			put(t, s, id, "data")
		}
		lock(t, s, "held")
		beat(t, s, time.Hour)
		time.Sleep(50 * time.Second)
		touch(t, s, "live")
		time.Sleep(10 * time.Second)
		put(t, s, "c", "data")
		lock(t, s, "d")
		_, err := s.Lock(t.Context(), "e", session.LockOptions{})
		full(t, err)
		if err := s.Delete(t.Context(), "c", 0); err != nil {
			t.Fatal(err)
		}
		put(t, s, "b", "again")

		ids, next, err := s.Expire(t.Context(), 0)
		if len(ids) != 0 || next != 0 || err != nil {
			t.Errorf("Expire of nothing answers %q, next %s and error %v, want 0: a is still to be told", ids, next, err)
		}
		ids, next, err = s.Expire(t.Context(), 1)
		if !slices.Equal(ids, []string{"a"}) || next != 50*time.Second || err != nil {
			t.Errorf("Expire answers %q, next %s and error %v, want a: it made room, and b is in use again", ids, next, err)
		}
	})
}

// TestExpireIsBounded has many sessions that were touched in time: none is due,
// and all are in the index as if they were.
func TestExpireIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore(t, memstore.Options{})
		const items = 10_000
		for i := range items {
			put(t, s, fmt.Sprint(i), "")
		}
		time.Sleep(50 * time.Second)
		for i := range items {
			touch(t, s, fmt.Sprint(i))
		}
		time.Sleep(10 * time.Second)
		calls := 0
		for next := time.Duration(0); next == 0; calls++ {
			ids, after, err := s.Expire(t.Context(), 100)
			if len(ids) != 0 || err != nil {
				t.Fatalf("Expire answers %q and error %v", ids, err)
			}
			next = after
		}
		if calls < 5 || calls > 50 {
			t.Errorf("%d calls have looked at %d items", calls, items)
		}
	})
}

// TestHeldItemsAreSeldomLookedAt has many sessions that are held beyond their
// timeout, each from another moment on.
func TestHeldItemsAreSeldomLookedAt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore(t, memstore.Options{})
		beat(t, s, 2*time.Hour)
		const items = 10_000
		for i := range items {
			lock(t, s, fmt.Sprint(i))
			time.Sleep(time.Millisecond)
		}
		sweep := func(d time.Duration) (calls int) {
			for end := time.Now().Add(d); time.Now().Before(end); calls++ {
				ids, next, err := s.Expire(t.Context(), 100)
				if len(ids) != 0 || err != nil {
					t.Fatalf("Expire answers %q and error %v", ids, err)
				}
				time.Sleep(next)
			}
			return calls
		}
		sweep(2 * time.Minute) // the timeout of each has passed once
		if calls := sweep(20 * time.Minute); calls > 21*(items/1000+1) {
			t.Errorf("Expire was called %d times in 20 minutes", calls)
		}
		if s.Len() != items {
			t.Errorf("%d items are left, want %d", s.Len(), items)
		}
		beat(t, s, 0)
		time.Sleep(time.Minute)
		for next := time.Duration(0); next == 0; {
			var err error
			if _, next, err = s.Expire(t.Context(), 100); err != nil {
				t.Fatal(err)
			}
		}
		if s.Len() != 0 || s.Bytes() != 0 {
			t.Errorf("%d items and %d bytes are left of a dead node", s.Len(), s.Bytes())
		}
	})
}

func TestStoppedWatchesLeaveNothing(t *testing.T) {
	s := newStore(t, memstore.Options{})
	run := func() {
		for range 1000 {
			id := session.NewID()
			var stops []func()
			for range 3 {
				_, stop, err := s.Watch(t.Context(), id)
				if err != nil {
					t.Fatal(err)
				}
				stops = append(stops, stop)
			}
			for _, stop := range stops {
				stop()
			}
		}
	}
	run()
	before := heap()
	for range 20 {
		run()
	}
	if grown := heap() - before; grown > 100_000 {
		t.Errorf("60,000 watches have left %d bytes", grown)
	}
	runtime.KeepAlive(s)
}

// TestBytesAreHonest compares what the store believes it uses with what it does.
func TestBytesAreHonest(t *testing.T) {
	const items = 20_000
	for name, fill := range map[string]func(s *memstore.Store, id string){
		"stored": func(s *memstore.Store, id string) { put(t, s, id, strings.Repeat("x", 512)) },
		"committed": func(s *memstore.Store, id string) {
			it := lock(t, s, id)
			if err := s.Put(t.Context(), id, it.Hold.Token, make([]byte, 128), session.PutOptions{Timeout: time.Minute}); err != nil {
				t.Fatal(err)
			}
		},
		"held": func(s *memstore.Store, id string) { lock(t, s, id) },
		"lost": func(s *memstore.Store, id string) {
			lock(t, s, id)
			for range 3 {
				steal(t, s, id)
			}
		},
		"robbed": func(s *memstore.Store, id string) {
			commit(t, s, id, 0, 512)
			lock(t, s, id)
			_, thief := steal(t, s, id)
			commit(t, s, id, thief, 256)
		},
	} {
		t.Run(name, func(t *testing.T) {
			before := heap()
			s := newStore(t, memstore.Options{})
			for range items {
				fill(s, session.NewID())
			}
			used, counted := heap()-before, s.Bytes()
			if ratio := float64(used) / float64(counted); ratio < 0.6 || ratio > 1.2 {
				t.Errorf("%d items use %d bytes each and count for %d", items, used/items, counted/items)
			}
			runtime.KeepAlive(s)
		})
	}
}

// heap is the memory that is in use.
func heap() int64 {
	runtime.GC()
	runtime.GC() // what was freed by the first
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

func TestLearnKeepsFirstSpelling(t *testing.T) {
	s := newStore(t, memstore.Options{})
	all, err := s.Learn(t.Context(), "shop", []string{"Cart", "CART", "straße", "STRASSE", "Σ", "ς", "K"})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"Cart", "straße", "STRASSE", "Σ", "K"}; !slices.Equal(all, want) {
		t.Errorf("got %q, want %q", all, want)
	}
	all, err = s.Learn(t.Context(), "shop", []string{"cart", "σ", "k"})
	if err != nil || len(all) != 5 {
		t.Errorf("got %q and error %v", all, err)
	}
}

func TestLearnIsBounded(t *testing.T) {
	s := newStore(t, memstore.Options{MaxBytes: 5 << 20})
	keys := []string{strings.Repeat("x", 1025)}
	for i := range 10_001 {
		keys = append(keys, fmt.Sprint(i))
	}
	all, err := s.Learn(t.Context(), "shop", keys)
	if err != nil || len(all) != 10_000 || slices.Contains(all, keys[0]) {
		t.Errorf("%d keys were learned, error %v", len(all), err)
	}
	for i := range keys {
		keys[i] = strings.Repeat("x", 1000) + fmt.Sprint(i)
	}
	all, err = s.Learn(t.Context(), "blog", keys)
	if err != nil || len(all) == 0 || len(all) > 3000 || s.Bytes() > 5<<20 {
		t.Errorf("%d keys were learned in a store that is small, %d bytes are used, error %v", len(all), s.Bytes(), err)
	}
}

func TestGetDoesNotAllocate(t *testing.T) {
	s := newStore(t, memstore.Options{})
	put(t, s, "id", "data")
	ctx := t.Context()
	allocs := testing.AllocsPerRun(100, func() {
		if _, err := s.Get(ctx, "id", session.GetOptions{Touch: true}); err != nil {
			t.Fatal(err)
		}
	})
	if allocs != 0 {
		t.Errorf("Get allocates %v times", allocs)
	}
}

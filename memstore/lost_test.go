// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package memstore_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/memstore"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// steal takes the present hold away and returns its token and the thief's.
func steal(t testing.TB, s *memstore.Store, id string) (lost, thief uint64) {
	t.Helper()
	it, err := s.Get(t.Context(), id, session.GetOptions{})
	must(t, err)
	lost = it.Hold.Token
	it, err = s.Lock(t.Context(), id, session.LockOptions{Steal: lost, Timeout: time.Minute})
	must(t, err)
	return lost, it.Hold.Token
}

func commit(t testing.TB, s *memstore.Store, id string, token uint64, size int) {
	t.Helper()
	must(t, s.Put(t.Context(), id, token, make([]byte, size), session.PutOptions{Timeout: time.Minute}))
}

func unlock(t testing.TB, s *memstore.Store, id string, token uint64, committed bool) {
	t.Helper()
	must(t, s.Unlock(t.Context(), id, token, session.UnlockOptions{Committed: committed}))
}

func lockLate(t testing.TB, s *memstore.Store, id string, lost uint64) uint64 {
	t.Helper()
	it, err := s.Lock(t.Context(), id, session.LockOptions{Hold: session.Hold{Late: lost}, Timeout: time.Minute})
	must(t, err)
	return it.Hold.Token
}

// TestBasesOfOneStateAreCountedOnce has three holds lost that were sent the same
// data, and one that was sent others.
func TestBasesOfOneStateAreCountedOnce(t *testing.T) {
	const large = 100_000
	s := newStore(t, memstore.Options{})
	commit(t, s, "id", 0, large)
	lock(t, s, "id")
	var lost [4]uint64
	var thief uint64
	for i := range 3 {
		lost[i], thief = steal(t, s, "id")
	}
	used := func(when string, states int) {
		t.Helper()
		if got := int(s.Bytes()); got < states*large || got > states*large+10_000 {
			t.Errorf("%s %d bytes are used, want those of %d states of %d bytes and little more", when, got, states, large)
		}
	}
	used("while three lost holds and the item have the same", 1)
	commit(t, s, "id", thief, large)
	used("after a commit", 2)
	lock(t, s, "id")
	lost[3], thief = steal(t, s, "id")
	used("after another theft", 2)
	commit(t, s, "id", thief, 0)
	used("after a commit of nothing", 2)
	unlock(t, s, "id", lost[1], false)
	unlock(t, s, "id", lost[0], true)
	used("while one hold is left of those that were sent the first state", 2)
	commit(t, s, "id", lockLate(t, s, "id", lost[2]), 0)
	used("when none is left of them", 1)
	unlock(t, s, "id", lost[3], false)
	used("when no hold is lost", 0)
}

// TestBytesOfLostHoldsReturn ends a lost hold in each way there is.
func TestBytesOfLostHoldsReturn(t *testing.T) {
	for name, end := range map[string]func(t *testing.T, s *memstore.Store, lost uint64){
		"unlocked":              func(t *testing.T, s *memstore.Store, lost uint64) { unlock(t, s, "id", lost, false) },
		"unlocked as committed": func(t *testing.T, s *memstore.Store, lost uint64) { unlock(t, s, "id", lost, true) },
		"put late": func(t *testing.T, s *memstore.Store, lost uint64) {
			commit(t, s, "id", lockLate(t, s, "id", lost), 1000)
		},
		"unlocked late": func(t *testing.T, s *memstore.Store, lost uint64) {
			unlock(t, s, "id", lockLate(t, s, "id", lost), true)
		},
		"forgotten": func(t *testing.T, s *memstore.Store, lost uint64) {
			time.Sleep(40 * time.Second)
			touch(t, s, "id")
			time.Sleep(40 * time.Second)
			unlock(t, s, "id", lock(t, s, "id").Hold.Token, false)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStore(t, memstore.Options{})
				commit(t, s, "id", lock(t, s, "id").Hold.Token, 1000)
				before := s.Bytes()
				lock(t, s, "id")
				lost, thief := steal(t, s, "id")
				commit(t, s, "id", thief, 1000)
				if s.Bytes() < before+1000 {
					t.Errorf("%d bytes are used, no more than %d as if there were no base", s.Bytes(), before)
				}
				end(t, s, lost)
				if s.Bytes() != before {
					t.Errorf("%d bytes are used when the lost hold has ended, want %d as before", s.Bytes(), before)
				}
			})
		})
	}
}

// TestLostHoldsAreBounded has more holds lost than an item remembers, each with
// a state of its own.
func TestLostHoldsAreBounded(t *testing.T) {
	s := newStore(t, memstore.Options{})
	for range 100 {
		lock(t, s, "id")
		_, thief := steal(t, s, "id")
		commit(t, s, "id", thief, 10_000)
	}
	it, err := s.Get(t.Context(), "id", session.GetOptions{})
	must(t, err)
	if got, most := s.Bytes(), int64(17*(10_000+500)); got > most || len(it.Lost) != 16 {
		t.Errorf("%d holds are lost and %d bytes are used, want 16 and at most %d", len(it.Lost), got, most)
	}
	must(t, s.Delete(t.Context(), "id", 0))
	if s.Bytes() != 0 {
		t.Errorf("%d bytes are left", s.Bytes())
	}
}

// TestBaseStaysInAFullStore refuses a late commit for want of room: all stays as
// it was, so that it may be tried again.
func TestBaseStaysInAFullStore(t *testing.T) {
	s := newStore(t, memstore.Options{MaxBytes: 10_000})
	commit(t, s, "id", 0, 3000)
	lock(t, s, "id")
	lost, thief := steal(t, s, "id")
	commit(t, s, "id", thief, 3000)
	late, used := lockLate(t, s, "id", lost), s.Bytes()
	full(t, s.Put(t.Context(), "id", late, make([]byte, 7000), session.PutOptions{Timeout: time.Minute}), "MaxBytes")
	it, err := s.Base(t.Context(), "id", lost)
	if err != nil || len(it.Data) != 3000 {
		t.Errorf("the base has %d bytes, error %v", len(it.Data), err)
	}
	if s.Bytes() != used {
		t.Errorf("%d bytes are used after a Put that was refused, want %d", s.Bytes(), used)
	}
	commit(t, s, "id", late, 3000)
	if _, err := s.Base(t.Context(), "id", lost); !errors.Is(err, session.ErrLockLost) {
		t.Errorf("the base after a late commit: error %v, want ErrLockLost", err)
	}
	commit(t, s, "id", 0, 9000)
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package session_test

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sessionbridge/session"
)

// A listener notes events.
type listener struct {
	mu   sync.Mutex
	told []session.Event
}

func (l *listener) note(e session.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.told = append(l.told, e)
}

// take returns the events as text, without their times.
func (l *listener) take() (all []string) {
	synctest.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.told {
		s := fmt.Sprintf("%s %s %s", e.Kind, e.ID, e.Client)
		if e.Old != "" {
			s += " was " + e.Old
		}
		all = append(all, s)
	}
	l.told = nil
	return all
}

func TestEventsTellWhatBecomesOfASession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l listener
		m := newManager(t, newStore(t), session.ManagerOptions{OnEvent: l.note, HoldLimit: time.Second})
		want := func(when string, want ...string) {
			t.Helper()
			if got := l.take(); !cmp.Equal(got, want) {
				t.Errorf("%s: got %q, want %q", when, got, want)
			}
		}
		storeUnread(t, m, 1)
		want("first commit", "started "+testID+" shop", "committed "+testID+" shop")
		must(t, session.Do(t.Context(), m, testID, addUnread))
		want("another commit", "committed "+testID+" local")
		must(t, session.Do(t.Context(), m, testID, func(*session.Session) error { return nil }))
		must(t, mustHold(t, m, 0).Release(t.Context()))
		want("nothing changed")

		mustHold(t, m, time.Second)
		must(t, session.Do(t.Context(), m, testID, addUnread))
		want("a hold was lost", "hold lost "+testID+" shop", "committed "+testID+" local")

		opened := renewed(t, m)
		must(t, opened.Commit(t.Context()))
		id := opened.Session().ID()
		want("renewed", "renewed "+id+" local was "+testID)
		must(t, session.Do(t.Context(), m, id, (*session.Session).Abandon))
		want("abandoned", "abandoned "+id+" local")

		never, err := m.Open(t.Context(), testID, session.Writable)
		must(t, err)
		must(t, never.Session().Abandon())
		must(t, never.Commit(t.Context()))
		want("abandoned before it was stored")

		storeUnread(t, m, 1)
		l.take()
		time.Sleep(time.Hour)
		want("expired", "expired "+testID+" ")

		opened = renewed(t, m)
		must(t, opened.Commit(t.Context()))
		id = opened.Session().ID()
		want("renewed before it was stored", "started "+id+" local", "committed "+id+" local", "renewed "+id+" local")
	})
}

func TestEventsKeepNobodyWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		told, proceed := 0, make(chan struct{})
		m := newManager(t, newStore(t), session.ManagerOptions{EventQueue: 3, OnEvent: func(e session.Event) {
			if e.Time.IsZero() {
				t.Error("an event has no time")
			}
			<-proceed
			told++
		}})
		start := time.Now()
		storeUnread(t, m, 0)
		synctest.Wait() // one is being told, one waits
		for range 5 {
			must(t, session.Do(t.Context(), m, testID, addUnread))
		}
		since(t, start, 0)
		if got := m.Stats().EventsDropped; got != 3 {
			t.Errorf("%d were dropped, want 3", got)
		}
		var closing sync.WaitGroup
		closing.Go(func() {
			time.Sleep(time.Minute)
			close(proceed)
		})
		m.Close()
		since(t, start, time.Minute)
		if told != 4 {
			t.Errorf("%d were told, want 4 before Close returns", told)
		}
		closing.Wait()
	})
}

func TestEventKindsAreWords(t *testing.T) {
	if got := session.EventKind(99).String(); got != "EventKind(99)" {
		t.Errorf("got %q", got)
	}
	if err := (session.ManagerOptions{EventQueue: -1}).Check(); err == nil {
		t.Error("a queue of -1 is no error")
	}
}

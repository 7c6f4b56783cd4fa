// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package redisstore_test

import (
	"errors"
	"testing"
	"time"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/internal/redistest"
	"github.com/sessionbridge/session/redisstore"
)

// TestLostAnswer loses the answer to each change: it must be made once, not sent
// again, and the error must say that nobody knows.
func TestLostAnswer(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	proxy := redistest.StartProxy(t, server)
	near := open(t, redisstore.Options{URL: proxy.URL()})
	sees := open(t, redisstore.Options{URL: server.URL()})
	put := session.PutOptions{Timeout: time.Minute}

	for _, change := range []struct {
		name string
		make func(id string, token uint64) error
		made func(it session.Item, err error, token uint64) bool
	}{
		{"Lock that steals", func(id string, token uint64) error {
			_, err := near.Lock(t.Context(), id, session.LockOptions{Steal: token, Timeout: time.Minute})
			return err
		}, func(it session.Item, err error, token uint64) bool { return len(it.Lost) == 1 && it.Hold.Token > token }},
		{"Put", func(id string, token uint64) error { return near.Put(t.Context(), id, token, []byte("new"), put) },
			func(it session.Item, err error, token uint64) bool {
				return string(it.Data) == "new" && it.Committed.Token == token && it.Hold.Token == 0
			}},
		{"Unlock", func(id string, token uint64) error {
			return near.Unlock(t.Context(), id, token, session.UnlockOptions{})
		}, func(it session.Item, err error, token uint64) bool {
			return string(it.Data) == "old" && it.Hold.Token == 0
		}},
		{"Delete", func(id string, token uint64) error { return near.Delete(t.Context(), id, token) },
			func(it session.Item, err error, _ uint64) bool { return errors.Is(err, session.ErrNotFound) }},
	} {
		t.Run(change.name, func(t *testing.T) {
			id := session.NewID()
			if err := sees.Put(t.Context(), id, 0, []byte("old"), put); err != nil {
				t.Fatal(err)
			}
			held, err := near.Lock(t.Context(), id, session.LockOptions{Timeout: time.Minute})
			if err != nil {
				t.Fatal(err)
			}
			proxy.LoseAnswer(id)
			err = change.make(id, held.Hold.Token)
			sent := proxy.Pass()
			if !errors.Is(err, redisstore.ErrUnknown) {
				t.Errorf("got error %v, want ErrUnknown", err)
			}
			if sent != 1 {
				t.Errorf("it was sent %d times, want once", sent)
			}
			if it, err := sees.Get(t.Context(), id, session.GetOptions{}); !change.made(it, err, held.Hold.Token) {
				t.Errorf("afterwards the item is %+v, error %v", it, err)
			}
			if _, err := near.Get(t.Context(), id, session.GetOptions{}); err != nil && !errors.Is(err, session.ErrNotFound) {
				t.Errorf("the store has not recovered: %v", err)
			}
		})
	}
}

// TestLostAnswerThatIsAskedForAgain loses the answers to what may be done twice, for
// a while: nobody hears of it.
func TestLostAnswerThatIsAskedForAgain(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	proxy := redistest.StartProxy(t, server)
	s := open(t, redisstore.Options{URL: proxy.URL(), Patience: 20 * time.Second})
	id := session.NewID()
	for name, ask := range map[string]func() error{
		"Get":   func() error { _, err := s.Get(t.Context(), id, session.GetOptions{Touch: true}); return err },
		"Base":  func() error { _, err := s.Base(t.Context(), id, 1); return err },
		"Beat":  func() error { _, err := s.Beat(t.Context(), id, time.Minute); return err },
		"Learn": func() error { _, err := s.Learn(t.Context(), id, []string{"cart"}); return err },
	} {
		proxy.LoseAnswer(id)
		answer := make(chan error, 1)
		go func() { answer <- ask() }()
		redistest.Eventually(t, "an answer is lost", func() error {
			if proxy.Lost() == 0 {
				return errors.New("not yet")
			}
			return nil
		})
		proxy.Pass()
		if err := <-answer; err != nil && !errors.Is(err, session.ErrNotFound) && !errors.Is(err, session.ErrLockLost) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestLostAnswerToRead loses the answer to a read, which leaves nothing unknown
// that matters, but may have slid the expiry.
func TestLostAnswerToRead(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	proxy := redistest.StartProxy(t, server)
	s := open(t, redisstore.Options{URL: proxy.URL(), Patience: -1})
	id := session.NewID()
	proxy.LoseAnswer(id)
	_, err := s.Base(t.Context(), id, 1)
	if err == nil || errors.Is(err, redisstore.ErrUnknown) || errors.Is(err, session.ErrLockLost) {
		t.Errorf("Base: got error %v, want one of the connection", err)
	}
	proxy.Pass()
	if _, err := s.Base(t.Context(), id, 1); !errors.Is(err, session.ErrLockLost) {
		t.Errorf("Base: got error %v, want ErrLockLost", err)
	}
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package redisstore_test

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/internal/redistest"
	"github.com/sessionbridge/session/redisstore"
)

// TestAllKeysEnd checks that a prefix that nobody uses any more empties itself,
// and that nothing lies outside it.
func TestAllKeysEnd(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	s := open(t, redisstore.Options{URL: server.URL(), Prefix: "shop"})
	id, fresh, robbed := session.NewID(), session.NewID(), session.NewID()
	mustPut(t, s, id, "data")
	mustLock(t, s, fresh)
	mustPut(t, s, robbed, "data")
	token := mustLock(t, s, robbed)
	if _, err := s.Lock(t.Context(), robbed, session.LockOptions{Steal: token, Timeout: time.Minute}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Beat(t.Context(), "node", time.Minute); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Learn(t.Context(), "client", []string{"cart"}); err != nil {
		t.Fatal(err)
	}
	keys := strings.Fields(server.Do(t, "KEYS", "*"))
	if len(keys) < 8 {
		t.Errorf("there are but the keys %q", keys)
	}
	for _, key := range keys {
		ttl, err := strconv.Atoi(server.Do(t, "TTL", key))
		if err != nil || ttl <= 60 {
			t.Errorf("%s lives for %d s, error %v", key, ttl, err)
		}
		if !strings.HasPrefix(key, "{shop:") {
			t.Errorf("%s is not under the prefix", key)
		}
	}
}

// TestLearnOfNothingNewWritesNothing asks what a client has sent, as each of its
// commits may.
func TestLearnOfNothingNewWritesNothing(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	s := open(t, redisstore.Options{URL: server.URL()})
	learn := func(keys ...string) {
		t.Helper()
		if all, err := s.Learn(t.Context(), "shop", keys); err != nil || !slices.Equal(all, []string{"cart"}) {
			t.Fatalf("Learn answers %q, error %v", all, err)
		}
	}
	learn("cart")
	changes := func() string {
		_, after, _ := strings.Cut(server.Do(t, "INFO", "persistence"), "rdb_changes_since_last_save:")
		n, _, _ := strings.Cut(after, "\r\n")
		return n
	}
	before := changes()
	learn()
	learn("cart")
	if after := changes(); after != before || before == "" {
		t.Errorf("there were %s changes, and are %s", before, after)
	}
	key := onlyKey(t, server, "*client:shop")
	server.Do(t, "EXPIRE", key, strconv.Itoa(88*86400))
	learn()
	if ttl, err := strconv.Atoi(server.Do(t, "TTL", key)); err != nil || ttl < 89*86400 {
		t.Errorf("after a while it is kept for %d s, error %v", ttl, err)
	}
}

// TestIndexOutlivesReaders has a session that is only read, for longer than the
// index of its bucket was to last when it was last written.
func TestIndexOutlivesReaders(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	s := open(t, redisstore.Options{URL: server.URL()})
	id := session.NewID()
	// Long enough that a machine which is busy for a moment does not let it expire.
	if err := s.Put(t.Context(), id, 0, nil, session.PutOptions{Timeout: 5 * time.Second}); err != nil {
		t.Fatal(err)
	}
	tag, _, _ := strings.Cut(onlyKey(t, server, "*item:"+id), "item:")
	server.Do(t, "EXPIRE", tag+"due", "60")
	due := server.Do(t, "ZSCORE", tag+"due", "+"+id)
	redistest.Eventually(t, "the session is due later", func() error {
		if _, err := s.Get(t.Context(), id, session.GetOptions{Touch: true}); err != nil {
			return err
		}
		if _, _, err := s.Expire(t.Context(), 10); err != nil {
			return err
		}
		if server.Do(t, "ZSCORE", tag+"due", "+"+id) == due {
			return errors.New("it is not")
		}
		return nil
	})
	if ttl, err := strconv.Atoi(server.Do(t, "TTL", tag+"due")); err != nil || ttl <= 60 {
		t.Errorf("the index lives for %d s, error %v: nobody would be told when the session expires", ttl, err)
	}
}

// TestRemovedByRedis checks that a session is announced when it expires though
// Redis has removed it before.
func TestRemovedByRedis(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	s := open(t, redisstore.Options{URL: server.URL()})
	id, held := session.NewID(), session.NewID()
	for _, id := range []string{id, held} {
		if err := s.Put(t.Context(), id, 0, nil, session.PutOptions{Timeout: time.Second}); err != nil {
			t.Fatal(err)
		}
	}
	mustLock(t, s, session.NewID()) // new: nobody is to be told of it
	for _, key := range strings.Fields(server.Do(t, "KEYS", "*item:*")) {
		server.Do(t, "DEL", key)
	}
	var told []string
	redistest.Eventually(t, "both are announced", func() error {
		ids, _, err := s.Expire(t.Context(), 10)
		told = append(told, ids...)
		if err == nil && len(told) < 2 {
			err = session.ErrNotFound
		}
		return err
	})
	want := []string{id, held}
	slices.Sort(want)
	slices.Sort(told)
	if !slices.Equal(told, want) {
		t.Errorf("%q were announced, want %q", told, want)
	}
}

// TestExpireBesideForeignItem has an item that can't be read: all others expire.
func TestExpireBesideForeignItem(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	s := open(t, redisstore.Options{URL: server.URL()})
	for _, field := range []string{"s", "t", "h"} {
		t.Run(field, func(t *testing.T) {
			foreign, id := session.NewID(), session.NewID()
			for _, id := range []string{foreign, id} {
				if err := s.Put(t.Context(), id, 0, nil, session.PutOptions{Timeout: time.Millisecond}); err != nil {
					t.Fatal(err)
				}
			}
			server.Do(t, "HSET", onlyKey(t, server, "*item:"+foreign), field, "x")
			var told []string
			redistest.Eventually(t, "the other one is announced", func() error {
				ids, _, err := s.Expire(t.Context(), 10)
				told = append(told, ids...)
				if err == nil && !slices.Contains(told, id) {
					err = errors.New("not yet")
				}
				return err
			})
			if _, _, err := s.Expire(t.Context(), 10); err != nil || slices.Contains(told, foreign) {
				t.Errorf("%q were announced, error %v", told, err)
			}
		})
	}
}

// TestTokensRiseAfterFlush has a server that forgets all.
func TestTokensRiseAfterFlush(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	s := open(t, redisstore.Options{URL: server.URL()})
	id := session.NewID()
	last := mustLock(t, s, id)
	for range 3 {
		server.Do(t, "FLUSHALL")
		token := mustLock(t, s, id)
		if token <= last {
			t.Errorf("token %d follows %d", token, last)
		}
		last = token
	}
}

// TestTokensRiseWithoutClock has a counter that is ahead of the clock.
func TestTokensRiseWithoutClock(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	s := open(t, redisstore.Options{URL: server.URL()})
	id := session.NewID()
	token := mustLock(t, s, id)
	const ahead = 5_000_000_000_000_000
	tag, _, _ := strings.Cut(onlyKey(t, server, "*item:"+id), "item:")
	server.Do(t, "SET", tag+"token", strconv.Itoa(ahead))
	for i := range uint64(3) {
		if err := s.Delete(t.Context(), id, token); err != nil {
			t.Fatal(err)
		}
		if token = mustLock(t, s, id); token != ahead+1+i {
			t.Errorf("the token is %d, want %d", token, ahead+1+i)
		}
	}
}

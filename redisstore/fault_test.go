// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package redisstore_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/internal/redistest"
	"github.com/sessionbridge/session/redisstore"
)

// impatient are options with which a store gives up at once.
func impatient(s *redistest.Server) redisstore.Options {
	return redisstore.Options{URL: s.URL(), Patience: -1}
}

func put(s session.Store, t testing.TB, id, data string) error {
	t.Helper()
	return s.Put(t.Context(), id, 0, []byte(data), session.PutOptions{Timeout: time.Minute})
}

func mustPut(t testing.TB, s session.Store, id, data string) {
	t.Helper()
	if err := put(s, t, id, data); err != nil {
		t.Fatal(err)
	}
}

func mustLock(t testing.TB, s session.Store, id string) uint64 {
	t.Helper()
	it, err := s.Lock(t.Context(), id, session.LockOptions{Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	return it.Hold.Token
}

// tells checks an error that says that nothing was done, and why.
func tells(t *testing.T, err error, words ...string) {
	t.Helper()
	if err == nil || errors.Is(err, redisstore.ErrUnknown) {
		t.Errorf("got error %v, want one that says that nothing was done", err)
		return
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("the error is %q; it does not say %q", err, word)
		}
	}
}

func TestFull(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	s := open(t, redisstore.Options{URL: server.URL()})
	id := session.NewID()
	mustPut(t, s, id, "data")
	token := mustLock(t, s, id)
	server.Do(t, "CONFIG", "SET", "maxmemory", "1")

	err := s.Put(t.Context(), id, token, []byte("more"), session.PutOptions{Timeout: time.Minute})
	if !errors.Is(err, session.ErrFull) {
		t.Errorf("Put: got error %v, want ErrFull", err)
	}
	tells(t, err, "maxmemory")
	it, err := s.Get(t.Context(), id, session.GetOptions{Touch: true})
	if err != nil || string(it.Data) != "data" || it.Hold.Token != token {
		t.Errorf("after a Put that was refused the item is %+v, error %v", it, err)
	}
	if _, err := s.Beat(t.Context(), "node", time.Minute); err != nil {
		t.Errorf("Beat: %v", err)
	}
	if _, err := s.Learn(t.Context(), "shop", []string{"cart"}); err != nil {
		t.Errorf("Learn: %v", err)
	}
	if err := s.Unlock(t.Context(), id, token, session.UnlockOptions{}); err != nil {
		t.Errorf("Unlock: %v", err)
	}
	if err := s.Delete(t.Context(), id, 0); err != nil {
		t.Errorf("Delete: %v", err)
	}
	server.Do(t, "CONFIG", "SET", "maxmemory", "0")
	mustPut(t, s, id, "more")
}

func TestReplica(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	s := open(t, impatient(server))
	id := session.NewID()
	mustPut(t, s, id, "data")
	server.Do(t, "REPLICAOF", "127.0.0.1", "1")
	tells(t, put(s, t, id, "other"), "replica", "primary")
	server.Do(t, "REPLICAOF", "NO", "ONE")
	mustPut(t, s, id, "other")
}

// TestPatience has a server that becomes a primary while a call is under way.
func TestPatience(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	s := open(t, redisstore.Options{URL: server.URL(), Patience: 20 * time.Second})
	server.Do(t, "REPLICAOF", "127.0.0.1", "1")
	done := make(chan error, 1)
	id := session.NewID()
	go func() { done <- put(s, t, id, "data") }()
	time.Sleep(100 * time.Millisecond) // so that it meets a replica
	server.Do(t, "REPLICAOF", "NO", "ONE")
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestNobodyBehindProxy has a proxy that takes connections whose server is gone,
// and closes them: what was to be sent was not.
func TestNobodyBehindProxy(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	proxy := redistest.StartProxy(t, server)
	s := open(t, redisstore.Options{URL: proxy.URL(), Patience: -1})
	wantNobody(t, s, server)
}

// wantNobody kills the server behind the proxy that a store uses, and checks what
// a change is answered then.
func wantNobody(t *testing.T, s session.Store, server *redistest.Server) {
	t.Helper()
	id := session.NewID()
	mustPut(t, s, id, "data")
	server.Kill()
	redistest.Eventually(t, "each connection was found closed", func() error {
		err := put(s, t, id, "other")
		if err == nil || errors.Is(err, redisstore.ErrUnknown) {
			return fmt.Errorf("got error %w", err)
		}
		tells(t, err, "can't be reached")
		return nil
	})
}

// TestTooManyClients has a server that has no room for one more connection.
func TestTooManyClients(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	s := open(t, impatient(server))
	id := session.NewID()
	mustPut(t, s, id, "data")
	operator, err := net.Dial("tcp", server.Addr())
	must(t, err)
	defer operator.Close()
	said := bufio.NewReader(operator)
	do := func(command string) {
		_, err := io.WriteString(operator, command+"\r\n")
		must(t, err)
		line, err := said.ReadString('\n')
		if err != nil || strings.HasPrefix(line, "-") {
			t.Fatalf("%s: %q, error %v", command, line, err)
		}
	}
	do("CONFIG SET maxclients 1")
	do("CLIENT KILL TYPE normal")
	redistest.Eventually(t, "the store is refused", func() error {
		err = put(s, t, id, "other")
		if err == nil || !strings.Contains(err.Error(), "max number of clients") { // it has to see first that it was cut off
			return fmt.Errorf("got error %w", err)
		}
		return nil
	})
	tells(t, err, "maxclients")
	do("CONFIG SET maxclients 100")
	mustPut(t, s, id, "other")
}

func TestScriptsFlushed(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	s := open(t, redisstore.Options{URL: server.URL()})
	id := session.NewID()
	for range 2 {
		mustPut(t, s, id, "data")
		token := mustLock(t, s, id)
		server.Do(t, "SCRIPT", "FLUSH")
		if err := s.Unlock(t.Context(), id, token, session.UnlockOptions{}); err != nil {
			t.Error(err)
		}
		server.Do(t, "SCRIPT", "FLUSH")
		if _, _, err := s.Expire(t.Context(), 10); err != nil {
			t.Error(err)
		}
	}
}

func TestForeignKeys(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	s := open(t, redisstore.Options{URL: server.URL()})
	for i, spoil := range []struct{ kind, command, key, value, say string }{
		{"an item of another type", "SET", "item", "x", "another program"},
		{"an index of another type", "SET", "due", "x", "another program"},
		{"an item without its fields", "HSET item s 1", "", "", "another version"},
		{"a hold in another form", "HSET item h x", "", "", "another version"},
	} {
		t.Run(spoil.kind, func(t *testing.T) {
			id := session.NewID()
			mustPut(t, s, id, "data")
			item := onlyKey(t, server, "*item:"+id)
			tag, _, _ := strings.Cut(item, "item:")
			server.Do(t, "DEL", item)
			if i != 1 {
				defer server.Do(t, "DEL", item)
			}
			switch i {
			case 0:
				server.Do(t, "SET", item, "x")
			case 1:
				mustPut(t, s, id, "data")
				server.Do(t, "SET", tag+"due", "x")
				defer server.Do(t, "DEL", tag+"due")
			case 2:
				server.Do(t, "HSET", item, "s", "1")
			case 3:
				server.Do(t, "HSET", item, "s", "99999999999999999", "t", "1000", "h", "x")
			}
			err := put(s, t, id, "other")
			tells(t, err, spoil.say, "prefix")
			if !errors.Is(err, session.ErrDamaged) {
				t.Errorf("got error %v, want ErrDamaged", err)
			}
			if err != nil && strings.Contains(err.Error(), id) {
				t.Errorf("the error tells the id: %v", err)
			}
			if i == 1 { // nothing was done
				it, err := s.Get(t.Context(), id, session.GetOptions{})
				if err != nil || string(it.Data) != "data" {
					t.Errorf("the item is %+v, error %v", it, err)
				}
				return
			}
			if _, _, err := s.Expire(t.Context(), 10); err != nil {
				t.Errorf("Expire: %v", err)
			}
		})
	}
}

// TestDamagedLostHold has a lost hold that can't be read: who meets it has changed
// nothing.
func TestDamagedLostHold(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	s := open(t, redisstore.Options{URL: server.URL()})
	id := session.NewID()
	mustPut(t, s, id, "data")
	lost := mustLock(t, s, id)
	it, err := s.Lock(t.Context(), id, session.LockOptions{Steal: lost, Timeout: time.Minute})
	must(t, err)
	must(t, s.Put(t.Context(), id, it.Hold.Token, []byte("other"), session.PutOptions{Timeout: time.Minute}))
	item := onlyKey(t, server, "*item:"+id)
	server.Do(t, "HSET", item, fmt.Sprint("l", lost), "60000000000 x")
	before := server.Do(t, "HGETALL", item)
	_, err = s.Lock(t.Context(), id, session.LockOptions{Timeout: time.Minute})
	if !errors.Is(err, session.ErrDamaged) {
		t.Errorf("Lock: got error %v, want ErrDamaged", err)
	}
	if err := s.Unlock(t.Context(), id, lost, session.UnlockOptions{Committed: true}); !errors.Is(err, session.ErrDamaged) {
		t.Errorf("Unlock: got error %v, want ErrDamaged", err)
	}
	if after := server.Do(t, "HGETALL", item); after != before {
		t.Errorf("the item was %q and is %q", before, after)
	}
}

// onlyKey is the one key of a pattern.
func onlyKey(t testing.TB, s *redistest.Server, pattern string) string {
	t.Helper()
	keys := strings.Fields(s.Do(t, "KEYS", pattern))
	if len(keys) != 1 {
		t.Fatalf("there are the keys %q of %s, want 1", keys, pattern)
	}
	return keys[0]
}

func TestRestart(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, "--appendonly", "yes", "--appendfsync", "always")
	s := open(t, impatient(server))
	id := session.NewID()
	mustPut(t, s, id, "data")
	token := mustLock(t, s, id)
	changed, stop, err := s.Watch(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	server.Kill()
	redistest.Eventually(t, "the store says that Redis can't be reached", func() error {
		err := put(s, t, id, "other")
		if err == nil || errors.Is(err, redisstore.ErrUnknown) || !strings.Contains(err.Error(), "can't be reached") {
			return fmt.Errorf("got error %w", err)
		}
		return nil
	})
	for len(changed) > 0 {
		<-changed
	}
	server.Run(t)
	redistest.Eventually(t, "the store works again", func() error {
		_, err := s.Get(t.Context(), id, session.GetOptions{})
		return err
	})
	it, err := s.Get(t.Context(), id, session.GetOptions{})
	if err != nil || string(it.Data) != "data" || it.Hold.Token != token {
		t.Errorf("after the restart the item is %+v, error %v", it, err)
	}
	select {
	case <-changed: // something may have been missed
	case <-time.After(10 * time.Second):
		t.Error("no signal when the subscription was back")
	}
	if err := s.Put(t.Context(), id, token, []byte("other"), session.PutOptions{Timeout: time.Minute}); err != nil {
		t.Error(err)
	}
}

// TestFrozen has a server that does not answer: the context bounds the call.
func TestFrozen(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	s := open(t, redisstore.Options{URL: server.URL()})
	id := session.NewID()
	mustPut(t, s, id, "data")
	server.Freeze(t)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	begun := time.Now()
	err := s.Put(ctx, id, 0, []byte("other"), session.PutOptions{Timeout: time.Minute})
	took := time.Since(begun)
	if !errors.Is(err, redisstore.ErrUnknown) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Put: got error %v, want ErrUnknown and the context's", err)
	}
	if _, err := s.Base(ctx, id, 1); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Base: got error %v, want the context's", err)
	}
	if took > 5*time.Second {
		t.Errorf("it took %s", took)
	}
	server.Thaw(t)
	redistest.Eventually(t, "the store works again", func() error { return put(s, t, id, "again") })
}

// TestCloseOfFrozen has a server that does not answer when the store closes.
func TestCloseOfFrozen(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	s := openUnclosed(t, redisstore.Options{URL: server.URL()})
	server.Freeze(t)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := s.Delete(ctx, session.NewID(), 0); !errors.Is(err, redisstore.ErrUnknown) {
		t.Errorf("Delete: got error %v, want ErrUnknown", err)
	}
	begun := time.Now()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if took := time.Since(begun); took > 12*time.Second {
		t.Errorf("Close took %s", took)
	}
}

// TestSubscriptionBroken kills the connection that hears of changes.
func TestSubscriptionBroken(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	s := open(t, redisstore.Options{URL: server.URL()})
	id := session.NewID()
	changed, stop, err := s.Watch(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	redistest.Eventually(t, "the store is subscribed", func() error {
		if n := server.Do(t, "PUBSUB", "CHANNELS"); n == "" {
			return errors.New("no channel")
		}
		return nil
	})
	time.Sleep(50 * time.Millisecond) // for the signal of its beginning
	for len(changed) > 0 {
		<-changed
	}
	server.Do(t, "CLIENT", "KILL", "TYPE", "pubsub")
	select {
	case <-changed:
	case <-time.After(10 * time.Second):
		t.Error("no signal when the subscription began anew")
	}
	mustPut(t, s, id, "data")
	select {
	case <-changed:
	case <-time.After(10 * time.Second):
		t.Error("no signal of a change after that")
	}
}

// TestNobodyBehindProxyWithTLS has the same with TLS, where a connection begins with that.
func TestNobodyBehindProxyWithTLS(t *testing.T) {
	t.Parallel()
	server, authority := redistest.StartTLS(t)
	proxy := redistest.StartProxy(t, server)
	o := redisstore.Options{URL: strings.Replace(proxy.URL(), "redis:", "rediss:", 1), TLS: authority.Client(), Patience: -1}
	s := open(t, o)
	wantNobody(t, s, server)
}

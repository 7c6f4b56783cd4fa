// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package redisstore_test

import (
	"context"
	"log/slog"
	"net/url"
	"os"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/internal/redistest"
	"github.com/sessionbridge/session/redisstore"
)

func TestTLS(t *testing.T) {
	t.Parallel()
	server, authority := redistest.StartTLS(t)
	secure := "rediss://" + server.Addr()
	s := open(t, redisstore.Options{URL: secure, TLS: authority.Client()})
	mustPut(t, s, session.NewID(), "data")

	_, err := redisstore.Open(t.Context(), redisstore.Options{URL: secure, Patience: -1, Logger: silent()})
	tells(t, err, "certificate is not accepted", "unknown authority")
	if strings.Contains(err.Error(), "no TLS") {
		t.Errorf("the error has two causes: %v", err)
	}
	_, err = redisstore.Open(t.Context(), redisstore.Options{URL: server.URL(), Patience: -1, Logger: silent()})
	tells(t, err, "can't be reached", "a port with TLS wants rediss://")

	plain := redistest.Start(t) // waits for more of what is no command to it
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err = redisstore.Open(ctx, redisstore.Options{URL: "rediss://" + plain.Addr(), Patience: -1, Logger: silent()})
	tells(t, err, "can't be reached", "no TLS was agreed on")
}

// TestOpenWhatHangs has a server that takes connections and answers nothing.
func TestOpenWhatHangs(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	server.Freeze(t)
	defer server.Thaw(t)
	_, err := redisstore.Open(t.Context(), redisstore.Options{URL: server.URL(), Patience: -1, Logger: silent()})
	tells(t, err, "can't be reached", "i/o timeout")
	if strings.Contains(err.Error(), "TLS") {
		t.Errorf("the error speaks of TLS: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err = redisstore.Open(ctx, redisstore.Options{URL: server.URL(), Patience: -1, Logger: silent()})
	tells(t, err, "no answer in time")
}

// TestUser has a user who may do no more than the README says.
func TestUser(t *testing.T) {
	t.Parallel()
	const password = "p/w:d@?"
	server := redistest.Start(t)
	acl := append([]string{"ACL", "SETUSER", "bridge", "on", ">" + password}, strings.Fields(documentedRules(t))...)
	server.Do(t, acl...)

	at := func(user, password string) redisstore.Options {
		u := url.URL{Scheme: "redis", User: url.UserPassword(user, password), Host: server.Addr()}
		return redisstore.Options{URL: u.String(), Patience: -1, Logger: silent()}
	}
	s := open(t, at("bridge", password))
	id := session.NewID()
	mustPut(t, s, id, "data")
	if _, err := s.Learn(t.Context(), "shop", []string{"cart"}); err != nil {
		t.Error(err)
	}
	if _, err := s.Beat(t.Context(), "node", time.Minute); err != nil {
		t.Error(err)
	}
	changed, stop, err := s.Watch(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	if _, _, err := s.Expire(t.Context(), 10); err != nil {
		t.Error(err)
	}
	mustPut(t, s, id, "other")
	select {
	case <-changed:
	case <-time.After(10 * time.Second):
		t.Error("the user is not subscribed")
	}

	server.Do(t, "ACL", "SETUSER", "bridge", "+select") // with a database other than 0
	other := at("bridge", password)
	other.URL += "/1"
	open(t, other)
	if denied := server.Do(t, "ACL", "LOG"); denied != "" {
		t.Errorf("the user was denied: %s", denied)
	}

	server.Do(t, "ACL", "SETUSER", "bridge", "-zadd")
	if _, err := redisstore.Open(t.Context(), at("bridge", password)); err == nil || !strings.Contains(err.Error(), "lacks a permission") {
		t.Errorf("without a permission Open answers %v", err)
	}
	server.Do(t, "ACL", "SETUSER", "default", "off")
	_, err = redisstore.Open(t.Context(), at("bridge", "wrong"+password))
	tells(t, err, "refuses user or password")
	if err != nil && strings.Contains(err.Error(), password) {
		t.Errorf("the error tells the password: %v", err)
	}
	_, err = redisstore.Open(t.Context(), redisstore.Options{URL: server.URL(), Patience: -1, Logger: silent()})
	tells(t, err, "wants a password")
}

// TestServerThatKnowsNoCommand has servers that quote what they do not know: AUTH
// with the password, and what is asked of a session with its id.
func TestServerThatKnowsNoCommand(t *testing.T) {
	t.Parallel()
	const password = "s3cret"
	server := redistest.Start(t, "--rename-command", "HELLO", "", "--rename-command", "AUTH", "")
	_, err := redisstore.Open(t.Context(), redisstore.Options{URL: strings.Replace(server.URL(), "://", "://user:"+password+"@", 1), Patience: -1, Logger: silent()})
	tells(t, err, "unknown command 'AUTH'")
	if strings.Contains(err.Error(), password) {
		t.Errorf("the error tells the password: %v", err)
	}

	server = redistest.Start(t, "--rename-command", "EVAL", "", "--rename-command", "EVALSHA", "")
	_, err = redisstore.Open(t.Context(), redisstore.Options{URL: server.URL(), Patience: -1, Logger: silent()})
	tells(t, err, "unknown command 'EVALSHA'")
	if strings.Contains(err.Error(), "item:") {
		t.Errorf("the error tells the id of a session: %v", err)
	}
}

// TestUserWhileKeysMove has a user who may do no more than the README says, in a
// cluster whose keys have moved already and whose slot is about to.
func TestUserWhileKeysMove(t *testing.T) {
	t.Parallel()
	cluster := redistest.StartCluster(t)
	acl := append([]string{"ACL", "SETUSER", "bridge", "on", ">password"}, strings.Fields(documentedRules(t))...)
	for _, server := range cluster.Servers {
		server.Do(t, acl...)
	}
	s := open(t, redisstore.Options{URL: strings.Replace(cluster.URL(), "://", "://bridge:password@", 1)})
	id := session.NewID()
	mustPut(t, s, id, "data")
	token := mustLock(t, s, id)
	tag, _, _ := strings.Cut("{session:"+bucketTag(t, cluster, id), "item:")
	move(t, cluster, tag)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if it, err := s.Get(ctx, id, session.GetOptions{}); err != nil || string(it.Data) != "data" {
		t.Errorf("the item is %+v, error %v", it, err)
	}
	if err := s.Put(ctx, id, token, []byte("other"), session.PutOptions{Timeout: time.Minute}); err != nil {
		t.Error(err)
	}
}

// move moves the keys of a tag to another primary, and leaves their slot where it
// is.
func move(t *testing.T, cluster *redistest.Cluster, tag string) {
	t.Helper()
	from, to := cluster.Primary(t, tag), cluster.Servers[0]
	if to == from {
		to = cluster.Servers[1]
	}
	slot := from.Do(t, "CLUSTER", "KEYSLOT", tag)
	to.Do(t, "CLUSTER", "SETSLOT", slot, "IMPORTING", from.Do(t, "CLUSTER", "MYID"))
	from.Do(t, "CLUSTER", "SETSLOT", slot, "MIGRATING", to.Do(t, "CLUSTER", "MYID"))
	for _, key := range strings.Fields(from.Do(t, "CLUSTER", "GETKEYSINSLOT", slot, "100")) {
		if said := from.Do(t, "MIGRATE", "127.0.0.1", strconv.Itoa(to.Port), key, "0", "5000"); said != "OK" {
			t.Fatalf("MIGRATE %s: %s", key, said)
		}
	}
}

func TestEvictingServer(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, "--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru")
	_, err := redisstore.Open(t.Context(), redisstore.Options{URL: server.URL(), Logger: silent()})
	tells(t, err, "maxmemory-policy noeviction", "allkeys-lru")
	var log strings.Builder
	open(t, redisstore.Options{URL: server.URL(), AllowEviction: true, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	for _, word := range []string{"noeviction", "appendonly yes"} {
		if !strings.Contains(log.String(), word) {
			t.Errorf("the log does not say %q: %s", word, log.String())
		}
	}
}

func TestOpenFails(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	server.Kill()
	_, err := redisstore.Open(t.Context(), impatient(server))
	tells(t, err, "can't be reached", server.Addr())
	done, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := redisstore.Open(done, redisstore.Options{URL: server.URL()}); err == nil {
		t.Error("a context that is done is no error")
	}
}

// TestCloseLeavesNothing is not parallel: it counts goroutines.
func TestCloseLeavesNothing(t *testing.T) {
	server := redistest.Start(t)
	before := runtime.NumGoroutine()
	for range 3 {
		s := openUnclosed(t, redisstore.Options{URL: server.URL()})
		mustPut(t, s, session.NewID(), "data")
		ctx, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
		_ = s.Put(ctx, session.NewID(), 0, nil, session.PutOptions{Timeout: time.Minute})
		cancel()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	for range 200 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(10 * time.Millisecond) // those of the client end when their connection has
	}
	buf := make([]byte, 1<<16)
	t.Errorf("there were %d goroutines and are %d:\n%s", before, runtime.NumGoroutine(), buf[:runtime.Stack(buf, true)])
}

// documentedRules are the ACL rules in the README.
func documentedRules(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?s)ACL SETUSER bridge on >password (.*?)\n` + "```").FindSubmatch(text)
	if found == nil {
		t.Fatal("the README has no ACL SETUSER")
	}
	return strings.ReplaceAll(string(found[1]), "\\\n", " ")
}

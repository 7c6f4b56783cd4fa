// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package attack_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sessionbridge/session/internal/attack"
)

// full lets attacks that wait take the whole minute that the server gives them.
var full = flag.Bool("attack.full", false, "wait for limits of a minute too")

const (
	bystanderKey  = "7d5c1e30-9f46-4182-8c3b-e4f5a6b7c8d9"
	attackerKey   = "5b3a9c1e-7d24-4f60-8a19-c2d3e4f5a6b7"
	accompliceKey = "6c4b0d2f-8e35-4071-9b2a-d3e4f5a6b7c8"
	churnKey      = "8e6d2f41-a057-4293-9d4c-f5a6b7c8d9e0"
	goneKey       = "a08f4b63-c279-44b5-bf6e-17c8d9eafb02"
	sluggardKey   = "b1905c74-d38a-45c6-a07f-28d9eafb0c13"
	strangerKey   = "9f7e3a52-b168-43a4-ae5d-06b7c8d9eaf1" // of no client
)

// The limits that the attacked servers have; those that can't be set are net/http's
// and remoteapp's.
const (
	getLimit  = 6 * time.Second
	postLimit = 2 * time.Second
	lockWait  = 10 * time.Second
	places    = 50 // for writers who wait for one session
)

// settings are what a server's file says.
func settings() string {
	return fmt.Sprintf(`clients:
  - {name: bystander, key: %s}
  - {name: attacker, key: %s}
  - {name: accomplice, key: %s}
  - {name: gone, key: %s}
  - {name: sluggard, key: %s}
  - {name: churn, key: %s, keys: ["churn*"]}
session: {get_hold_limit: %s, duplex_hold_limit: %s, lock_wait: %s, max_waiters: %d, heartbeat: 1s}
`, bystanderKey, attackerKey, accompliceKey, goneKey, sluggardKey, churnKey, getLimit, postLimit, lockWait, places)
}

// heapAllowance is how much more heap a server may have after an attack: the
// descriptors of goroutines that have ended, which Go keeps (5 MiB after 10,000
// connections), buffers for the next request, and garbage that the last collection
// came too early for.
const heapAllowance = 8 << 20

// patience is how long a server may take to be as it was before an attack.
const patience = 40 * time.Second

// An arena is a server that is attacked.
type arena struct {
	*attack.Server
	t       *testing.T
	before  attack.Census
	churner *http.Client
}

// newArena starts a server and takes its census.
func newArena(t *testing.T, program string) *arena {
	t.Helper()
	dir := t.TempDir()
	log, err := os.Create(filepath.Join(dir, "log"))
	must(t, err)
	server, err := attack.Start(program, dir, settings(), log)
	must(t, err)
	a := &arena{Server: server, t: t, churner: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Errorf("serve ended with %v", err)
		}
		log.Close()
		a.checkLog(log.Name())
	})
	a.warmUp()
	return a
}

// strangersLines is how many lines of a log those may cause who have no key: each
// kind is logged now and then.
const strangersLines = 50

// checkLog fails if the server's log has a fault or a secret in it, or too much of
// strangers.
func (a *arena) checkLog(name string) {
	log, err := os.ReadFile(name)
	must(a.t, err)
	for _, bad := range []string{"a fault in the handler", "panic", attackerKey, bystanderKey, accompliceKey, victimID} {
		if at := bytes.Index(log, []byte(bad)); at >= 0 {
			a.t.Errorf("the log has %q:\n%s", bad, log[max(0, at-500):min(len(log), at+2000)])
		}
	}
	if n := bytes.Count(log, []byte("level=WARN msg=\"http")); n > strangersLines {
		a.t.Errorf("the log has %d lines of net/http, want %d at most", n, strangersLines)
	}
}

// warmUp lets the server make what it keeps, stores what churn reads, and takes
// the census before the first attack.
func (a *arena) warmUp() {
	a.t.Helper()
	b := attack.StandBy(a.t.Context(), a.Server, bystanderKey, users, pace)
	time.Sleep(500 * time.Millisecond)
	must(a.t, b.Leave())
	must(a.t, a.storeLarge(churnKey, churnID, "churn"))
	first, err := attack.Take(a.t.Context(), a.Admin)
	must(a.t, err)
	for {
		must(a.t, a.churn())
		a.before, err = attack.Take(a.t.Context(), a.Admin)
		must(a.t, err)
		if a.before.Collections >= first.Collections+2 && a.before.Holds == 0 {
			break
		}
	}
	for range 20 { // a census counts some goroutines and descriptors of its own, sometimes
		now, err := attack.Take(a.t.Context(), a.Admin)
		must(a.t, err)
		a.before.Goroutines, a.before.Descriptors = max(a.before.Goroutines, now.Goroutines), max(a.before.Descriptors, now.Descriptors)
		must(a.t, a.churn())
	}
}

// storeLarge stores a session of half a MiB.
func (a *arena) storeLarge(key, id, name string) error {
	ctx, cancel := context.WithTimeout(a.t.Context(), patience)
	defer cancel()
	p, err := a.hold(ctx, attack.Request{Method: "GET", Key: key, ID: id})
	if err != nil {
		return err
	}
	defer p.Close()
	return a.mustPut(ctx, attack.Request{Method: "PUT", Key: key, ID: id}, attack.Update(id, 20, name, `"`+strings.Repeat("a", 512<<10)+`"`))
}

// churn lets the server allocate and forget a few MiB: a session of which a
// client sees a part is copied for it.
func (a *arena) churn() error {
	for range 4 {
		r, err := http.NewRequestWithContext(a.t.Context(), http.MethodGet, "http://"+a.Plain+attack.Path, nil)
		if err != nil {
			return err
		}
		r.Header.Set(attack.KeyHeader, churnKey)
		r.Header.Set("Cookie", attack.CookieName+"="+churnID)
		r.Header.Set(attack.ReadOnlyHeader, "True")
		res, err := a.churner.Do(r)
		if err != nil {
			return err
		}
		n, err := io.Copy(io.Discard, res.Body)
		if err != nil || n < 512<<10 {
			return fmt.Errorf("churn read %d bytes: %w", n, err)
		}
		res.Body.Close()
	}
	return nil
}

// settle waits until the server is as it was before all attacks, and says how
// much heap is left over.
func (a *arena) settle() (string, error) {
	ctx, cancel := context.WithTimeout(a.t.Context(), patience)
	defer cancel()
	now, err := attack.Settle(ctx, a.Admin, a.before, heapAllowance, a.churn)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%+.1f MiB", float64(now.Heap-a.before.Heap)/(1<<20)), nil
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// errWrong is the error of an answer that is not the one that is due.
var errWrong = errors.New("wrong answer")

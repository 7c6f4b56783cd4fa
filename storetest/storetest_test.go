// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/memstore"
)

func newMemstore(t *testing.T) session.Store {
	t.Helper()
	s, err := memstore.New(memstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestRealClock runs the suite as a store on real sockets has to, with two
// handles on what is kept.
func TestRealClock(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for some seconds")
	}
	same := func(_ *testing.T, s session.Store) session.Store { return s }
	Test(t, Options{New: newMemstore, Second: same, Reopen: same})
}

// TestBrokenStores checks that the suite finds what breaks the contract, by the
// check that is meant to.
func TestBrokenStores(t *testing.T) {
	for _, br := range brokenStores() {
		t.Run(br.name, func(t *testing.T) {
			o := Options{
				New:    func(t *testing.T) session.Store { return br.wrap(newMemstore(t)) },
				Bubble: synctest.Test,
				Reopen: br.reopen,
			}
			ch := checkNamed(t, br.check, o)
			if complaints := ch.complaints(t, o); len(complaints) == 0 {
				t.Errorf("the check %q passes", br.check)
			}
		})
	}
}

// TestWholeStore checks that no check complains about a store that keeps the
// contract, when it runs as for the broken ones.
func TestWholeStore(t *testing.T) {
	o := Options{New: newMemstore, Bubble: synctest.Test}
	for _, ch := range checks(o) {
		if complaints := ch.complaints(t, o); len(complaints) > 0 {
			t.Errorf("the check %q fails: %q", ch.name, complaints)
		}
	}
}

func checkNamed(t *testing.T, name string, o Options) check {
	t.Helper()
	for _, ch := range checks(o) {
		if ch.name == name {
			return ch
		}
	}
	t.Fatalf("there is no check %q", name)
	return check{}
}

// complaints runs a check in a bubble and returns what it has to say.
func (ch check) complaints(t *testing.T, o Options) (all []string) {
	o.Bubble(t, func(t *testing.T) { _, all = ch.record(t, o) })
	return all
}

// TestStalledMachine stalls a check until it fails: it must run again. One that
// fails without a stall must not.
func TestStalledMachine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		runs := 0
		stalls := check{"stalls once", func(c *trial) {
			c.wait(0.5)
			if runs++; runs == 1 {
				time.Sleep(c.timeout)
				c.Fatalf("stalled")
			}
		}}
		stalls.performTimed(t, Options{New: newMemstore})
		if runs != 2 {
			t.Errorf("a check that stalled once ran %d times", runs)
		}
		fails := check{"fails", func(c *trial) {
			c.wait(0.5)
			c.Errorf("failed")
		}}
		c, complaints := fails.record(t, Options{New: newMemstore})
		if len(complaints) != 1 || c.stalled() != 0 {
			t.Errorf("a check that failed in time says %q and has stalled for %s", complaints, c.stalled())
		}
	})
}

func TestCheckNames(t *testing.T) {
	seen := map[string]bool{}
	same := func(_ *testing.T, s session.Store) session.Store { return s }
	for _, ch := range checks(Options{Reopen: same, Small: newMemstore}) {
		if seen[ch.name] || strings.Contains(ch.name, "/") {
			t.Errorf("the name %q is there twice, or has a slash", ch.name)
		}
		seen[ch.name] = true
	}
}

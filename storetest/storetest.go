// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

// Package storetest checks that a [session.Store] keeps its contract. A store
// calls [Test] in a test of its own:
//
//	func TestStore(t *testing.T) {
//		storetest.Test(t, storetest.Options{
//			New:    func(t *testing.T) session.Store { return newStore(t) },
//			Bubble: synctest.Test, // twenty minutes pass in no time
//		})
//	}
//
// It knows the contract only, nothing of any store.
package storetest

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sessionbridge/session"
)

// Options tell the suite how to come by stores, and what these can do. Only New
// is required. The suite closes every store that it was given.
type Options struct {
	// New opens an empty store. It is called from several tests at a time if
	// Bubble is nil; what one of these stores keeps, the others must not see.
	New func(t *testing.T) session.Store

	// Bubble runs f by a clock that jumps: synctest.Test, for a store that
	// uses no network. If it is nil, the suite waits by the real clock.
	Bubble func(t *testing.T, f func(t *testing.T))

	// Timeout is the idle timeout that the suite stores items with if it has
	// to wait by the real clock; 0 means 2 s. The suite takes some five times
	// as long. Where the store answers slowly, it should be longer.
	Timeout time.Duration

	// Second opens a second store on what the first one keeps, as another node
	// does. If it is nil, all nodes of the suite share one store.
	Second func(t *testing.T, first session.Store) session.Store

	// Reopen opens a store on what another one kept, which is closed already.
	// Leave it nil if nothing outlives the store.
	Reopen func(t *testing.T, closed session.Store) session.Store

	// Small opens an empty store with room for a few items of 1 KiB, and for
	// less than 10,000 of them. Leave it nil if the room can't be bounded.
	Small func(t *testing.T) session.Store
}

// Test checks every sentence of the contract in a test of its own.
func Test(t *testing.T, o Options) {
	if o.Bubble == nil {
		testTogether(t, o)
		return
	}
	for _, ch := range checks(o) {
		t.Run(ch.name, func(t *testing.T) {
			o.Bubble(t, func(t *testing.T) { ch.perform(t, o) })
		})
	}
}

// testTogether runs many checks at a time, for they do little but wait. t.Parallel
// would run no more than there are processors.
func testTogether(t *testing.T, o Options) {
	const atOnce = 16
	room := make(chan struct{}, atOnce)
	var wg sync.WaitGroup
	for _, ch := range checks(o) {
		wg.Go(func() {
			room <- struct{}{}
			defer func() { <-room }()
			t.Run(ch.name, func(t *testing.T) { ch.performTimed(t, o) })
		})
	}
	wg.Wait()
}

// A check is one sentence of the contract and how to find out.
type check struct {
	name string
	run  func(*trial)
}

// checks are all that can be done with a store.
func checks(o Options) []check {
	all := slices.Concat(itemChecks(), holdChecks(), lostChecks(), baseChecks(), lossesChecks(), lateChecks(), expiryChecks(), heldExpiryChecks(), expireChecks(), watchChecks(), byteChecks(), contextChecks(), nodeChecks(), crowdChecks())
	if o.Reopen != nil {
		all = append(all, reopenChecks()...)
	}
	if o.Small != nil {
		all = append(all, check{"a full store refuses and evicts nothing", fullStore})
	}
	return all
}

// perform runs a check on a new store.
func (ch check) perform(t *testing.T, o Options) {
	c := newTrial(t, t, o)
	defer c.close()
	ch.run(c)
}

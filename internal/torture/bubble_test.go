// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package torture_test

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/internal/torture"
	"github.com/sessionbridge/session/memstore"
)

// ids returns those of n sessions that pages use.
func ids(n int) []string {
	var ids []string
	for letter := range n {
		ids = append(ids, strings.Repeat(string(rune('a'+letter)), 24))
	}
	return ids
}

// A bubble is one round on Managers in a synctest bubble: minutes pass in no
// time, so that nodes die and holds are lost as they are in earnest.
type bubble struct {
	seed   uint64
	refuse bool // late commits are refused
	broken func(session.Store) session.Store
	counts *torture.Counts
}

func (b bubble) rules() torture.Rules {
	return torture.Rules{RefuseLate: b.refuse, LastWins: []string{"seen"}}
}

// play plays the round. What it returns is still to be checked, outside of the
// bubble: the checker wants real time.
func (b bubble) play(t *testing.T) (h *torture.History) {
	synctest.Test(t, func(t *testing.T) {
		witness := torture.NewWitness(b.counts)
		nodes := torture.NewNodes(b.reach(t), b.manager(t), witness, rand.New(rand.NewPCG(b.seed, 10)), 0.01)
		for range 3 {
			if _, err := nodes.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		w := &torture.Workload{
			Seed: b.seed, Sessions: ids(2), Writers: 3 + int(b.seed%6), Readers: 2,
			Doors: []torture.Door{&torture.HoldDoor{Nodes: nodes, Limit: 5 * time.Second}, torture.LocalDoor(nodes)},
			For:   2 * time.Minute, Think: 3 * time.Second, Slow: 40 * time.Second, Patience: 3 * time.Second,
			Witness: witness, Counts: b.counts,
		}
		peace := b.trouble(t, nodes)
		h = w.Run(t.Context())
		peace()
		time.Sleep(2 * time.Minute) // what is late arrives
		if err := errors.Join(w.Settle(t.Context()), nodes.Close()); err != nil {
			t.Error(err)
		}
	})
	return h
}

// trouble lets trouble befall the nodes until peace is called.
func (b bubble) trouble(t *testing.T, nodes *torture.Nodes) (peace func()) {
	ctx, cancel := context.WithCancel(t.Context())
	var trouble sync.WaitGroup
	trouble.Go(func() {
		befall := torture.Trouble{Every: 20 * time.Second, Longest: 40 * time.Second}
		if err := befall.Befall(ctx, nodes, rand.New(rand.NewPCG(b.seed, 11))); err != nil {
			t.Error(err)
		}
	})
	return func() {
		cancel()
		trouble.Wait()
	}
}

// reach gives all nodes one store in memory.
func (b bubble) reach(t *testing.T) torture.Reach {
	store, err := memstore.New(memstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var shared session.Store = store
	if b.broken != nil {
		shared = b.broken(store)
	}
	return func(context.Context, string) (session.Store, error) { return shared, nil }
}

func (b bubble) manager(t *testing.T) session.ManagerOptions {
	return session.ManagerOptions{
		HoldLimit: 5 * time.Second, LockWait: 30 * time.Second, RefuseLate: b.refuse,
		LastWins: scope(t, "seen"), Logger: slog.New(slog.DiscardHandler),
	}
}

// check checks a round that is over.
func (b bubble) check(h *torture.History) error {
	h.Count(b.counts)
	return errors.Join(h.Check(b.rules(), time.Minute), h.CheckSum(ids(1)[0]))
}

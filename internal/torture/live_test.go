// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package torture_test

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/internal/torture"
	"github.com/sessionbridge/session/memstore"
	"github.com/sessionbridge/session/remoteapp"
)

// A live round is one over sockets, in real time: pages in other programs, over
// one connection and over two, beside those of the nodes' own processes, while
// connections break.
type live struct {
	seed   uint64
	broken func(session.Store) session.Store
	counts *torture.Counts

	network *torture.Network
	nodes   *torture.Nodes
	witness *torture.Witness
}

// handOver is how old a hold may become while others wait: so short that many
// are lost.
const handOver = 60 * time.Millisecond

func (l *live) play(t *testing.T, round time.Duration) *torture.History {
	l.open(t)
	w := &torture.Workload{
		Seed: l.seed, Sessions: ids(4), Writers: 16, Readers: 4, Doors: l.doors(t),
		For: round, Think: 15 * time.Millisecond, Slow: 300 * time.Millisecond, Patience: 50 * time.Millisecond,
		Witness: l.witness, Counts: l.counts,
	}
	peace := l.trouble(t)
	h := w.Run(t.Context())
	peace()
	if err := errors.Join(w.Settle(t.Context()), l.network.Close(), l.nodes.Close()); err != nil {
		t.Error(err)
	}
	return h
}

// open starts three nodes on one store and the network before them.
func (l *live) open(t *testing.T) {
	memory, err := memstore.New(memstore.Options{})
	must(t, err)
	var store session.Store = memory
	if l.broken != nil {
		store = l.broken(memory)
	}
	random := func(n uint64) *rand.Rand { return rand.New(rand.NewPCG(l.seed, 20+n)) }
	l.network, err = torture.NewNetwork(random(0), l.counts)
	must(t, err)
	l.network.Handlers = remoteapp.HandlerOptions{DuplexHoldLimit: handOver, GetHoldLimit: handOver}
	l.witness = torture.NewWitness(l.counts)
	l.nodes = torture.NewNodes(func(context.Context, string) (session.Store, error) { return store, nil }, session.ManagerOptions{
		HoldLimit: handOver, LockWait: time.Second, LastWins: scope(t, "seen"), Logger: slog.New(slog.DiscardHandler),
	}, l.witness, random(1), 0.005)
	l.nodes.Started, l.nodes.Died = l.network.Started, l.network.Died
	for range 3 {
		_, err := l.nodes.Start(t.Context())
		must(t, err)
	}
}

// doors returns those within the nodes' processes, and clients elsewhere.
func (l *live) doors(t *testing.T) []torture.Door {
	doors := []torture.Door{&torture.HoldDoor{Nodes: l.nodes, Limit: handOver}, torture.LocalDoor(l.nodes)}
	for _, c := range []struct {
		kind   string
		mode   remoteapp.ClientMode
		secure bool
	}{
		{"over one connection", remoteapp.Single, true},
		{"over one connection", remoteapp.Single, true},
		{"over two connections", remoteapp.Double, true},
		{"over two connections", remoteapp.Double, false},
	} {
		client, err := l.network.Client(c.mode, c.secure, 3*time.Second)
		must(t, err)
		doors = append(doors, l.network.Door(c.kind, client))
	}
	return doors
}

// trouble lets nodes die and stall, and connections break, until peace is
// called.
func (l *live) trouble(t *testing.T) (peace func()) {
	ctx, cancel := context.WithCancel(t.Context())
	var trouble sync.WaitGroup
	trouble.Go(func() {
		befall := torture.Trouble{Every: 400 * time.Millisecond, Longest: 200 * time.Millisecond}
		if err := befall.Befall(ctx, l.nodes, rand.New(rand.NewPCG(l.seed, 11))); err != nil {
			t.Error(err)
		}
	})
	trouble.Go(func() {
		for ctx.Err() == nil {
			time.Sleep(15 * time.Millisecond)
			l.network.Cut()
		}
	})
	return func() {
		cancel()
		trouble.Wait()
	}
}

func (l *live) check(h *torture.History) error {
	h.Count(l.counts)
	return errors.Join(h.Check(torture.Rules{LastWins: []string{"seen"}}, time.Minute), h.CheckSum(ids(1)[0]))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

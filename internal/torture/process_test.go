// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

//go:build unix

package torture_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/internal/redistest"
	"github.com/sessionbridge/session/internal/torture"
	"github.com/sessionbridge/session/pebblestore"
	"github.com/sessionbridge/session/redisstore"
	"github.com/sessionbridge/session/remoteapp"
	"github.com/sessionbridge/session/wire"
)

// The environment of a process that a test starts: where its store is.
const (
	envDir   = "TORTURE_DIR"
	envRedis = "TORTURE_REDIS"
)

// TestMain is also where the processes begin that the tests start.
func TestMain(m *testing.M) {
	if os.Getenv(envDir) == "" && os.Getenv(envRedis) == "" {
		os.Exit(m.Run())
	}
	if err := serveProcess(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "torture:", err)
		os.Exit(1)
	}
}

func serveProcess(ctx context.Context) (err error) {
	store, err := openStore(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	scope, err := wire.ParseScope([]string{"seen"})
	if err != nil {
		return err
	}
	return torture.ServeProcess(ctx, store,
		session.ManagerOptions{HoldLimit: handOver, LockWait: time.Second, LastWins: scope, Logger: silent()},
		remoteapp.HandlerOptions{DuplexHoldLimit: handOver, GetHoldLimit: handOver})
}

// openStore opens the store that the environment names.
func openStore(ctx context.Context) (session.Store, error) {
	if dir := os.Getenv(envDir); dir != "" {
		return pebblestore.Open(ctx, pebblestore.Options{Dir: dir, Logger: silent()})
	}
	return redisstore.Open(ctx, redisstore.Options{URL: os.Getenv(envRedis), Logger: silent()})
}

func silent() *slog.Logger { return slog.New(slog.DiscardHandler) }

// Each of these has to happen before a run of processes is worth its name.
func commonOfProcesses() []string {
	const one, two = " over one connection", " over two connections"
	return []string{
		"kills", "cuts", "stored commits" + one, "stored commits" + two, "conflict commits" + one, "conflict commits" + two,
		"unknown commits", "stored ends", "pages that vanished",
	}
}

func TestTortureOfAnEmbeddedStore(t *testing.T) {
	t.Parallel()
	r := newRun(t, 6*time.Second, commonOfProcesses())
	r.play(t, func(seed uint64) error {
		p := &processes{seed: seed, env: [][]string{{envDir + "=" + t.TempDir()}}, counts: r.counts}
		return p.check(p.play(t))
	})
}

func TestTortureOverRedis(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t)
	r := newRun(t, 6*time.Second, append(commonOfProcesses(), "pauses", "slow times"))
	r.play(t, func(seed uint64) error {
		redis.Do(t, "FLUSHALL")
		p := &processes{seed: seed, counts: r.counts}
		for i := range uint64(3) {
			way, err := torture.OpenProxy(rand.New(rand.NewPCG(seed, 30+i)), r.counts)
			must(t, err)
			way.Route([]string{redis.Addr()})
			p.ways, p.env = append(p.ways, way), append(p.env, []string{envRedis + "=redis://" + way.Addr()})
		}
		return p.check(p.play(t))
	})
}

// A processes round is one over sockets in which the nodes are processes, which
// are killed and paused.
type processes struct {
	seed   uint64
	env    [][]string       // of each process
	ways   []*torture.Proxy // to the store, if there is a network between
	counts *torture.Counts

	network *torture.Network
	nodes   []*torture.Process
}

func (p *processes) play(t *testing.T) *torture.History {
	var err error
	p.network, err = torture.NewNetwork(rand.New(rand.NewPCG(p.seed, 20)), p.counts)
	must(t, err)
	for _, env := range p.env {
		node, err := p.network.StartProcess(env...)
		must(t, err)
		p.nodes = append(p.nodes, node)
	}
	w := &torture.Workload{
		Seed: p.seed, Sessions: ids(4), Writers: 12, Readers: 3, Doors: p.doors(t),
		For: 2 * time.Second, Think: 15 * time.Millisecond, Slow: 300 * time.Millisecond, Patience: 50 * time.Millisecond,
		Counts: p.counts,
	}
	peace := p.trouble(t)
	h := w.Run(t.Context())
	peace()
	err = errors.Join(w.Settle(t.Context()), p.network.Close())
	for _, node := range p.nodes {
		err = errors.Join(err, node.End())
	}
	for _, way := range p.ways {
		err = errors.Join(err, way.Close())
	}
	if err != nil {
		t.Error(err)
	}
	return h
}

func (p *processes) doors(t *testing.T) (doors []torture.Door) {
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
		client, err := p.network.Client(c.mode, c.secure, 3*time.Second)
		must(t, err)
		doors = append(doors, p.network.Door(c.kind, client))
	}
	return doors
}

// trouble lets processes be killed and paused, and connections break, until peace
// is called. All of them run then.
func (p *processes) trouble(t *testing.T) (peace func()) {
	ctx, cancel := context.WithCancel(t.Context())
	var trouble sync.WaitGroup
	r := rand.New(rand.NewPCG(p.seed, 21))
	trouble.Go(func() {
		for ctx.Err() == nil {
			time.Sleep(time.Duration(r.Int64N(int64(600 * time.Millisecond))))
			if err := p.befall(r); err != nil {
				t.Error(err)
				return
			}
		}
	})
	trouble.Go(func() {
		for ctx.Err() == nil {
			time.Sleep(25 * time.Millisecond)
			p.network.Cut()
			for _, way := range p.ways {
				way.Cut()
				time.Sleep(10 * time.Millisecond)
			}
		}
	})
	return func() {
		cancel()
		trouble.Wait()
	}
}

// befall lets something happen to one of the processes, or to its way to the
// store.
func (p *processes) befall(r *rand.Rand) error {
	i := r.IntN(len(p.nodes))
	while := time.Duration(r.Int64N(int64(200 * time.Millisecond)))
	switch kind := r.IntN(4); {
	case kind < 2:
		return p.nodes[i].Restart()
	case kind == 2 && p.ways != nil:
		p.counts.Add("slow times", 1)
		p.ways[i].Slow(while / 10)
		time.Sleep(while)
		p.ways[i].Slow(0)
		return nil
	}
	err := p.nodes[i].Pause()
	time.Sleep(while)
	return cmp.Or(err, p.nodes[i].Resume())
}

func (p *processes) check(h *torture.History) error {
	h.Count(p.counts)
	return errors.Join(h.Check(torture.Rules{LastWins: []string{"seen"}}, time.Minute), h.CheckSum(ids(1)[0]))
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package torture_test

import (
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/sessionbridge/session/internal/torture"
	"github.com/sessionbridge/session/wire"
)

// Each of these has to happen before a run is worth its name.
func common() []string {
	return []string{
		"steals", "steals from dead nodes", "deaths", "stalls", "lost calls", "commits at another node",
		"pages that gave up", "pages that vanished", "stored commits", "stored ends", "late stored commits",
		"late conflict commits", "late refused commits", "unknown commits", "late unknown commits",
	}
}

func TestTortureInBubbles(t *testing.T) {
	oneAtATime(t) // before those that run in parallel
	r := newRun(t, 3*time.Second, slices.Concat(common(), []string{
		"late stored ends", "second tries", "late stored commits of holds", "late stored commits of local pages",
	}))
	r.play(t, func(seed uint64) error {
		b := bubble{seed: seed, refuse: seed%5 == 4, counts: r.counts}
		return b.check(b.play(t))
	})
}

func TestTortureOverSockets(t *testing.T) {
	t.Parallel()
	const one, two = " over one connection", " over two connections"
	r := newRun(t, 6*time.Second, slices.Concat(common(), []string{
		"cuts", "stored commits" + one, "stored commits" + two, "late stored commits" + one, "late stored commits" + two,
		"late conflict commits" + one, "late conflict commits" + two,
	}))
	r.play(t, func(seed uint64) error {
		l := &live{seed: seed, counts: r.counts}
		return l.check(l.play(t, time.Second))
	})
}

// A run is many rounds, each with a seed of its own.
type run struct {
	seed    uint64 // of the first round
	time    time.Duration
	must    []string // happen
	counts  *torture.Counts
	started time.Time
}

// newRun returns a run of a length, unless the environment has another, and its
// seed.
func newRun(t *testing.T, length time.Duration, must []string) *run {
	t.Helper()
	r := &run{seed: uint64(rand.Uint32()), time: length, must: must, counts: new(torture.Counts), started: time.Now()}
	var err error
	if text := os.Getenv("TORTURE_TIME"); text != "" {
		if r.time, err = time.ParseDuration(text); err != nil {
			t.Fatalf("TORTURE_TIME: %v", err)
		}
	}
	if text := os.Getenv("TORTURE_SEED"); text != "" {
		if r.seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("TORTURE_SEED: %v", err)
		}
	}
	t.Logf("SEED=%d", r.seed)
	return r
}

// play plays rounds for as long as the run takes, and longer if something has
// not happened yet that should.
func (r *run) play(t *testing.T, round func(seed uint64) error) {
	t.Helper()
	told := r.started
	for rounds := uint64(0); ; rounds++ {
		passed := time.Since(r.started)
		never := r.counts.Never(r.must)
		switch {
		case passed > r.time && len(never) == 0:
			t.Logf("%d rounds in %s: %s", rounds, passed.Round(time.Second), r.counts)
			return
		case passed > 3*r.time+2*time.Minute:
			t.Fatalf("after %d rounds in %s there never were: %q; but %s", rounds, passed.Round(time.Second), never, r.counts)
		case time.Since(told) > 10*time.Second:
			told = time.Now()
			t.Logf("%d rounds in %s: %s", rounds, passed.Round(time.Second), r.counts.Tell(r.must))
		}
		if err := round(r.seed + rounds); err != nil {
			t.Fatalf("SEED=%d: %v", r.seed+rounds, err)
		}
	}
}

func scope(t *testing.T, patterns ...string) wire.Scope {
	t.Helper()
	s, err := wire.ParseScope(patterns)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

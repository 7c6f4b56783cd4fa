// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package attack_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sessionbridge/session/internal/attack"
)

// A siege is an attack that waits for a limit of the server's.
type siege struct {
	name string
	do   func(context.Context, *arena) (string, error) // returns how it ended, when it has
}

// How long the limits are that sieges wait for, and how late a busy machine may
// be.
const (
	headTimeout = 10 * time.Second // ReadHeaderTimeout
	sendTimeout = 30 * time.Second // of a peer that takes no byte, or is silent
	slack       = 15 * time.Second
)

// sieges are attacks that go on together at one server.
type sieges struct {
	*arena
	t     *testing.T
	all   []siege
	rows  []row
	ended sync.WaitGroup
	errs  []error

	b       *attack.Witness
	windows int
}

// besiege begins all sieges at a server of their own, and watches a bystander
// meanwhile.
func besiege(t *testing.T, program string, all []siege) *sieges {
	s := &sieges{arena: newArena(t, program), t: t, all: all, rows: make([]row, len(all)), errs: make([]error, len(all))}
	must(t, s.storeLarge(attackerKey, largeID, "large"))
	s.b = s.callWitness(t)
	must(t, s.b.Phase("quiet"))
	time.Sleep(2 * quiet)
	must(t, s.b.Phase(window(0)))
	for i, x := range all {
		s.ended.Go(func() { s.run(i, x) })
	}
	s.watch()
	if err := s.b.Leave(); err != nil {
		t.Error(err)
	}
	return s
}

// The bystander is watched in windows, one after the other, while sieges begin
// and stand: some at least, and more until there was a calm one.
const fewest, mostWindows = 8, 14

// watch watches the bystander.
func (s *sieges) watch() {
	quiet, _ := s.b.Clock.P99("quiet")
	for best := math.Inf(1); s.windows < fewest || best > most && s.windows < mostWindows; s.windows++ {
		time.Sleep(underWay)
		must(s.t, s.b.Phase(window(s.windows+1)))
		p99, _ := s.b.Clock.P99(window(s.windows))
		best = min(best, float64(p99)/float64(quiet))
	}
}

func window(i int) string { return fmt.Sprint("siege ", i) }

// run runs one siege to its end.
func (s *sieges) run(i int, x siege) {
	ctx, cancel := context.WithTimeout(s.t.Context(), 2*time.Minute)
	defer cancel()
	began := time.Now()
	end, err := x.do(ctx, s.arena)
	s.errs[i] = err
	s.rows[i] = row{name: x.name, end: fmt.Sprintf("%s (%.0f s)", end, time.Since(began).Seconds())}
}

// lift waits for the end of all sieges, and compares.
func (s *sieges) lift() []row {
	s.ended.Wait()
	for i, err := range s.errs {
		if err != nil {
			s.t.Errorf("%s: %v", s.all[i].name, err)
		}
	}
	heap, err := s.settle()
	if err != nil {
		s.t.Error(err)
	}
	after := s.callWitness(s.t)
	must(s.t, after.Phase("quiet"))
	time.Sleep(2 * quiet)
	if err := after.Leave(); err != nil {
		s.t.Error(err)
	}
	ratio := s.compare(after)
	for i := range s.rows {
		s.rows[i].ratio, s.rows[i].heap = ratio, heap
	}
	return s.rows
}

// compare compares what the bystander's exchanges took in each window with the
// quiet before and after. One calm window tells the server's part.
func (s *sieges) compare(after *attack.Witness) string {
	before, _ := s.b.Clock.P99("quiet")
	later, _ := after.Clock.P99("quiet")
	var ratios []float64
	for i := range s.windows {
		p99, n := s.b.Clock.P99(window(i))
		ratios = append(ratios, float64(p99)/float64(max(before, later)))
		s.t.Logf("sieges, window %d: the bystander's p99 %s in %d exchanges, quiet %s before and %s after", i, p99, n, before, later)
	}
	slices.Sort(ratios)
	if ratios[0] > most {
		s.t.Errorf("the bystander's p99 was %.1f times the quiet one in the best of %d windows", ratios[0], s.windows)
	}
	return fmt.Sprintf("%.2f to %.2f, median %.2f, of all that wait", ratios[0], ratios[len(ratios)-1], ratios[len(ratios)/2])
}

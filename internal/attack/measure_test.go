// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package attack_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"
)

// How the bystander uses its sessions, and how long it is watched.
const (
	users    = 4
	pace     = 10 * time.Millisecond
	quiet    = 350 * time.Millisecond // before an attack, and again after it
	underWay = 700 * time.Millisecond
	settling = 200 * time.Millisecond // until the bystander has its connections
	attempts = 6
	most     = 2.0 // times the quiet p99
)

// An assault is an attack that can be repeated at once, as often as wanted.
type assault struct {
	name  string
	pause time.Duration                                 // between one and the next
	do    func(context.Context, *arena) (string, error) // returns how it ended
}

// A row is what the table says of an attack.
type row struct{ name, end, ratio, heap string }

// measure repeats an assault for a while, between two times of quiet, until the
// bystander has not suffered by it: machines are shared, so one calm attempt is
// what tells the server's part.
func (a *arena) measure(t *testing.T, x assault) row {
	r := row{name: x.name}
	best, tried := 0.0, 0
	for tried < attempts && (tried == 0 || best > most) {
		tried++
		end, ratio := a.attempt(t, x)
		if t.Failed() {
			return r
		}
		r.end = end
		if tried == 1 || ratio < best {
			best = ratio
		}
	}
	if best > most {
		t.Errorf("the bystander's p99 was %.1f times the quiet one at best, in %d attempts", best, tried)
	}
	r.ratio = fmt.Sprintf("%.2f (try %d)", best, tried)
	var err error
	if r.heap, err = a.settle(); err != nil {
		t.Error(err)
	}
	return r
}

// attempt repeats an assault between two times of quiet.
func (a *arena) attempt(t *testing.T, x assault) (end string, ratio float64) {
	b := a.callWitness(t)
	must(t, b.Phase("quiet"))
	time.Sleep(quiet)
	must(t, b.Phase("attack"))
	began, count := time.Now(), 0
	for first := true; first || time.Since(began) < underWay; first = false {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		said, err := x.do(ctx, a)
		cancel()
		if err != nil {
			t.Error(err)
			break
		}
		end = said
		count++
		time.Sleep(x.pause)
	}
	if err := b.Phase("quiet again"); err != nil {
		t.Error(err)
	}
	time.Sleep(quiet)
	if err := b.Leave(); err != nil {
		t.Error(err)
	}
	during, n := b.Clock.P99("attack")
	calm, _ := b.Clock.P99("quiet", "quiet again")
	t.Logf("%s: %d times in %s; the bystander's p99 %s in %d exchanges, quiet %s", x.name, count, time.Since(began).Round(time.Millisecond), during, n, calm)
	return end, float64(during) / float64(calm)
}

// table returns the rows as text.
func table(rows []row) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "attack\tend\tbystander's p99, to quiet\theap left, at most")
	for _, r := range rows {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", r.name, r.end, r.ratio, r.heap)
	}
	w.Flush()
	return b.String()
}

// each calls f for 0 to n-1 in goroutines of their own, and returns the first
// error.
func each(n int, f func(int) error) error {
	var (
		all   sync.WaitGroup
		once  sync.Once
		first error
	)
	for i := range n {
		all.Go(func() {
			if err := f(i); err != nil {
				once.Do(func() { first = err })
			}
		})
	}
	all.Wait()
	return first
}

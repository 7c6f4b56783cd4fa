// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// A trial is a button of the stage: something that goes wrong where programs
// share sessions, tried in front of the visitor.
type trial struct {
	Name, Title, Text string
	run               func(context.Context, *browser) (result, error)
}

// A result is what came of a trial.
type result struct {
	Title   string
	Steps   []step
	Verdict string
	Good    bool
}

// A step is one page of a trial.
type step struct {
	Who, What, Took string
	Bar             int
}

// trials are the buttons, with what they need.
type trials struct {
	journal  *journal
	tab      time.Duration // how long each of two tabs works
	slow     time.Duration // how long the slow page works
	firstTab string        // base of the shop that the first of two tabs is at
}

func (t *trials) all() []trial {
	return []trial{
		{"tabs", "Two tabs write at once", "Both read a count, work for a second, and write it.", t.tabs},
		{"throw", "A page that throws", "It empties the cart, then fails.", t.throw},
		{"slow", "A slow page", "It takes five seconds. Try the shops meanwhile.", t.slowPage},
	}
}

// tabs counts two visits at once.
func (t *trials) tabs(ctx context.Context, b *browser) (result, error) {
	var answers [2]answer
	var wg sync.WaitGroup
	for i, base := range []string{t.firstTab, newBase} {
		wg.Go(func() { answers[i] = b.open(ctx, http.MethodPost, visitPath(base, t.tab, fmt.Sprint("tab", i+1))) })
	}
	wg.Wait()
	first, second := answers[0], answers[1]
	if err := errors.Join(first.err, second.err); err != nil {
		return result{}, err
	}
	r := result{Steps: []step{
		stepOf("Tab 1, "+shopName(t.firstTab), counted(first), first),
		stepOf("Tab 2, "+shopName(newBase), counted(second), second),
	}}
	before, after := min(first.state.Before, second.state.Before), max(first.state.Visits, second.state.Visits)
	r.Good = after == before+2
	r.Verdict = fmt.Sprintf("A visit was lost: %d became %d.", before, after)
	if r.Good {
		r.Verdict = fmt.Sprintf("Both visits count: %d became %d. One tab waited until the other was done, and saw its visit.", before, after)
	}
	return r, nil
}

func counted(a answer) string { return fmt.Sprintf("visits %d → %d", a.state.Before, a.state.Visits) }

// throw opens the page that throws, then a page that writes.
func (t *trials) throw(ctx context.Context, b *browser) (result, error) {
	before := b.open(ctx, http.MethodGet, newBase+"/state")
	thrown := b.open(ctx, http.MethodPost, newBase+"/throw")
	after := b.open(ctx, http.MethodGet, newBase+"/state")
	next := b.open(ctx, http.MethodPost, visitPath(newBase, 0, "next"))
	var status statusError
	if err := errors.Join(before.err, after.err, next.err); err != nil || !errors.As(thrown.err, &status) {
		return result{}, errors.Join(err, thrown.err)
	}
	r := result{Steps: []step{
		stepOf("Page that throws, "+shopName(newBase), fmt.Sprintf("answered %d", int(status)), thrown),
		stepOf("Next page, "+shopName(newBase), counted(next), next),
	}}
	r.Good = status == http.StatusInternalServerError && before.state == after.state
	r.Verdict = "The page changed the session although it failed."
	if r.Good {
		r.Verdict = fmt.Sprintf("Nothing changed: %s in the cart, as before. The next page had the session after %s.",
			things(after.state.Items), seconds(next.took))
	}
	return r, nil
}

// slowPage opens the slow page and, while it has the session, another one.
func (t *trials) slowPage(ctx context.Context, b *browser) (result, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan answer, 1)
	go func() { done <- b.open(ctx, http.MethodPost, visitPath(newBase, t.slow, "slow")) }()
	if err := t.untilHeld(ctx, done); err != nil {
		return result{}, errors.Join(err, (<-done).err)
	}
	other := b.open(ctx, http.MethodPost, visitPath(oldBase, 0, "other"))
	slow := <-done
	if err := errors.Join(slow.err, other.err); err != nil {
		return result{}, err
	}
	return result{
		Steps: []step{
			stepOf("Slow page, "+shopName(newBase), counted(slow), slow),
			stepOf("Another page, "+shopName(oldBase), "came while the slow one had the session", other),
		},
		Verdict: fmt.Sprintf("The other page waited %s, and went on as soon as the slow one was done.", seconds(other.took)),
		Good:    true,
	}, nil
}

// untilHeld waits until the slow page has the session, or has ended.
func (t *trials) untilHeld(ctx context.Context, done chan answer) error {
	changed, stop := t.journal.watch()
	defer stop()
	for {
		for _, f := range t.journal.record().Facts {
			if f.holds() && f.Page == pageLabels()["slow"] {
				return nil
			}
		}
		select {
		case <-changed:
		case a := <-done:
			done <- a
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func visitPath(base string, work time.Duration, as string) string {
	return base + "/visit?" + url.Values{"for": {work.String()}, "as": {as}}.Encode()
}

func stepOf(who, what string, a answer) step {
	return step{Who: who, What: what, Took: seconds(a.took), Bar: min(max(int(a.took*barLength/barTime), 2), barLength)}
}

func shopName(base string) string {
	if base == oldBase {
		return "old shop"
	}
	return "new shop"
}

func things(n int) string {
	if n == 1 {
		return "1 thing"
	}
	return fmt.Sprintf("%d things", n)
}

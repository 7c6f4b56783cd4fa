// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// TestPagesEscape shows what a program may have put into the session, or into
// an exchange, in every page that can show it.
func TestPagesEscape(t *testing.T) {
	const evil = `<script>alert(1)</script>"'`
	p := parsed(t)
	bad := cart{Lines: []cartLine{{SKU: evil, Quantity: 1, Price: cents(100)}}}
	f := fact{Kind: evil, Who: evil, Page: evil, Session: evil, Outcome: evil, began: time.Now()}
	panel := viewOf(record{Facts: []fact{f}, now: time.Now()})
	outcome := result{Title: evil, Verdict: evil, Steps: []step{{Who: evil, What: evil}}}
	for _, c := range []struct {
		page string
		data any
	}{
		{"old", shopView{Base: oldBase, Cart: bad, Pressed: evil}},
		{"new", shopView{Base: newBase, Cart: bad, Pressed: evil}},
		{"panel", panel},
		{"result", outcome},
		{"stage", stageView{Panel: panel, Result: &outcome, Trials: []trial{{Name: evil, Title: evil, Text: evil}}}},
		{"connect", invitation{URL: evil, Key: evil}},
		{"failed", struct{ What, Back string }{evil, evil}},
	} {
		var b bytes.Buffer
		if err := p.write(&b, c.page, c.data); err != nil {
			t.Errorf("%s: %v", c.page, err)
		}
		if strings.Contains(b.String(), "<script>alert") || strings.Contains(b.String(), `)</script>"`) {
			t.Errorf("%s does not escape what it shows:\n%s", c.page, b.String())
		}
		if !strings.Contains(b.String(), "&lt;script&gt;alert") {
			t.Errorf("%s does not show it at all:\n%s", c.page, b.String())
		}
	}
}

func parsed(t *testing.T) pages {
	t.Helper()
	p, err := parsePages()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestPanelShowsWhoHoldsAndWaits checks the three states of an exchange.
func TestPanelShowsWhoHoldsAndWaits(t *testing.T) {
	j := newJournal()
	over := j.begin(fact{Kind: kindDuplex, Who: "over"})
	over.grant("")
	over.end(outcomeCommitted)
	j.begin(fact{Kind: kindHold, Who: "holder"}).grant("abc")
	j.begin(fact{Kind: kindOwn, Who: "waiter"})
	j.begin(fact{Kind: kindRead, Who: "reader"}).grant("abc") // holds nothing
	v := viewOf(j.record())
	if len(v.Holders) != 1 || v.Holders[0].Who != "holder" || v.Holders[0].Session != "abc" {
		t.Errorf("holders are %+v", v.Holders)
	}
	if len(v.Waiters) != 1 || v.Waiters[0].Who != "waiter" {
		t.Errorf("waiters are %+v", v.Waiters)
	}
	var states []string
	for _, r := range v.Rows {
		states = append(states, r.Who+" "+r.State)
	}
	if got, want := strings.Join(states, ", "), "reader holding, waiter waiting, holder holding, over over"; got != want {
		t.Errorf("rows are %s, want %s", got, want)
	}
}

// TestJournalForgets checks that exchanges that are over make room, and those
// under way stay.
func TestJournalForgets(t *testing.T) {
	j := newJournal()
	j.begin(fact{Who: "slow"})
	for range 3 * remembered {
		j.begin(fact{}).end(outcomeRead)
	}
	facts := j.record().Facts
	if len(facts) > remembered+2 {
		t.Errorf("the journal remembers %d exchanges", len(facts))
	}
	if last := facts[len(facts)-1]; last.Who != "slow" {
		t.Errorf("it forgot one that is under way; the oldest is %+v", last)
	}
}

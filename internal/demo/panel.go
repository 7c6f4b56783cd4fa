// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// How often a panel that is open is drawn.
const (
	drawPause = 50 * time.Millisecond  // at least so long between two drawings
	drawOpen  = 200 * time.Millisecond // while an exchange is under way, its clock runs
	drawIdle  = 15 * time.Second       // else, to find out that nobody looks any more
)

// A panel shows a journal: as a part of a page, and live as server-sent events.
type panel struct {
	journal *journal
	pages   pages
}

// A panelView is what the template of the panel shows.
type panelView struct {
	Holders, Waiters []row
	Rows             []row // newest first
}

// A row is one exchange, made ready to be shown.
type row struct {
	fact
	Own          bool   // nothing crosses
	State        string // "waiting", "holding" or "over"
	Waited, Held string
	WaitBar      int // of barLength
	HoldBar      int
}

// A bar of barLength stands for barTime.
const (
	barLength = 120
	barTime   = 6 * time.Second
)

func viewOf(r record) panelView {
	var v panelView
	for _, f := range r.Facts {
		shown := rowOf(f, r.now)
		v.Rows = append(v.Rows, shown)
		switch {
		case f.holds():
			v.Holders = append(v.Holders, shown)
		case f.waits():
			v.Waiters = append(v.Waiters, shown)
		}
	}
	v.Rows = v.Rows[:min(len(v.Rows), remembered)]
	return v
}

func rowOf(f fact, now time.Time) row {
	waited, held := f.waited(now), f.held(now)
	r := row{fact: f, Own: f.Kind == kindOwn, State: "over", Waited: seconds(waited), Held: seconds(held)}
	switch {
	case f.waits():
		r.State = "waiting"
	case f.ended.IsZero():
		r.State = "holding"
	}
	r.WaitBar = min(int(waited*barLength/barTime), barLength)
	if !f.granted.IsZero() {
		r.HoldBar = max(min(int(held*barLength/barTime), barLength-r.WaitBar), 2)
	}
	return r
}

// seconds returns a time as people read it.
func seconds(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return "0 ms"
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

// view returns what the panel shows now.
func (p *panel) view() panelView { return viewOf(p.journal.record()) }

// ServeHTTP sends an event "panel" with the panel's HTML whenever it looks
// different, and an event "changed" when a session was changed, until the
// browser leaves or the server stops.
func (p *panel) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	changed, stop := p.journal.watch()
	defer stop()
	w.Header().Set("Content-Type", "text/event-stream")
	commits := p.journal.record().Commits
	for {
		now := p.journal.record()
		if err := p.draw(w, now, now.Commits != commits); err != nil {
			return
		}
		commits = now.Commits
		if !pause(r, drawPause, nil) || !pause(r, patience(now), changed) {
			return
		}
	}
}

// patience returns how long a drawing stays true if nothing changes.
func patience(r record) time.Duration {
	for _, f := range r.Facts {
		if f.ended.IsZero() {
			return drawOpen
		}
	}
	return drawIdle
}

// pause waits until a time has passed or something is received. It returns
// false once nobody waits for the answer to the request.
func pause(r *http.Request, most time.Duration, signal <-chan struct{}) bool {
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-signal:
	case <-r.Context().Done():
		return false
	}
	return true
}

// draw sends the events for a record.
func (p *panel) draw(w http.ResponseWriter, r record, changed bool) error {
	var html, out bytes.Buffer
	if err := p.pages.write(&html, "panel", viewOf(r)); err != nil {
		return err
	}
	out.WriteString("event: panel\n")
	for line := range strings.Lines(html.String()) {
		out.WriteString("data: " + strings.TrimRight(line, "\r\n") + "\n")
	}
	out.WriteString("\n")
	if changed {
		out.WriteString("event: changed\ndata:\n\n")
	}
	if _, err := w.Write(out.Bytes()); err != nil {
		return err
	}
	return http.NewResponseController(w).Flush()
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package httpsession

import (
	"sync"
	"time"

	"github.com/sessionbridge/session"
)

// Holds reports whether the request holds a session: it has opened it for writing,
// and nobody has begun to commit or release it. It is for [session.Do].
func (x *exchange) Holds(id string) bool {
	x.mu.Lock()
	opened, ending := x.opened, x.ending.taken
	x.mu.Unlock()
	return opened != nil && !ending && sameID(opened.Session().ID(), id) &&
		!innermost(opened).Session().ReadOnly() // or else the source takes the lock later, if at all
}

// A holdWatch warns of a session that is held for long.
type holdWatch struct {
	x      *exchange
	opened session.Opened
	timer  *time.Timer

	mu   sync.Mutex // held while the warning is written
	over bool
}

// watchHold begins to watch a session that was opened for writing.
func (m *middleware) watchHold(x *exchange, opened session.Opened) *holdWatch {
	if m.holdWarning < 0 {
		return nil
	}
	w := &holdWatch{x: x, opened: opened}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timer = time.AfterFunc(m.holdWarning, w.warn)
	return w
}

// warn writes the warning, or looks again later: a source may take the lock late.
func (w *holdWatch) warn() {
	w.mu.Lock()
	defer w.mu.Unlock()
	m, r := w.x.m, w.x.r
	switch {
	case w.over:
	case innermost(w.opened).Session().ReadOnly():
		w.timer.Reset(m.holdWarning)
	default:
		m.log.WarnContext(w.x, "a session is held for long, and other requests of its user wait: commit it early (httpsession.Commit), mark the route read-only, or use session.Do in handlers that stream",
			"session", session.HashID(w.opened.Session().ID()), "method", r.Method, "path", r.URL.Path, "limit", m.holdWarning)
	}
}

// end ends the watch, and waits for the warning that is being written.
func (w *holdWatch) end() {
	if w == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.over = true
	w.timer.Stop()
}

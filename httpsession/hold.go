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
	return opened != nil && !ending && sameID(opened.Session().ID(), id) && isHeld(opened)
}

// A holdWatch warns of a session that is held for long.
type holdWatch struct {
	mu    sync.Mutex // held while the warning is written
	timer *time.Timer
	held  bool // when it was last looked at
	over  bool
}

// watchHold begins to watch a session that was opened for writing. x.mu is held.
func (x *exchange) watchHold() {
	if x.m.holdWarning < 0 {
		return
	}
	x.watch.mu.Lock()
	defer x.watch.mu.Unlock()
	x.watch.held = isHeld(x.opened)
	x.watch.timer = time.AfterFunc(x.m.holdWarning, x.warnOfHold)
}

// isHeld reports whether an open session is held: a source may take the lock late.
func isHeld(opened session.Opened) bool { return !innermost(opened).Session().ReadOnly() }

// warnOfHold writes the warning, or looks again later if the session was not held
// until now.
func (x *exchange) warnOfHold() {
	w := &x.watch
	w.mu.Lock()
	defer w.mu.Unlock()
	switch opened := x.opened; { // it never changes once it is watched
	case w.over:
	case !w.held:
		w.held = isHeld(opened)
		w.timer.Reset(x.m.holdWarning)
	default:
		x.m.log.WarnContext(x, "a session is held for long, and other requests of its user wait: commit it early (httpsession.Commit), mark the route read-only, or use session.Do in handlers that stream",
			"session", session.HashID(opened.Session().ID()), "method", x.r.Method, "path", x.r.URL.Path, "limit", x.m.holdWarning)
	}
}

// end ends the watch, and waits for the warning that is being written.
func (w *holdWatch) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.over = true
	if w.timer != nil {
		w.timer.Stop()
	}
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package httpsession

import (
	"time"

	"github.com/sessionbridge/session"
)

// A holdWatch warns of a session that is held for long.
type holdWatch struct {
	timer  *time.Timer
	warned chan struct{} // closed once the warning is in the log
}

// watchHold begins to watch a session that was opened for writing.
func (m *middleware) watchHold(x *exchange, opened session.Opened) *holdWatch {
	if m.holdWarning < 0 {
		return nil
	}
	w := &holdWatch{warned: make(chan struct{})}
	w.timer = time.AfterFunc(m.holdWarning, func() {
		defer close(w.warned)
		m.log.WarnContext(x, "a session is held for long, and other requests of its user wait: commit it early (httpsession.Commit), mark the route read-only, or use session.Do in handlers that stream",
			"session", session.HashID(opened.Session().ID()), "method", x.r.Method, "path", x.r.URL.Path, "held", m.holdWarning)
	})
	return w
}

// end ends the watch, and waits for the warning that is being written.
func (w *holdWatch) end() {
	if w != nil && !w.timer.Stop() {
		<-w.warned
	}
}

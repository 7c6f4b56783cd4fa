// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package remoteapp

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"sync"
	"time"
)

// A ClientMode says over how many connections a [Client] writes a session.
type ClientMode string

// How a session is written.
const (
	// Auto tries one connection and falls back to two where the owner, or
	// something before it, can't do it.
	Auto ClientMode = "auto"

	// Single is one POST over HTTP/2 that stays open while the page runs.
	Single ClientMode = "single"

	// Double is a GET that stays open while the page runs, and a PUT.
	Double ClientMode = "double"
)

// check returns an error if the choice makes no sense for the owner's URL, which
// is nil if it is not known.
func (m ClientMode) check(u *url.URL, h2c bool) error {
	switch m {
	case "", Auto, Double:
		return nil
	case Single:
		if u != nil && u.Scheme == "http" && !h2c {
			return errors.New("mode single needs HTTP/2: an https URL, or the option H2C on a network that can be trusted")
		}
		return nil
	}
	return fmt.Errorf("mode is %q, want %q, %q or %q", string(m), Auto, Single, Double)
}

// rememberFallback is how long two connections are used after one has failed,
// and two have worked.
const rememberFallback = 5 * time.Minute

// patience is how long nothing may be heard of a POST where none has worked yet:
// a proxy that buffers requests never forwards one whose body stays open.
const patience = 10 * time.Second

// A memory is what is known of an owner that may take sessions over one
// connection.
type memory struct {
	log *slog.Logger

	mu      sync.Mutex
	now     ClientMode // Auto: nothing is known
	until   time.Time  // when two connections have been used for long enough
	probing bool       // somebody looks whether one connection works by now
}

// A plan is how one session is tried to be written.
type plan struct {
	post     bool
	probe    bool          // after a fallback; the others go on with two connections meanwhile
	patience time.Duration // for the POST; 0 means that it works
}

// plan says what to try now. Its end must be told by worked, fellBack or failed.
func (m *memory) plan() plan {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.now == Single:
		return plan{post: true}
	case m.now == Auto:
		return plan{post: true, patience: patience}
	case m.probing || time.Now().Before(m.until):
		return plan{}
	}
	m.probing = true
	return plan{post: true, probe: true, patience: patience}
}

// worked tells that a POST was answered with a session.
func (m *memory) worked(p plan) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.now == Double {
		m.log.Info("sessions are written over one connection again")
	}
	m.now = Single
	m.ended(p)
}

// fellBack tells that a POST gave a sign that it can't work, and a GET did.
func (m *memory) fellBack(p plan, sign string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.now != Double {
		m.log.Warn("sessions are written over two connections: one can't be used", "because", sign, "again_after", rememberFallback)
	}
	m.now, m.until = Double, time.Now().Add(rememberFallback)
	m.ended(p)
}

// failed tells that the plan came to nothing that could be remembered.
func (m *memory) failed(p plan) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ended(p)
}

// ended lets the next one probe. m.mu is held.
func (m *memory) ended(p plan) {
	if p.probe {
		m.probing = false
	}
}

// known returns Single, Double, or Auto as long as nothing is known.
func (m *memory) known() ClientMode {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"net"
	"slices"
	"strings"

	"github.com/sessionbridge/session/remoteapp"
)

// note logs how the daemon was set up, and what about that is worth a thought.
// It names no key.
func (d *Daemon) note(s settings) {
	for _, w := range s.warnings {
		d.log.Warn(w)
	}
	for _, l := range slices.Concat(d.listeners, d.adminListeners) {
		if l.moved != nil {
			d.log.Warn("the port is taken, so another one is used", "url", l.url, "err", l.moved)
		}
	}
	if s.certificate != nil {
		s.certificate.note()
	}
	for _, l := range d.listeners {
		if !l.tls && !isLoopback(l.Addr()) {
			d.log.Warn("API keys and sessions travel in clear here: serve https, or let nobody but your own machines reach it", "url", l.url, "address", l.Addr().String())
		}
	}
	for _, c := range s.handler.Clients {
		d.noteClient(c)
	}
	s.store.note(d.log)
	m, h := s.manager, s.handler
	late, lastWins := "merge", "none"
	if m.RefuseLate {
		late = "refuse"
	}
	if m.LastWins.Declared() {
		lastWins = m.LastWins.String()
	}
	if m.RefuseLate && m.LastWins.Declared() {
		d.log.Warn("last_wins has no effect: late commits are refused, whatever they change", "late_commits", late, "last_wins", lastWins)
	}
	d.log.Info("limits", "node", m.Node, "timeout", m.Timeout, "read_wait", max(m.ReadWait, 0), "lock_wait", m.LockWait,
		"max_waiters", m.MaxWaiters, "max_holds", m.MaxHolds, "duplex_hold_limit", h.DuplexHoldLimit,
		"get_hold_limit", h.GetHoldLimit, "heartbeat", max(h.Heartbeat, 0), "late_commits", late, "last_wins", lastWins, "session_bytes", m.Limits.Session)
	for _, l := range d.listeners {
		d.log.Info("serving sessions", "url", l.url, "path", s.path)
	}
	if url := d.AdminURL(); url != "" {
		d.log.Info("serving health and metrics", "url", url)
	}
}

// isLoopback reports whether an address can be reached from this machine only.
func isLoopback(at net.Addr) bool {
	tcp, ok := at.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

// noteClient logs what a client may do.
func (d *Daemon) noteClient(c remoteapp.HandlerClient) {
	unknown := "preserve"
	if c.Replace {
		unknown = "replace"
	}
	scope := "all keys"
	if len(c.Scope) > 0 {
		scope = strings.Join(c.Scope, ", ")
	}
	d.log.Info("client", "client", c.Name, "api_keys", len(c.Keys), "scope", scope, "unknown", unknown)
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/remoteapp"
	"github.com/sessionbridge/session/wire"
)

// settings are a Config made ready: files are read, texts are parsed, and all
// is as the packages want it that it goes to.
type settings struct {
	listen      []address
	admin       address // its text is empty if there is to be none
	path        string
	certificate *certificate // nil if there is none
	store       keeping
	manager     session.ManagerOptions
	handler     remoteapp.HandlerOptions
	delay       time.Duration
	grace       time.Duration
	warnings    []string
}

// settings returns what Start needs, or a *ConfigError that tells all that is
// wrong.
func (c *Config) settings(log *slog.Logger) (settings, error) {
	var say complaints
	s := settings{
		path:  c.Path,
		delay: time.Duration(c.Shutdown.Delay),
		grace: time.Duration(c.Shutdown.Grace),
		manager: session.ManagerOptions{
			Node:       nodeName(),
			Timeout:    time.Duration(c.Session.Timeout),
			ReadWait:   c.Session.ReadWait.orNone(),
			LockWait:   time.Duration(c.Session.LockWait),
			MaxWaiters: c.Session.MaxWaiters,
			MaxHolds:   c.Session.MaxHolds,
			StrictIDs:  c.Session.StrictIDs,
			RefuseLate: c.Session.LateCommits == "refuse",
			Limits:     c.Limits.wire(),
			Logger:     log,
		},
		handler: remoteapp.HandlerOptions{
			KeyHeader: c.KeyHeader,
			Cookie: remoteapp.Cookie{
				Name: c.Cookie.Name, Path: c.Cookie.Path, Domain: c.Cookie.Domain,
				Secure: c.Cookie.Secure, SameSite: http.SameSite(c.Cookie.SameSite),
			},
			DuplexHoldLimit: time.Duration(c.Session.DuplexHoldLimit),
			GetHoldLimit:    time.Duration(c.Session.GetHoldLimit),
			Heartbeat:       c.Session.Heartbeat.orNone(),
			Logger:          log,
		},
	}
	s.certificate = c.TLS.certificate(log, &say)
	s.listen = c.sessionAddresses(&say)
	s.admin = c.Admin.address(&say)
	s.store = c.keeping(log, &say)
	var wrong complaints
	c.check(&wrong)
	if len(wrong) == 0 { // else it would say the same again, without the names of the settings
		wrong.join(s.manager.Check())
	}
	say = append(say, wrong...)
	s.manager.LastWins = c.Session.lastWins(&say)
	s.addClients(c, &say)
	s.warnings = append(s.warnings, c.warnings()...)
	return s, say.err()
}

// addClients adds the clients, and checks what the handler is told of them.
func (s *settings) addClients(c *Config, say *complaints) {
	clients, warnings, wrong := c.clients()
	s.handler.Clients, s.warnings = clients, append(s.warnings, warnings...)
	if len(wrong) > 0 { // what was not read can't be checked
		*say = append(*say, c.explainDefault(wrong)...)
		return
	}
	wrong.join(s.handler.Check())
	*say = append(*say, c.explainDefault(wrong)...)
}

// lastWins parses last_wins.
func (s Session) lastWins(say *complaints) wire.Scope {
	scope, err := wire.ParseScope(s.LastWins)
	if err != nil {
		say.add("session.last_wins: %v", err)
	}
	return scope
}

func (l Limits) wire() wire.Limits {
	return wire.Limits{Session: int(l.Session), Value: int(l.Value), Keys: l.Keys, Key: int(l.Key)}
}

// sessionAddresses parses listen.
func (c *Config) sessionAddresses(say *complaints) []address {
	var all []address
	for _, entry := range c.Listen {
		a, err := parseAddress(entry, c.TLS != TLS{})
		if err != nil {
			say.add("listen: %v", err)
			continue
		}
		all = append(all, a)
	}
	if len(c.Listen) == 0 {
		say.add("listen: want at least one address")
	}
	return all
}

// defaultAdmin is where health and metrics are, if nobody says otherwise.
const defaultAdmin = "127.0.0.1:7101"

// address parses the address of the admin listener.
func (a Admin) address(say *complaints) address {
	switch a.Listen {
	case "off":
		return address{}
	case "":
		at, err := parseAddress(defaultAdmin, false)
		at.orFree = true
		say.join(err)
		return at
	}
	if strings.HasPrefix(a.Listen, "https://") {
		say.add("admin.listen: %q: this listener is plain http only", a.Listen)
		return address{}
	}
	at, err := parseAddress(a.Listen, false)
	if err != nil {
		say.add("admin.listen: %v", err)
	}
	return at
}

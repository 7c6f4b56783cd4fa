// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/memstore"
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
	store       memstore.Options
	manager     session.ManagerOptions
	handler     remoteapp.HandlerOptions
	grace       time.Duration
	warnings    []string
}

// settings returns what Start needs, or a *ConfigError that tells all that is
// wrong.
func (c *Config) settings(log *slog.Logger) (settings, error) {
	var say complaints
	s := settings{
		path:  c.Path,
		grace: time.Duration(c.Shutdown.Grace),
		store: memstore.Options{MaxBytes: int64(c.Memory.MaxBytes), MaxItems: c.Memory.MaxSessions},
		manager: session.ManagerOptions{
			Timeout:    time.Duration(c.Session.Timeout),
			ReadWait:   c.Session.ReadWait.orNone(),
			LockWait:   time.Duration(c.Session.LockWait),
			MaxWaiters: c.Session.MaxWaiters,
			MaxHolds:   c.Session.MaxHolds,
			StrictIDs:  c.Session.StrictIDs,
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
	s.admin = c.Admin.address(c.FreePort, &say)
	c.check(&say)
	say.join(s.manager.Check())
	s.addClients(c, &say)
	s.warnings = append(s.warnings, c.warnings()...)
	return s, say.err()
}

// addClients adds the clients, and checks what the handler is told of them.
func (s *settings) addClients(c *Config, say *complaints) {
	clients, warnings, wrong := c.clients()
	s.handler.Clients, s.warnings = clients, append(s.warnings, warnings...)
	if len(wrong) > 0 { // what was not read can't be checked
		*say = append(*say, wrong...)
		return
	}
	say.join(s.handler.Check())
}

// check complains of settings that no package checks, or that have another
// meaning there: to the packages 0 is their default.
func (c *Config) check(say *complaints) {
	if !strings.HasPrefix(c.Path, "/") || strings.ContainsAny(c.Path, "?#") {
		say.add("path: %q is no path such as %s", c.Path, remoteapp.DefaultPath)
	}
	if !isToken(c.KeyHeader) {
		say.add("key_header: %q is no name of a header", c.KeyHeader)
	}
	if c.Store != "memory" {
		say.add("store: %q is not available; there is memory", c.Store)
	}
	if c.Log.Format != "text" && c.Log.Format != "json" {
		say.add("log.format: %q is not text or json", c.Log.Format)
	}
	for _, n := range []struct {
		name  string
		value int
	}{
		{"session.timeout", int(c.Session.Timeout)},
		{"session.lock_wait", int(c.Session.LockWait)},
		{"session.duplex_hold_limit", int(c.Session.DuplexHoldLimit)},
		{"session.get_hold_limit", int(c.Session.GetHoldLimit)},
		{"session.max_waiters", c.Session.MaxWaiters},
		{"session.max_holds", c.Session.MaxHolds},
		{"limits.session", int(c.Limits.Session)},
		{"limits.value", int(c.Limits.Value)},
		{"limits.keys", c.Limits.Keys},
		{"limits.key", int(c.Limits.Key)},
		{"memory.max_bytes", int(c.Memory.MaxBytes)},
		{"memory.max_sessions", c.Memory.MaxSessions},
	} {
		if n.value <= 0 {
			say.add("%s: want more than 0", n.name)
		}
	}
}

// isToken reports whether s can be the name of a header (RFC 9110, 5.6.2).
func isToken(s string) bool {
	other := func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && !strings.ContainsRune("!#$%&'*+-.^_`|~", r)
	}
	return s != "" && !strings.ContainsFunc(s, other)
}

// patience is how long Microsoft's client waits for the headers of an answer.
const patience = 100 * time.Second

// warnings returns what a careful operator would change.
func (c *Config) warnings() []string {
	var all []string
	if time.Duration(c.Session.LockWait) >= patience {
		all = append(all, fmt.Sprintf("session.lock_wait is %s, but Microsoft's client gives up after %s", c.Session.LockWait, patience))
	}
	return all
}

func (l Limits) wire() wire.Limits {
	return wire.Limits{Session: int(l.Session), Value: int(l.Value), Keys: l.Keys, Key: int(l.Key)}
}

// certificate loads the certificate, if there is one.
func (t TLS) certificate(log *slog.Logger, say *complaints) *certificate {
	switch {
	case t.Cert == "" && t.Key == "":
		return nil
	case t.Cert == "":
		say.add("tls.cert is missing: tls.key needs its certificate")
		return nil
	case t.Key == "":
		say.add("tls.key is missing: tls.cert needs its private key")
		return nil
	}
	c, err := loadCertificate(t.Cert, t.Key, log)
	if err != nil {
		say.add("tls.cert %s: %s", t.Cert, strings.TrimPrefix(err.Error(), "tls: "))
		return nil
	}
	return c
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
		a.orFree = c.FreePort
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
func (a Admin) address(orFree bool, say *complaints) address {
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
	at.orFree = orFree
	return at
}

// Logger returns the log that the settings ask for.
func (l Log) Logger(w io.Writer) *slog.Logger {
	o := &slog.HandlerOptions{Level: slog.Level(l.Level)}
	if l.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package remoteapp

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/sessionbridge/session"
)

// A Cookie says which cookie carries the session id. Zero fields mean the
// values that ASP.NET has by default.
type Cookie struct {
	Name     string        // "" means ASP.NET_SessionId
	Path     string        // "" means /
	Domain   string        // "" means none: the host that sets it
	Secure   bool          // sent by browsers over https only
	SameSite http.SameSite // 0 means Lax
}

// check returns all that is wrong with the cookie.
func (c Cookie) check() error {
	var errs []error
	if strings.ContainsAny(c.Name, " \t\"(),/:;<=>?@[\\]{}") || !isPrintable(c.Name) {
		errs = append(errs, fmt.Errorf("cookie name %q has characters that no cookie name may have", c.Name))
	}
	for _, attribute := range []struct{ name, value string }{{"path", c.Path}, {"domain", c.Domain}} {
		if strings.ContainsAny(attribute.value, ";,") || !isPrintable(attribute.value) {
			errs = append(errs, fmt.Errorf("cookie %s %q has characters that no cookie attribute may have", attribute.name, attribute.value))
		}
	}
	if c.SameSite == http.SameSiteNoneMode && !c.Secure {
		errs = append(errs, errors.New("cookie with same_site none must be secure, or browsers refuse it"))
	}
	return errors.Join(errs...)
}

func isPrintable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// withDefaults fills in what ASP.NET has by default.
func (c Cookie) withDefaults() Cookie {
	if c.Name == "" {
		c.Name = defaultCookie
	}
	if c.Path == "" {
		c.Path = "/"
	}
	if c.SameSite == 0 || c.SameSite == http.SameSiteDefaultMode {
		c.SameSite = http.SameSiteLaxMode
	}
	return c
}

// set returns the Set-Cookie header for an id, in the form and order in which
// ASP.NET writes it.
func (c Cookie) set(id string) string {
	s := c.Name + "=" + id + "; path=" + c.Path
	if c.Domain != "" {
		s += "; domain=" + c.Domain
	}
	if c.Secure {
		s += "; secure"
	}
	s += "; HttpOnly"
	switch c.SameSite {
	case http.SameSiteStrictMode:
		s += "; SameSite=Strict"
	case http.SameSiteNoneMode:
		s += "; SameSite=None"
	default:
		s += "; SameSite=Lax"
	}
	return s
}

// sessionID returns the session id that a request carries, if it is one. The
// name compares without case and the last cookie of several counts, as in
// ASP.NET Core; net/http's Cookie does neither.
func (c Cookie) sessionID(h http.Header) (id string, ok bool) {
	found := ""
	for _, line := range h["Cookie"] {
		for line != "" {
			var pair string
			pair, line, _ = strings.Cut(line, ";")
			name, value, ok := strings.Cut(pair, "=")
			if ok && strings.EqualFold(strings.TrimSpace(name), c.Name) {
				found = strings.TrimSpace(value)
			}
		}
	}
	return session.ParseID(found)
}

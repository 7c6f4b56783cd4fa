// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package remoteapp

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/internal/lastcookie"
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
	switch {
	case strings.ContainsAny(c.Path, ";,") || !isPrintable(c.Path):
		errs = append(errs, fmt.Errorf("cookie path %q has characters that no cookie attribute may have", c.Path))
	case c.Path != "" && c.Path[0] != '/':
		errs = append(errs, fmt.Errorf("cookie path %q does not begin with /, so browsers ignore it", c.Path))
	}
	if c.Domain != "" && !isHost(strings.TrimPrefix(c.Domain, ".")) {
		errs = append(errs, fmt.Errorf("cookie domain %q is no host name such as example.com, without a scheme, port or path, so browsers refuse the cookie", c.Domain))
	}
	if c.SameSite == http.SameSiteNoneMode && !c.Secure {
		errs = append(errs, errors.New("cookie with same_site none must be secure, or browsers refuse it"))
	}
	return errors.Join(append(errs, c.checkPrefix())...)
}

// checkPrefix checks what browsers demand of cookies whose names begin with
// __Host- or __Secure-, in any letter case (RFC 6265bis, 4.1.3).
func (c Cookie) checkPrefix() error {
	switch name := strings.ToLower(c.Name); {
	case strings.HasPrefix(name, "__secure-") && !c.Secure:
		return fmt.Errorf("cookie name %q needs secure, or browsers refuse the cookie", c.Name)
	case strings.HasPrefix(name, "__host-") && (!c.Secure || c.Domain != "" || c.Path != "" && c.Path != "/"):
		return fmt.Errorf("cookie name %q needs secure, the path / and no domain, or browsers refuse the cookie", c.Name)
	}
	return nil
}

// isHost reports whether s is a host name of letters, digits and hyphens, in
// ASCII as it stands in a header.
func isHost(s string) bool {
	for label := range strings.SplitSeq(s, ".") {
		other := func(r rune) bool {
			return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '-' && r != '_'
		}
		if label == "" || len(label) > 63 || label[0] == '-' || strings.HasSuffix(label, "-") || strings.ContainsFunc(label, other) {
			return false
		}
	}
	return true
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

// sessionID returns the session id that a request carries, if it is one.
func (c Cookie) sessionID(h http.Header) (id string, ok bool) {
	return session.ParseID(lastcookie.Value(h, c.Name))
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package httpsession

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/internal/lastcookie"
)

// A Cookie says which cookie carries the session id. Zero fields mean the
// values that ASP.NET has by default. It is HttpOnly always.
type Cookie struct {
	Name        string        // "" means ASP.NET_SessionId
	Path        string        // "" means /
	Domain      string        // "" means none: the host that sets it
	Secure      bool          // sent by browsers over https only
	SameSite    http.SameSite // 0 means Lax
	Partitioned bool          // one for each site that the application is embedded in; must be Secure
}

// withDefaults fills in what ASP.NET has by default.
func (c Cookie) withDefaults() Cookie {
	c.Name = cmp.Or(c.Name, "ASP.NET_SessionId")
	c.Path = cmp.Or(c.Path, "/")
	if c.SameSite == 0 || c.SameSite == http.SameSiteDefaultMode {
		c.SameSite = http.SameSiteLaxMode
	}
	return c
}

// check returns all that is wrong with the cookie: what browsers refuse, they
// refuse without a word.
func (c Cookie) check() error {
	var errs []error
	complain := func(wrong bool, what string) {
		if wrong {
			errs = append(errs, fmt.Errorf("cookie %q: %s", c.Name, what))
		}
	}
	if err := c.http("").Valid(); err != nil {
		complain(true, err.Error())
	}
	complain(c.SameSite == http.SameSiteNoneMode && !c.Secure, "with SameSite None it must be Secure, or browsers refuse it")
	complain(hasPrefix(c.Name, "__Secure-") && !c.Secure, "with this name it must be Secure, or browsers refuse it")
	complain(hasPrefix(c.Name, "__Host-") && (!c.Secure || c.Path != "/" || c.Domain != ""),
		"with this name it must be Secure, with the path / and no domain, or browsers refuse it")
	return errors.Join(errs...)
}

func hasPrefix(name, prefix string) bool {
	return len(name) >= len(prefix) && strings.EqualFold(name[:len(prefix)], prefix)
}

// http returns the cookie for an id, as net/http has it.
func (c Cookie) http(id string) *http.Cookie {
	return &http.Cookie{
		Name: c.Name, Value: id, Path: c.Path, Domain: c.Domain,
		Secure: c.Secure, HttpOnly: true, SameSite: c.SameSite, Partitioned: c.Partitioned,
	}
}

// set returns the Set-Cookie header for an id.
func (c Cookie) set(id string) string { return c.http(id).String() }

// mostID bounds the ids that are taken from a browser.
const mostID = 256

// sessionID returns the session id that a request carries, or "". What is an id
// is for the owner of the sessions to say: to drop one that only looks odd would
// replace the user's session by a new one, without a word.
func (c Cookie) sessionID(h http.Header) string {
	id := lastcookie.Value(h, c.Name)
	if len(id) > mostID {
		return ""
	}
	return id
}

// sameID reports whether two ids are one: those of ASP.NET compare without case.
func sameID(a, b string) bool {
	x, ok := session.ParseID(a)
	y, too := session.ParseID(b)
	return a == b || ok && too && x == y
}

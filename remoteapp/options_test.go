// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package remoteapp_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/sessionbridge/session/internal/memhttp"
	"github.com/sessionbridge/session/remoteapp"
)

// check checks options that have a valid client beside what the test is about.
func check(o remoteapp.HandlerOptions) string {
	if o.Clients == nil {
		o.Clients = []remoteapp.HandlerClient{{Name: "shop", Keys: []string{shopKey}}}
	}
	if err := o.Check(); err != nil {
		return err.Error()
	}
	return ""
}

// TestKeyHeader: every request would be refused for lack of a key.
func TestKeyHeader(t *testing.T) {
	for header, want := range map[string]string{
		"": "", "X-Key": "", "x_key.1~": "",
		"X Key": `key header "X Key" is no name of a header`, "Schlüssel": `key header "Schlüssel" is no name of a header`,
		"X-Key:": `key header "X-Key:" is no name of a header`,
	} {
		if got := check(remoteapp.HandlerOptions{KeyHeader: header}); got != want {
			t.Errorf("%q: got %q, want %q", header, got, want)
		}
	}
}

// TestCookiesThatBrowsersRefuse: nobody would notice but by sessions that are
// new on every page.
func TestCookiesThatBrowsersRefuse(t *testing.T) {
	noHost := " is no host name such as example.com, without a scheme, port or path, so browsers refuse the cookie"
	for _, test := range []struct {
		name   string
		cookie remoteapp.Cookie
		want   string
	}{
		{"defaults", remoteapp.Cookie{}, ""},
		{"host", remoteapp.Cookie{Domain: "shop-1.example.com"}, ""},
		{"host with a dot before it", remoteapp.Cookie{Domain: ".example.com"}, ""},
		{"one label", remoteapp.Cookie{Domain: "localhost"}, ""},
		{"scheme", remoteapp.Cookie{Domain: "https://example.com"}, `cookie domain "https://example.com"` + noHost},
		{"port", remoteapp.Cookie{Domain: "example.com:8080"}, `cookie domain "example.com:8080"` + noHost},
		{"path in the domain", remoteapp.Cookie{Domain: "example.com/shop"}, `cookie domain "example.com/shop"` + noHost},
		{"space", remoteapp.Cookie{Domain: "example com"}, `cookie domain "example com"` + noHost},
		{"wildcard", remoteapp.Cookie{Domain: "*.example.com"}, `cookie domain "*.example.com"` + noHost},
		{"two dots", remoteapp.Cookie{Domain: "example..com"}, `cookie domain "example..com"` + noHost},
		{"only a dot", remoteapp.Cookie{Domain: "."}, `cookie domain "."` + noHost},
		{"not ASCII", remoteapp.Cookie{Domain: "bücher.example"}, `cookie domain "bücher.example"` + noHost},
		{"path", remoteapp.Cookie{Path: "/shop"}, ""},
		{"path without a slash", remoteapp.Cookie{Path: "shop"}, `cookie path "shop" does not begin with /, so browsers ignore it`},
		{"path with a semicolon", remoteapp.Cookie{Path: "/;a"}, `cookie path "/;a" has characters that no cookie attribute may have`},
		{"__Secure-", remoteapp.Cookie{Name: "__Secure-id", Secure: true, Domain: "example.com", Path: "/shop"}, ""},
		{"__Secure- without secure", remoteapp.Cookie{Name: "__Secure-id"}, `cookie name "__Secure-id" needs secure, or browsers refuse the cookie`},
		{"__Host-", remoteapp.Cookie{Name: "__Host-id", Secure: true, Path: "/"}, ""},
		{"__Host- without a path", remoteapp.Cookie{Name: "__Host-id", Secure: true}, ""},
		{"__Host- without secure", remoteapp.Cookie{Name: "__host-id"}, `cookie name "__host-id" needs secure, the path / and no domain, or browsers refuse the cookie`},
		{"__Host- with a path", remoteapp.Cookie{Name: "__Host-id", Secure: true, Path: "/shop"}, `cookie name "__Host-id" needs secure, the path / and no domain, or browsers refuse the cookie`},
		{"__Host- with a domain", remoteapp.Cookie{Name: "__Host-id", Secure: true, Domain: "example.com"}, `cookie name "__Host-id" needs secure, the path / and no domain, or browsers refuse the cookie`},
	} {
		if got := check(remoteapp.HandlerOptions{Cookie: test.cookie}); got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}

func TestClientsThatAreRefused(t *testing.T) {
	keys, noScope := []string{shopKey}, "its scope has no pattern; leave it out to let the client see all keys"
	for _, test := range []struct {
		client remoteapp.HandlerClient
		want   string
	}{
		{remoteapp.HandlerClient{Name: "Käse 1", Keys: keys}, ""},
		{remoteapp.HandlerClient{Name: "shop", Keys: keys, Scope: []string{"user"}}, ""},
		{remoteapp.HandlerClient{Name: "shop", Keys: keys, Scope: []string{}}, `client "shop": ` + noScope},
		{remoteapp.HandlerClient{Name: " ", Keys: keys}, "a client has no name"},
		{remoteapp.HandlerClient{Name: "shop ", Keys: keys}, `client "shop ": its name begins or ends with white space`},
		{remoteapp.HandlerClient{Name: "sh\nop", Keys: keys}, `client "sh\nop": its name has characters that can't be printed`},
		{remoteapp.HandlerClient{Name: "sh\xffop", Keys: keys}, `client "sh\xffop": its name has characters that can't be printed`},
		{remoteapp.HandlerClient{Name: "None", Keys: keys}, `client "None": that name stands for requests without a valid API key`},
		{remoteapp.HandlerClient{Name: "shop", Keys: []string{shopKey, shopKey}}, `client "shop" has the same API key twice`},
		{remoteapp.HandlerClient{Name: "shop", Keys: []string{"x"}}, `client "shop": API key has 1 character, want a GUID such as 32 hex digits with or without hyphens`},
	} {
		if got := check(remoteapp.HandlerOptions{Clients: []remoteapp.HandlerClient{test.client}}); got != test.want {
			t.Errorf("%+v: got %q, want %q", test.client, got, test.want)
		}
	}
}

// TestKeyHeaderIsNamedAsItIsConfigured: that is how a developer finds it.
func TestKeyHeaderIsNamedAsItIsConfigured(t *testing.T) {
	for configured, want := range map[string]string{"": keyHeader, "x-API-key": "x-API-key"} {
		synctest.Test(t, func(t *testing.T) {
			s := serve(t, setup{handler: remoteapp.HandlerOptions{KeyHeader: configured}})
			_, body := s.do(call{client: s.Client(memhttp.HTTP1), method: http.MethodGet, key: "-"})
			if !strings.Contains(string(body), "The header "+want+" is missing") {
				t.Errorf("the answer does not name %s: %s", want, body)
			}
			if configured == "" {
				return
			}
			header := http.Header{http.CanonicalHeaderKey(configured): {shopKey}}
			if res, _ := s.do(call{client: s.Client(memhttp.HTTP1), method: http.MethodGet, key: "-", readOnly: true, header: header}); res.StatusCode != http.StatusOK {
				t.Errorf("a key in %s was answered with %s, want 200", configured, res.Status)
			}
		})
	}
}

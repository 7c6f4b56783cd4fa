// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package httpsession_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/httpsession"
)

func TestRoutesByPatterns(t *testing.T) {
	m := newManager(t, session.ManagerOptions{})
	o := httpsession.Options{ReadOnlyGET: true, Routes: httpsession.Routes{
		Writable: []string{"/admin/", "GET /cart/{item}"},
		ReadOnly: []string{"POST /search", "/admin/help"},
		Disabled: []string{"/static/", "GET /healthz"},
	}}
	for _, test := range []struct {
		method, path string
		mark         mark // on the handler
		outer        mark // outside of the middleware
		want         string
	}{
		{"GET", "/", nil, nil, "read-only"},
		{"POST", "/", nil, nil, "writable"},
		{"GET", "/admin/", nil, nil, "writable"},
		{"GET", "/admin/help", nil, nil, "read-only"},
		{"GET", "/cart/7", nil, nil, "writable"},
		{"POST", "/search", nil, nil, "read-only"},
		{"GET", "/static/a.css", nil, nil, "Options.Routes.Disabled"},
		{"HEAD", "/healthz", nil, nil, "Options.Routes.Disabled"},
		{"POST", "/healthz", nil, nil, "writable"},
		{"POST", "/search", httpsession.Writable, nil, "writable"},
		{"POST", "/search", nil, httpsession.Disabled, "read-only"},
		{"POST", "/", nil, httpsession.ReadOnly, "read-only"},
		{"GET", "/static/a.css", httpsession.Writable, nil, "Options.Routes.Disabled"},
	} {
		got := ""
		page := open(&got)
		if test.mark != nil {
			page = test.mark(page)
		}
		h := wrap(t, m, o, page.ServeHTTP)
		if test.outer != nil {
			h = test.outer(h)
		}
		serve(h, newRequest(t, test.method, test.path))
		if !strings.Contains(got, test.want) {
			t.Errorf("%s %s: got %q, want %q", test.method, test.path, got, test.want)
		}
	}
}

func TestWrongRoutesAreAllNamed(t *testing.T) {
	err := httpsession.Options{
		Cookie: httpsession.Cookie{Name: "a b"},
		Routes: httpsession.Routes{
			Writable: []string{"GET /a", "not a pattern"},
			ReadOnly: []string{"GET /a", "/{x}/b", "/c/{y}"},
		},
	}.Check()
	for _, want := range []string{"Cookie.Name", `route "GET /a"`, `route "not a pattern"`, `route "/c/{y}"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want it to name %s", err, want)
		}
	}
}

// TestRoutesAreFoundAsAServeMuxDoes asks both for many paths.
func TestRoutesAreFoundAsAServeMuxDoes(t *testing.T) {
	patterns := []string{
		"/", "/{$}", "/a", "/a/", "/a/{$}", "/a/{x}", "/a/{x}/", "/b/{x}/b", "/a/b/{rest...}", "/a/b/c", "GET /a/b/c",
		"GET /a/d", "HEAD /a/d", "POST /a/d", "/a/d", "/%7Ed/e%2Ff", "shop.example/", "shop.example/a", "POST shop.example/a", "/c/{y}/{z}", "/c/{y}/d",
	}
	segments := []string{"", "/", "/a", "/b", "/c", "/d", "/~d", "/e%2Ff", "/e/f"}
	for i, pattern := range patterns {
		// Each in turn is the read-only one; all others are writable.
		o := httpsession.Routes{ReadOnly: []string{pattern}, Writable: slices.Delete(slices.Clone(patterns), i, i+1)}
		mux := http.NewServeMux()
		for _, p := range patterns {
			mux.Handle(p, http.NotFoundHandler())
		}
		got := ""
		h := wrap(t, newManager(t, session.ManagerOptions{}), httpsession.Options{Routes: o}, open(&got).ServeHTTP)
		for n := range len(segments) * len(segments) * len(segments) {
			path := ""
			for ; n > 0; n /= len(segments) {
				path += segments[n%len(segments)]
			}
			if path == "" || strings.Contains(path, "//") {
				continue
			}
			for _, method := range []string{"GET", "HEAD", "POST"} {
				for _, host := range []string{"other.example", "shop.example:80"} {
					r := newRequest(t, method, "http://"+host+path)
					_, found := mux.Handler(r)
					want := map[bool]string{true: "read-only", false: "writable"}[found == pattern]
					if serve(h, r); got != want {
						t.Fatalf("%s %s%s: got %s, but a ServeMux finds %q, not %q", method, host, path, got, found, pattern)
					}
				}
			}
		}
	}
}

func TestPathValuesReachTheHandlerThroughTheTable(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /cart/{id}", func(_ http.ResponseWriter, r *http.Request) {
		if got := r.PathValue("id"); got != "7" {
			t.Errorf("id is %q, want 7", got)
		}
	})
	o := httpsession.Options{Routes: httpsession.Routes{ReadOnly: []string{"/cart/{other}"}}}
	serve(wrap(t, newManager(t, session.ManagerOptions{}), o, mux.ServeHTTP), newRequest(t, "GET", "/cart/7"))
}

func TestOpenOverridesTheRoute(t *testing.T) {
	m := newManager(t, session.ManagerOptions{})
	for _, test := range []struct {
		name  string
		route mark
		modes []session.Mode
		want  []string
	}{
		{"writable on a read-only route", httpsession.ReadOnly, []session.Mode{session.Writable}, []string{"writable"}},
		{"read-only on a writable route", httpsession.Writable, []session.Mode{session.ReadOnly}, []string{"read-only"}},
		{"read-only when it is open already", httpsession.Writable, []session.Mode{session.Writable, session.ReadOnly}, []string{"writable", "writable"}},
		{"writable too late", httpsession.ReadOnly, []session.Mode{session.ReadOnly, session.Writable}, []string{"read-only", "read-only before"}},
		{"on a disabled route", httpsession.Disabled, []session.Mode{session.Writable}, []string{"httpsession.Disabled"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			serve(wrap(t, m, httpsession.Options{}, test.route(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				for i, mode := range test.modes {
					got := "writable"
					if s, err := httpsession.Open(r.Context(), mode); err != nil {
						got = err.Error()
					} else if s.ReadOnly() {
						got = "read-only"
					}
					if !strings.Contains(got, test.want[i]) {
						t.Errorf("use %d: got %q, want %q", i, got, test.want[i])
					}
				}
			})).ServeHTTP), newRequest(t, "GET", "/"))
		})
	}
	if _, err := httpsession.Open(context.Background(), session.ReadOnly); !errors.Is(err, session.ErrNoSession) {
		t.Errorf("outside of the middleware: got %v, want ErrNoSession", err)
	}
}

func TestIDOpensNothing(t *testing.T) {
	p := &probe{Source: newManager(t, session.ManagerOptions{})}
	serve(wrap(t, p, httpsession.Options{}, func(_ http.ResponseWriter, r *http.Request) {
		if got := httpsession.ID(r.Context()); got != testID {
			t.Errorf("got %q, want that of the cookie", got)
		}
	}), newRequest(t, "GET", "/"))
	p.want(t, 0, 0, 0)
	r := newRequest(t, "GET", "/")
	r.Header.Del("Cookie")
	serve(wrap(t, p, httpsession.Options{}, func(_ http.ResponseWriter, r *http.Request) {
		if got := httpsession.ID(r.Context()); got != "" {
			t.Errorf("got %q, want none", got)
		}
		s, err := session.FromContext(r.Context())
		must(t, err)
		if got := httpsession.ID(r.Context()); got != s.ID() {
			t.Errorf("got %q, want that of the new session", got)
		}
	}), r)
	if got := httpsession.ID(context.Background()); got != "" {
		t.Errorf("outside of the middleware: got %q", got)
	}
}

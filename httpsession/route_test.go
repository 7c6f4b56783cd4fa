// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package httpsession_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/httpsession"
)

type mark = func(http.Handler) http.Handler

// open is a page that uses its session, and tells what it got.
func open(got *string) http.Handler {
	return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		s, err := session.FromContext(r.Context())
		switch {
		case err != nil:
			*got = err.Error()
		case s.ReadOnly():
			*got = "read-only"
		default:
			*got = "writable"
		}
	})
}

func TestRoutes(t *testing.T) {
	m := newManager(t, session.ManagerOptions{})
	for _, test := range []struct {
		name        string
		outer       mark // outside of the middleware
		inner       []mark
		readOnlyGET bool
		method      string
		want        string
	}{
		{"not marked", nil, nil, false, "GET", "writable"},
		{"read-only", nil, []mark{httpsession.ReadOnly}, false, "POST", "read-only"},
		{"disabled", nil, []mark{httpsession.Disabled}, false, "GET", "httpsession.Disabled"},
		{"GET where GET is read-only", nil, nil, true, "GET", "read-only"},
		{"HEAD where GET is read-only", nil, nil, true, "HEAD", "read-only"},
		{"POST where GET is read-only", nil, nil, true, "POST", "writable"},
		{"writable GET where GET is read-only", nil, []mark{httpsession.Writable}, true, "GET", "writable"},
		{"read-only and then writable", nil, []mark{httpsession.ReadOnly, httpsession.Writable}, false, "POST", "writable"},
		{"writable and then disabled", nil, []mark{httpsession.Writable, httpsession.Disabled}, false, "POST", "httpsession.Disabled"},
		{"marked outside", httpsession.ReadOnly, nil, false, "POST", "read-only"},
		{"marked outside and inside", httpsession.Disabled, []mark{httpsession.ReadOnly}, false, "POST", "read-only"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := ""
			page := open(&got)
			for i := len(test.inner) - 1; i >= 0; i-- {
				page = test.inner[i](page)
			}
			h := wrap(t, m, httpsession.Options{ReadOnlyGET: test.readOnlyGET}, page.ServeHTTP)
			if test.outer != nil {
				h = test.outer(h)
			}
			serve(h, newRequest(t, test.method, "/"))
			if !strings.Contains(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestMarksInAMux(t *testing.T) {
	read, write := "", ""
	mux := http.NewServeMux()
	mux.Handle("GET /cart", httpsession.ReadOnly(open(&read)))
	mux.Handle("POST /cart", open(&write))
	h := wrap(t, newManager(t, session.ManagerOptions{}), httpsession.Options{}, mux.ServeHTTP)
	serve(h, newRequest(t, "GET", "/cart"))
	serve(h, newRequest(t, "POST", "/cart"))
	if read != "read-only" || write != "writable" {
		t.Errorf("GET got %q, POST got %q", read, write)
	}
}

func TestMarkAfterFirstUse(t *testing.T) {
	p := &probe{Source: newManager(t, session.ManagerOptions{})}
	use := func(want error, next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if _, err := session.FromContext(r.Context()); !errors.Is(err, want) {
				t.Errorf("got %v, want %v", err, want)
			}
			if next != nil {
				next.ServeHTTP(w, r)
			}
		})
	}
	for _, page := range []http.Handler{
		httpsession.ReadOnly(use(nil, httpsession.Writable(use(session.ErrReadOnly, nil)))),
		httpsession.Writable(use(nil, httpsession.ReadOnly(use(nil, nil)))),
		httpsession.Writable(use(nil, httpsession.Disabled(use(session.ErrNoSession, nil)))),
	} {
		serve(wrap(t, p, httpsession.Options{}, page.ServeHTTP), newRequest(t, "GET", "/"))
	}
	p.want(t, 3, 3, 0)
}

func TestReadOnlySessionCanNotBeChanged(t *testing.T) {
	m := newManager(t, session.ManagerOptions{})
	serve(wrap(t, m, httpsession.Options{ReadOnlyGET: true}, func(_ http.ResponseWriter, r *http.Request) {
		s, err := session.FromContext(r.Context())
		must(t, err)
		if err := visits.Set(s, 1); !errors.Is(err, session.ErrReadOnly) {
			t.Errorf("got %v, want ErrReadOnly", err)
		}
	}), newRequest(t, "GET", "/"))
	if got := storedVisits(t, m); got != 0 {
		t.Errorf("stored %d", got)
	}
}

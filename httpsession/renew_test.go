// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package httpsession_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/httpsession"
)

func TestRenewGivesTheBrowserANewID(t *testing.T) {
	m := newManager(t, session.ManagerOptions{})
	for name, source := range map[string]session.Source{"lock at first use": m, "lock at first change": session.LockOnWrite(m)} {
		t.Run(name, func(t *testing.T) {
			serve(wrap(t, source, httpsession.Options{}, count(t)), newRequest(t, "POST", "/"))
			before := storedVisits(t, m)
			id := ""
			res := serve(wrap(t, source, httpsession.Options{}, func(w http.ResponseWriter, r *http.Request) {
				must(t, httpsession.Renew(r.Context()))
				addVisit(t, r)
				io.WriteString(w, "signed in")
				id = httpsession.ID(r.Context())
			}), newRequest(t, "POST", "/"))
			cookies := res.Cookies()
			if len(cookies) != 1 || cookies[0].Value == testID || cookies[0].Value != id {
				t.Fatalf("cookies %v, want one with the new id %q", cookies, id)
			}
			opened, err := m.Open(t.Context(), id, session.ReadOnly)
			must(t, err)
			if n, err := visits.Get(opened.Session()); n != before+1 || err != nil {
				t.Errorf("under the new id are %d visits, %v, want %d", n, err, before+1)
			}
			if got := storedVisits(t, m); got != 0 {
				t.Errorf("under the old id are %d visits", got)
			}
		})
	}
}

func TestRenewThatFailsIsAnErrorAtTheCall(t *testing.T) {
	m := newManager(t, session.ManagerOptions{})
	renew := func(want error) http.HandlerFunc {
		return func(_ http.ResponseWriter, r *http.Request) {
			if err := httpsession.Renew(r.Context()); !errors.Is(err, want) {
				t.Errorf("got %v, want %v", err, want)
			}
		}
	}
	for _, res := range []*http.Response{
		serve(wrap(t, &probe{Source: m}, httpsession.Options{}, renew(session.ErrNotRenewable)), newRequest(t, "GET", "/")),
		serve(wrap(t, m, httpsession.Options{ReadOnlyGET: true}, renew(session.ErrReadOnly)), newRequest(t, "GET", "/")),
		serve(wrap(t, m, httpsession.Options{}, func(w http.ResponseWriter, r *http.Request) {
			addVisit(t, r)
			io.WriteString(w, "page")
			renew(httpsession.ErrTooLate)(w, r)
		}), newRequest(t, "GET", "/")),
		serve(httpsession.Disabled(wrap(t, m, httpsession.Options{}, renew(session.ErrNoSession))), newRequest(t, "GET", "/")),
	} {
		if len(res.Cookies()) > 0 {
			t.Errorf("cookies %v", res.Cookies())
		}
	}
	s := session.NewSession(session.State{})
	ctx := session.NewContext(t.Context(), func(context.Context) (*session.Session, error) { return s, nil })
	if err := httpsession.Renew(ctx); err == nil {
		t.Error("a session of another middleware is renewed")
	}
}

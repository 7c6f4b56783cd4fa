// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package httpsession_test

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/httpsession"
)

func TestChangesInPlaceAfterTheFirstWriteAreLogged(t *testing.T) {
	cart := session.NewKey[map[string]int]("cart").WithMutations(session.SaveMutations)
	read := func(r *http.Request) map[string]int {
		s, err := session.FromContext(r.Context())
		must(t, err)
		c, err := cart.Get(s)
		must(t, err)
		return c
	}
	for _, test := range []struct {
		name   string
		method string
		page   http.HandlerFunc
		want   bool
	}{
		{"before the write", "POST", func(w http.ResponseWriter, r *http.Request) { read(r)["bell"]++; io.WriteString(w, "page") }, false},
		{"after the write", "POST", func(w http.ResponseWriter, r *http.Request) { c := read(r); io.WriteString(w, "page"); c["bell"]++ }, true},
		{"before and after it", "POST", func(w http.ResponseWriter, r *http.Request) {
			c := read(r)
			c["bell"]++
			io.WriteString(w, "page")
			c["bell"]++
		}, true},
		{"opened to be read after the write", "GET", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "page"); read(r)["bell"]++ }, true},
		{"only read", "GET", func(w http.ResponseWriter, r *http.Request) { read(r); io.WriteString(w, "page"); read(r) }, false},
		{"the request failed", "POST", func(w http.ResponseWriter, r *http.Request) {
			c := read(r)
			c["bell"]++
			httpsession.Error(w, r, errors.New("half done"))
			c["bell"]++
		}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			for name, wrapped := range map[string]func(session.Source) session.Source{
				"Manager":     func(s session.Source) session.Source { return s },
				"LockOnWrite": session.LockOnWrite,
			} {
				m := newManager(t, session.ManagerOptions{})
				serve(wrap(t, m, httpsession.Options{}, func(w http.ResponseWriter, r *http.Request) {
					s, err := session.FromContext(r.Context())
					must(t, err)
					must(t, cart.Set(s, map[string]int{"bell": 1}))
				}), newRequest(t, "POST", "/"))
				var log bytes.Buffer
				o := httpsession.Options{ReadOnlyGET: true, Logger: slog.New(slog.NewTextHandler(&log, nil))}
				serve(wrap(t, wrapped(m), o, test.page), newRequest(t, test.method, "/"))
				const text = "what a handler changed after the commit is lost"
				if got := strings.Contains(log.String(), text); got != test.want || got && !strings.Contains(log.String(), "cart") || strings.Contains(log.String(), testID) {
					t.Errorf("%s: the log is %q, want it to tell %t", name, &log, test.want)
				}
			}
		})
	}
}

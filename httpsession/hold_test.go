// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package httpsession_test

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/httpsession"
)

func TestLongHoldIsLogged(t *testing.T) {
	for _, test := range []struct {
		name  string
		o     httpsession.Options
		route mark
		slow  time.Duration // before the first byte
		after time.Duration // and after it
		want  int
	}{
		{"default", httpsession.Options{}, httpsession.Writable, 10 * time.Second, 0, 1},
		{"just within the default", httpsession.Options{}, httpsession.Writable, 10*time.Second - 1, 0, 0},
		{"a limit of one's own", httpsession.Options{HoldWarning: time.Second}, httpsession.Writable, 2 * time.Second, 0, 1},
		{"none", httpsession.Options{HoldWarning: -1}, httpsession.Writable, time.Hour, 0, 0},
		{"read-only", httpsession.Options{}, httpsession.ReadOnly, time.Hour, 0, 0},
		{"committed by the first byte of a stream", httpsession.Options{}, httpsession.Writable, time.Second, time.Hour, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				test.o.Logger = slog.New(slog.NewTextHandler(&log, nil))
				page := test.route(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					_, err := session.FromContext(r.Context())
					must(t, err)
					time.Sleep(test.slow)
					synctest.Wait()
					io.WriteString(w, "page")
					time.Sleep(test.after)
				}))
				serve(wrap(t, newManager(t, session.ManagerOptions{}), test.o, page.ServeHTTP), newRequest(t, "GET", "/"))
				if got := log.String(); strings.Count(got, "held for long") != test.want || strings.Contains(got, testID) {
					t.Errorf("logged %q, want %d warnings and no id", got, test.want)
				}
			})
		})
	}
}

func TestDoDoesNotWaitForItsOwnRequest(t *testing.T) {
	for name, around := range map[string]func(session.Source) session.Source{
		"Manager":     func(s session.Source) session.Source { return s },
		"LockOnWrite": session.LockOnWrite,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newManager(t, session.ManagerOptions{})
				res := serve(wrap(t, around(m), httpsession.Options{}, func(w http.ResponseWriter, r *http.Request) {
					addVisit(t, r)
					id, start := httpsession.ID(r.Context()), time.Now()
					set := func(s *session.Session) error { return visits.Set(s, 9) }
					err := session.Do(r.Context(), m, id, set)
					if err == nil || !strings.Contains(err.Error(), "commit it first") || time.Since(start) > 0 {
						t.Errorf("while the request holds it: got %v after %s", err, time.Since(start))
					}
					must(t, httpsession.Commit(r.Context()))
					must(t, session.Do(r.Context(), m, id, set))
				}), newRequest(t, "POST", "/"))
				if res.StatusCode != 200 {
					t.Errorf("got %s", res.Status)
				}
			})
		})
	}
}

func TestDoChangesAnotherSessionThanTheRequestHolds(t *testing.T) {
	m := newManager(t, session.ManagerOptions{})
	serve(wrap(t, m, httpsession.Options{}, count(t)), newRequest(t, "POST", "/"))
	r := newRequest(t, "POST", "/")
	r.Header.Del("Cookie")
	serve(wrap(t, m, httpsession.Options{}, func(_ http.ResponseWriter, r *http.Request) {
		addVisit(t, r)
		must(t, session.Do(r.Context(), m, testID, func(s *session.Session) error { return visits.Set(s, 9) }))
	}), r)
	if n := storedVisits(t, m); n != 9 {
		t.Errorf("%d visits are stored, want 9", n)
	}
}

func TestDoBesideARequestThatOnlyReads(t *testing.T) {
	m := newManager(t, session.ManagerOptions{})
	serve(wrap(t, m, httpsession.Options{}, count(t)), newRequest(t, "POST", "/"))
	for name, source := range map[string]session.Source{"read-only": m, "not locked yet": session.LockOnWrite(m)} {
		serve(wrap(t, source, httpsession.Options{ReadOnlyGET: name == "read-only"}, func(w http.ResponseWriter, r *http.Request) {
			s, err := session.FromContext(r.Context())
			must(t, err)
			if err := session.Do(r.Context(), m, s.ID(), func(s *session.Session) error { return visits.Set(s, 9) }); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}), newRequest(t, "GET", "/"))
	}
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package httpsession_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/httpsession"
)

// TestLockOnWriteSetsTheCookieOfWhatIsStored: over a source that owns its
// sessions, and over one whose owner sets cookies itself.
func TestLockOnWriteSetsTheCookieOfWhatIsStored(t *testing.T) {
	for _, owner := range []bool{false, true} {
		for _, change := range []bool{false, true} {
			p := &probe{Source: newManager(t, session.ManagerOptions{})}
			if owner {
				p.cookies = []string{"ASP.NET_SessionId=x", "affinity=1"}
			}
			r := newRequest(t, "GET", "/")
			r.Header.Del("Cookie")
			id := ""
			res := serve(wrap(t, session.LockOnWrite(p), httpsession.Options{}, func(_ http.ResponseWriter, r *http.Request) {
				s, err := session.FromContext(r.Context())
				must(t, err)
				if change {
					must(t, visits.Set(s, 1))
				}
				id = s.ID()
			}), r)
			got := res.Header["Set-Cookie"]
			switch {
			case owner && len(got) != 2:
				t.Errorf("changed %t: cookies %q, want those of the owner", change, got)
			case !owner && change != (len(got) == 1 && strings.Contains(got[0], id)):
				t.Errorf("changed %t: cookies %q", change, got)
			}
			if change { // the read one is released, the written one committed
				p.want(t, 2, 1, 1)
			} else {
				p.want(t, 1, 1, 0)
			}
		}
	}
}

func TestStaleChangeIsTheHandlersToAnswer(t *testing.T) {
	m := newManager(t, session.ManagerOptions{})
	h := wrap(t, session.LockOnWrite(m), httpsession.Options{}, func(w http.ResponseWriter, r *http.Request) {
		s, err := session.FromContext(r.Context())
		must(t, err)
		n, err := visits.Get(s)
		must(t, err)
		other, err := m.Open(r.Context(), testID, session.Writable)
		must(t, err)
		must(t, visits.Set(other.Session(), 7))
		must(t, other.Commit(r.Context()))
		err = visits.Set(s, n+1)
		var stale *session.StaleError
		if !errors.As(err, &stale) {
			t.Errorf("got %v, want a StaleError", err)
		}
		httpsession.Error(w, r, err)
	})
	if res := serve(h, newRequest(t, "POST", "/")); res.StatusCode != 503 {
		t.Errorf("got %s, want 503", res.Status)
	}
	if got := storedVisits(t, m); got != 7 {
		t.Errorf("stored %d, want 7", got)
	}
}

// TestLockOnWriteOutlivesWhoOpened: a session is opened by a part of the handler
// whose context ends before that of the request does, and changed after that.
func TestLockOnWriteOutlivesWhoOpened(t *testing.T) {
	p := &probe{Source: newManager(t, session.ManagerOptions{})}
	browser, leave := context.WithCancel(t.Context())
	h := wrap(t, session.LockOnWrite(p), httpsession.Options{}, func(_ http.ResponseWriter, r *http.Request) {
		part, end := context.WithCancel(session.ContextWithTrace(r.Context(), session.Trace{State: "a=1"}))
		_, err := session.FromContext(part)
		must(t, err)
		end()
		if r.Method == "DELETE" {
			leave()
		}
		s, err := session.FromContext(r.Context())
		must(t, err)
		if err := visits.Set(s, 5); r.Method == "DELETE" && !errors.Is(err, context.Canceled) || r.Method != "DELETE" && err != nil {
			t.Errorf("%s: got %v", r.Method, err)
		}
	})
	serve(h, newRequest(t, "POST", "/").WithContext(browser))
	if got := storedVisits(t, p.Source); got != 5 || p.trace.State != "a=1" {
		t.Errorf("stored %d, want 5; opened for writing in the trace %+v", got, p.trace)
	}
	serve(h, newRequest(t, "DELETE", "/").WithContext(browser))
}

func TestHoldWarningCountsWhatIsHeld(t *testing.T) {
	for held, want := range map[time.Duration]int{0: 0, 999 * time.Millisecond: 0, 3 * time.Second: 1} {
		synctest.Test(t, func(t *testing.T) {
			var log bytes.Buffer
			o := httpsession.Options{HoldWarning: time.Second, Logger: slog.New(slog.NewTextHandler(&log, nil))}
			serve(wrap(t, session.LockOnWrite(newManager(t, session.ManagerOptions{})), o, func(_ http.ResponseWriter, r *http.Request) {
				s, err := session.FromContext(r.Context())
				must(t, err)
				time.Sleep(time.Minute - time.Millisecond)
				must(t, visits.Set(s, 1))
				time.Sleep(held)
				synctest.Wait()
			}), newRequest(t, "POST", "/"))
			if got := strings.Count(log.String(), "held for long"); got != want {
				t.Errorf("held for %s: logged %q, want %d warnings", held, &log, want)
			}
		})
	}
}

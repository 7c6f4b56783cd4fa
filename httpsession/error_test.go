// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package httpsession_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/httpsession"
)

func TestApplicationAnswersAFailedCommit(t *testing.T) {
	cause := errors.New("disk on fire")
	p := &probe{Source: newManager(t, session.ManagerOptions{}), commitErr: cause}
	for _, test := range []struct {
		name string
		hook func(w http.ResponseWriter)
		want string
	}{
		{"page", func(w http.ResponseWriter) {
			w.WriteHeader(http.StatusBadGateway)
			io.WriteString(w, "sorry")
		}, "502 sorry"},
		{"page without a status", func(w http.ResponseWriter) { io.WriteString(w, "sorry") }, "200 sorry"},
		{"flushed page", func(w http.ResponseWriter) {
			w.WriteHeader(http.StatusBadGateway)
			if err := http.NewResponseController(w).Flush(); err != nil {
				t.Error(err)
			}
		}, "502 "},
		{"nothing", func(http.ResponseWriter) {}, "500 "},
	} {
		t.Run(test.name, func(t *testing.T) {
			hook := func(w http.ResponseWriter, r *http.Request, err error) {
				if !errors.Is(err, cause) {
					t.Errorf("the hook got %v, want what the commit said", err)
				}
				if s, err := session.FromContext(r.Context()); err != nil || s.ID() != testID {
					t.Errorf("the hook has session %v, %v", s, err)
				}
				test.hook(w)
			}
			w := &strictWriter{ResponseRecorder: httptest.NewRecorder(), t: t}
			wrap(t, p, httpsession.Options{ErrorFunc: hook}, count(t)).ServeHTTP(w, newRequest(t, "GET", "/"))
			res := w.Result()
			if got := fmt.Sprint(res.StatusCode, " ", body(t, res)); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// A strictWriter complains of a second WriteHeader.
type strictWriter struct {
	*httptest.ResponseRecorder
	t     *testing.T
	wrote bool
}

func (w *strictWriter) WriteHeader(status int) {
	if w.wrote {
		w.t.Error("a second WriteHeader")
	}
	w.wrote = true
	w.ResponseRecorder.WriteHeader(status)
}

func (w *strictWriter) Write(p []byte) (int, error) {
	w.wrote = true
	return w.ResponseRecorder.Write(p)
}

func TestErrorReleasesTheSession(t *testing.T) {
	p := &probe{Source: newManager(t, session.ManagerOptions{})}
	r := newRequest(t, "POST", "/")
	r.Header.Del("Cookie")
	res := serve(wrap(t, p, httpsession.Options{}, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		addVisit(t, r)
		httpsession.Error(w, r, errors.New("half done"))
		s, err := session.FromContext(r.Context())
		must(t, err)
		if err := visits.Set(s, 9); !errors.Is(err, httpsession.ErrTooLate) {
			t.Errorf("a change after Error: got %v, want ErrTooLate", err)
		}
	}), r)
	if res.StatusCode != 500 || len(res.Cookies()) > 0 || res.Header.Get("Content-Encoding") != "" {
		t.Errorf("got %s, headers %v, want a 500 without the handler's headers and without a cookie", res.Status, res.Header)
	}
	p.want(t, 1, 0, 1)
}

func TestReleaseStoresNothing(t *testing.T) {
	m := newManager(t, session.ManagerOptions{})
	serve(wrap(t, m, httpsession.Options{}, count(t)), newRequest(t, "POST", "/"))
	for _, id := range []string{testID, ""} {
		r := newRequest(t, "POST", "/")
		if id == "" {
			r.Header.Del("Cookie")
		}
		res := serve(wrap(t, m, httpsession.Options{}, func(w http.ResponseWriter, r *http.Request) {
			httpsession.Release(r.Context()) // nothing is open yet
			must(t, httpsession.Renew(r.Context()))
			addVisit(t, r)
			httpsession.Release(r.Context())
			httpsession.Release(r.Context())
			if n := m.Stats().Holds; n != 0 {
				t.Errorf("%d sessions are held", n)
			}
			s, err := session.FromContext(r.Context())
			must(t, err)
			if err := visits.Set(s, 9); !errors.Is(err, httpsession.ErrTooLate) || !strings.Contains(err.Error(), "given up") {
				t.Errorf("a change after Release: got %v, want ErrTooLate", err)
			}
			must(t, httpsession.Commit(r.Context()))
			w.Header().Set("Location", "/")
			w.WriteHeader(http.StatusSeeOther)
		}), r)
		if res.StatusCode != 303 || res.Header.Get("Location") != "/" || len(res.Cookies()) > 0 {
			t.Errorf("got %s, headers %v, want the handler's answer without a cookie", res.Status, res.Header)
		}
	}
	if n := storedVisits(t, m); n != 1 {
		t.Errorf("%d visits are stored, want 1", n)
	}
	httpsession.Release(t.Context()) // a context without a session
}

func TestErrorFuncThatWritesNothingIsNoPage(t *testing.T) {
	o := httpsession.Options{ErrorFunc: func(http.ResponseWriter, *http.Request, error) {}}
	res := serve(wrap(t, newManager(t, session.ManagerOptions{}), o, func(w http.ResponseWriter, r *http.Request) {
		addVisit(t, r)
		httpsession.Error(w, r, errors.New("half done"))
	}), newRequest(t, "POST", "/"))
	if res.StatusCode != 500 {
		t.Errorf("got %s, want 500", res.Status)
	}
}

func TestErrorOutsideOfTheMiddleware(t *testing.T) {
	w, r := httptest.NewRecorder(), newRequest(t, "GET", "/")
	_, err := session.FromContext(r.Context())
	httpsession.Error(w, r, err)
	if w.Code != 500 {
		t.Errorf("got %d, want 500", w.Code)
	}
}

func TestExplicitCommitIsTheHandlersToAnswer(t *testing.T) {
	p := &probe{Source: newManager(t, session.ManagerOptions{}), commitErr: errors.New("disk on fire")}
	r := newRequest(t, "POST", "/")
	r.Header.Del("Cookie")
	var log bytes.Buffer
	o := httpsession.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))}
	res := serve(wrap(t, p, o, func(w http.ResponseWriter, r *http.Request) {
		addVisit(t, r)
		for range 2 {
			if err := httpsession.Commit(r.Context()); !errors.Is(err, p.commitErr) {
				t.Errorf("got %v, want what the commit said", err)
			}
		}
		io.WriteString(w, "the handler's own answer")
	}), r)
	if got := body(t, res); got != "the handler's own answer" || len(res.Cookies()) > 0 {
		t.Errorf("got %q, cookies %v, want the handler's answer without a cookie", got, res.Cookies())
	}
	if strings.Count(log.String(), "level=ERROR") != 1 || !strings.Contains(log.String(), "disk on fire") {
		t.Errorf("the log is %q, want the error once: a handler may not look at it", &log)
	}
	p.want(t, 1, 1, 0)
}

func TestStatus(t *testing.T) {
	for _, test := range []struct {
		err  error
		want int
	}{
		{&session.BusyError{Reason: "too many"}, 503},
		{fmt.Errorf("commit: %w", session.ErrLockLost), 503},
		{&session.StaleError{Keys: []string{"cart"}}, 503},
		{session.ErrClosed, 503},
		{session.ErrFull, 503},
		{context.DeadlineExceeded, 503},
		{context.Canceled, 500},
		{&net.OpError{Op: "dial", Err: errors.New("connection refused")}, 500},
		{session.ErrCommitUnknown, 500},
		{errors.Join(session.ErrCommitUnknown, context.DeadlineExceeded), 500},
		{fmt.Errorf("open: %w", session.ErrUnreachable), 503},
		{session.ErrNoSession, 500},
		{session.ErrDamaged, 500},
		{&session.KeyError{Key: "a", Err: errors.New("bad")}, 500},
	} {
		if got := httpsession.Status(test.err); got != test.want {
			t.Errorf("%v: got %d, want %d", test.err, got, test.want)
		}
	}
}

func TestFailedLoadIsTheHandlersToAnswer(t *testing.T) {
	p := &probe{Source: newManager(t, session.ManagerOptions{}), openErr: &session.BusyError{Reason: "queue"}}
	res := serve(wrap(t, p, httpsession.Options{}, func(w http.ResponseWriter, r *http.Request) {
		for range 2 { // the second does not wait again
			if _, err := session.FromContext(r.Context()); !errors.Is(err, p.openErr) {
				t.Errorf("got %v, want what the source said", err)
			}
		}
		_, err := session.FromContext(r.Context())
		httpsession.Error(w, r, err)
	}), newRequest(t, "GET", "/"))
	if res.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("got %s, want 503", res.Status)
	}
	p.want(t, 1, 0, 0)
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package httpsession_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/httpsession"
)

// A panicky source's commits panic before they have ended anything.
type panicky struct{ session.Source }

func (p panicky) Open(ctx context.Context, id string, mode session.Mode) (session.Opened, error) {
	opened, err := p.Source.Open(ctx, id, mode)
	return panickyOpened{opened}, err
}

type panickyOpened struct{ session.Opened }

func (panickyOpened) Commit(context.Context) error { panic("the source panics") }

func TestCommitThatPanicsReleasesTheSession(t *testing.T) {
	m := newManager(t, session.ManagerOptions{})
	h := wrap(t, panicky{m}, httpsession.Options{}, count(t))
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the commit does not panic")
			}
		}()
		serve(h, newRequest(t, http.MethodPost, "/"))
	}()
	if n := m.Stats().Holds; n != 0 {
		t.Errorf("%d sessions are held, want none", n)
	}
}

// recovering is a handler that goes on after a panic of what it writes with.
func recovering(t *testing.T) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		addVisit(t, r)
		w.Header().Set("Location", "/thanks")
		func() {
			defer func() {
				if recover() == nil {
					t.Error("the first write does not panic")
				}
			}()
			io.WriteString(w, "stored")
		}()
		if _, err := io.WriteString(w, "stored, thank you"); err == nil {
			t.Error("the second write goes on")
		}
	}
}

func TestCommitThatPanicsIsNoPage(t *testing.T) {
	told := 0
	hook := func(w http.ResponseWriter, _ *http.Request, err error) {
		told++
		http.Error(w, "sorry", httpsession.Status(err))
	}
	m := newManager(t, session.ManagerOptions{})
	res := serve(wrap(t, panicky{m}, httpsession.Options{ErrorFunc: hook}, recovering(t)), newRequest(t, http.MethodPost, "/"))
	if got := body(t, res); res.StatusCode != 500 || got != "sorry\n" || res.Header.Get("Location") != "" || told != 1 {
		t.Errorf("got %s %q, headers %v, and the hook was called %d times; want what the hook says, once", res.Status, got, res.Header, told)
	}
}

func TestErrorFuncThatPanicsIsNoPage(t *testing.T) {
	for name, test := range map[string]struct {
		before func(http.ResponseWriter)
		want   string
	}{
		"at once":       {func(http.ResponseWriter) {}, "500 "},
		"after a write": {func(w http.ResponseWriter) { http.Error(w, "half", http.StatusBadGateway) }, "502 half\n"},
	} {
		t.Run(name, func(t *testing.T) {
			hook := func(w http.ResponseWriter, _ *http.Request, _ error) {
				test.before(w)
				panic("a template is missing")
			}
			p := &probe{Source: newManager(t, session.ManagerOptions{}), commitErr: errors.New("disk on fire")}
			w := &strictWriter{ResponseRecorder: httptest.NewRecorder(), t: t}
			wrap(t, p, httpsession.Options{ErrorFunc: hook}, recovering(t)).ServeHTTP(w, newRequest(t, http.MethodPost, "/"))
			res := w.Result()
			if got := fmt.Sprint(res.StatusCode, " ", body(t, res)); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

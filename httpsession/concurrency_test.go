// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package httpsession_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/httpsession"
)

func TestGoroutinesOfARequestShareOneSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &probe{Source: newManager(t, session.ManagerOptions{}), openWait: time.Second}
		serve(wrap(t, p, httpsession.Options{}, func(_ http.ResponseWriter, r *http.Request) {
			var all sync.WaitGroup
			sessions := make([]*session.Session, 20)
			for i := range sessions {
				all.Go(func() {
					s, err := session.FromContext(r.Context())
					must(t, err)
					must(t, visits.Set(s, i))
					sessions[i] = s
				})
			}
			all.Wait()
			for _, s := range sessions {
				if s != sessions[0] {
					t.Error("two goroutines have different sessions")
				}
			}
		}), newRequest(t, "GET", "/"))
		p.want(t, 1, 1, 0)
	})
}

func TestGoroutinesShareTheErrorOfOneOpening(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &probe{Source: newManager(t, session.ManagerOptions{}), openWait: time.Second, openErr: session.ErrFull}
		serve(wrap(t, p, httpsession.Options{}, func(_ http.ResponseWriter, r *http.Request) {
			var all sync.WaitGroup
			for range 5 {
				all.Go(func() {
					if _, err := session.FromContext(r.Context()); !errors.Is(err, session.ErrFull) {
						t.Errorf("got %v, want ErrFull", err)
					}
				})
			}
			all.Wait()
		}), newRequest(t, "GET", "/"))
		p.want(t, 1, 0, 0)
	})
}

// TestOneThatGivesUpSpoilsNothing: contexts that end early are those of two
// goroutines, not of the request.
func TestOneThatGivesUpSpoilsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &probe{Source: newManager(t, session.ManagerOptions{}), openWait: 3 * time.Second}
		serve(wrap(t, p, httpsession.Options{}, func(_ http.ResponseWriter, r *http.Request) {
			var all sync.WaitGroup
			giveUp := func(after time.Duration) {
				ctx, cancel := context.WithTimeout(r.Context(), after)
				defer cancel()
				start := time.Now()
				if _, err := session.FromContext(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != after {
					t.Errorf("got %v after %v, want the deadline after %v", err, time.Since(start), after)
				}
			}
			all.Go(func() { giveUp(2 * time.Second) }) // opens
			synctest.Wait()
			all.Go(func() { giveUp(time.Second) }) // waits for it
			all.Go(func() { addVisit(t, r) })      // opens when the first has given up
			all.Wait()
		}), newRequest(t, "GET", "/"))
		p.want(t, 2, 1, 0)
		if got := storedVisits(t, p.Source); got != 1 {
			t.Errorf("stored %d, want 1", got)
		}
	})
}

func TestGoroutineThatOutlivesItsHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &probe{Source: newManager(t, session.ManagerOptions{})}
		var all sync.WaitGroup
		serve(wrap(t, p, httpsession.Options{}, func(_ http.ResponseWriter, r *http.Request) {
			s, err := session.FromContext(r.Context())
			must(t, err)
			all.Go(func() {
				time.Sleep(time.Second)
				if _, err := session.FromContext(r.Context()); !errors.Is(err, httpsession.ErrTooLate) {
					t.Errorf("FromContext: got %v, want ErrTooLate", err)
				}
				if err := visits.Set(s, 1); !errors.Is(err, httpsession.ErrTooLate) {
					t.Errorf("Set: got %v, want ErrTooLate", err)
				}
			})
		}), newRequest(t, "GET", "/"))
		all.Wait()
		p.want(t, 1, 1, 0)
	})
}

// TestOpeningThatEndsTooLateIsReleased: the session arrives when the response
// has begun, or when the handler has returned.
func TestOpeningThatEndsTooLateIsReleased(t *testing.T) {
	for _, test := range []struct {
		name  string
		route func(http.Handler) http.Handler
		stays time.Duration // how long the handler stays after its write
		late  bool
	}{
		{"writable, response begun", httpsession.Writable, time.Hour, true},
		{"writable, handler returned", httpsession.Writable, 0, true},
		{"read-only, response begun", httpsession.ReadOnly, time.Hour, false},
		{"read-only, handler returned", httpsession.ReadOnly, 0, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &probe{Source: newManager(t, session.ManagerOptions{}), openWait: time.Minute}
				var all sync.WaitGroup
				page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					all.Go(func() {
						ctx, cancel := context.WithCancel(r.Context())
						p.onOpen = cancel // the release must not depend on it
						if _, err := session.FromContext(ctx); errors.Is(err, httpsession.ErrTooLate) != test.late {
							t.Errorf("got %v, want ErrTooLate: %t", err, test.late)
						}
					})
					synctest.Wait()
					io.WriteString(w, "page")
					time.Sleep(test.stays)
				})
				start := time.Now()
				serve(wrap(t, p, httpsession.Options{}, test.route(page).ServeHTTP), newRequest(t, "GET", "/"))
				if d := time.Since(start); d != test.stays {
					t.Errorf("the request took %v, want %v", d, test.stays)
				}
				all.Wait()
				p.want(t, 1, 0, 1)
				must(t, p.releaseCtxErr)
			})
		})
	}
}

// TestWriterOfAnotherGoroutineWaitsForTheCommit: a heartbeat may want to be the
// first byte while the page is.
func TestWriterOfAnotherGoroutineWaitsForTheCommit(t *testing.T) {
	for name, commit := range map[string]func(w http.ResponseWriter, r *http.Request){
		"first byte":      func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) },
		"explicit commit": func(_ http.ResponseWriter, r *http.Request) { must(t, httpsession.Commit(r.Context())) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &probe{Source: newManager(t, session.ManagerOptions{}), commitWait: time.Minute}
				h := wrap(t, p, httpsession.Options{}, func(w http.ResponseWriter, r *http.Request) {
					addVisit(t, r)
					var all sync.WaitGroup
					all.Go(func() { commit(w, r) })
					synctest.Wait()
					must(t, http.NewResponseController(w).Flush())
					all.Wait()
				})
				h.ServeHTTP(&flushes{ResponseRecorder: httptest.NewRecorder(), flush: func() {
					if !p.hasCommitted() {
						t.Error("flushed before the commit")
					}
				}}, newRequest(t, "GET", "/"))
				p.want(t, 1, 1, 0)
			})
		})
	}
}

type flushes struct {
	*httptest.ResponseRecorder
	flush func()
}

func (w *flushes) Flush() { w.flush() }

// TestSourceThatPanicsBlocksNobody: others that wait for the opening go on.
func TestSourceThatPanicsBlocksNobody(t *testing.T) {
	p := &panicking{Source: newManager(t, session.ManagerOptions{})}
	serve(wrap(t, p, httpsession.Options{}, func(_ http.ResponseWriter, r *http.Request) {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			session.FromContext(r.Context())
		}()
		addVisit(t, r)
	}), newRequest(t, "GET", "/"))
}

type panicking struct {
	session.Source
	did bool
}

func (p *panicking) Open(ctx context.Context, id string, mode session.Mode) (session.Opened, error) {
	if !p.did {
		p.did = true
		panic("bug")
	}
	return p.Source.Open(ctx, id, mode)
}

// TestRequestsOfOneSessionTakeTurns: none of their visits is lost.
func TestRequestsOfOneSessionTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, session.ManagerOptions{})
		h := wrap(t, m, httpsession.Options{}, count(t))
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() { serve(h, newRequest(t, "POST", "/")) })
		}
		all.Wait()
		if got := storedVisits(t, m); got != 20 {
			t.Errorf("stored %d, want 20", got)
		}
	})
}

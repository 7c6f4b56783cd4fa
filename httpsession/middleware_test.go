// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package httpsession_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/httpsession"
	"github.com/sessionbridge/session/internal/memhttp"
	"github.com/sessionbridge/session/memstore"
)

const testID = "x5b3ijpyk0sh4ml2l4v5ydgf"

var visits = session.NewKey[int]("visits")

func newManager(tb testing.TB, o session.ManagerOptions) *session.Manager {
	tb.Helper()
	store, err := memstore.New(memstore.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { store.Close() })
	o.Logger = testLog(tb)
	m, err := session.OpenManager(tb.Context(), store, o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(m.Close)
	return m
}

func testLog(tb testing.TB) *slog.Logger { return slog.New(slog.NewTextHandler(tb.Output(), nil)) }

// wrap puts a handler into a middleware that logs to the test.
func wrap(tb testing.TB, source session.Source, o httpsession.Options, h http.HandlerFunc) http.Handler {
	tb.Helper()
	if o.Logger == nil {
		o.Logger = testLog(tb)
	}
	sessions, err := httpsession.Middleware(source, o)
	if err != nil {
		tb.Fatal(err)
	}
	return sessions(h)
}

// A probe is a source that tells what became of the sessions it opened, and
// fails or waits as a test wants it to.
type probe struct {
	session.Source
	openErr, commitErr   error
	openWait, commitWait time.Duration
	cookies              []string // what the owner of the sessions sets, if it does
	onOpen               func()   // called once a session is open

	mu                         sync.Mutex
	opens, commits, releases   int
	committed                  bool
	commitCtxErr, releaseError error
	releaseCtxErr              error
	trace                      session.Trace
	id                         string
}

func (p *probe) Open(ctx context.Context, id string, mode session.Mode) (session.Opened, error) {
	p.mu.Lock()
	p.opens++
	p.trace, p.id = session.TraceFromContext(ctx), id
	p.mu.Unlock()
	if err := sleep(ctx, p.openWait); err != nil {
		return nil, err
	}
	if p.openErr != nil {
		return nil, p.openErr
	}
	opened, err := p.Source.Open(ctx, id, mode)
	if err != nil {
		return nil, err
	}
	if p.onOpen != nil {
		p.onOpen()
	}
	if p.cookies != nil {
		return &ownerOpened{probeOpened{opened, p}}, nil
	}
	return &probeOpened{opened, p}, nil
}

func sleep(ctx context.Context, d time.Duration) error {
	if d == 0 {
		return nil
	}
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

type probeOpened struct {
	session.Opened
	p *probe
}

func (o *probeOpened) Commit(ctx context.Context) error {
	time.Sleep(o.p.commitWait)
	o.p.mu.Lock()
	defer o.p.mu.Unlock()
	o.p.commits++
	o.p.commitCtxErr = ctx.Err()
	if o.p.commitErr != nil {
		return errors.Join(o.p.commitErr, o.Opened.Release(ctx))
	}
	err := o.Opened.Commit(ctx)
	o.p.committed = err == nil
	return err
}

func (o *probeOpened) Release(ctx context.Context) error {
	o.p.mu.Lock()
	defer o.p.mu.Unlock()
	o.p.releases++
	o.p.releaseCtxErr = ctx.Err()
	return errors.Join(o.p.releaseError, o.Opened.Release(ctx))
}

func (p *probe) hasCommitted() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.committed
}

// want checks how often sessions were opened and how they ended.
func (p *probe) want(t *testing.T, opens, commits, releases int) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.opens != opens || p.commits != commits || p.releases != releases {
		t.Errorf("%d opened, %d committed, %d released, want %d, %d, %d", p.opens, p.commits, p.releases, opens, commits, releases)
	}
}

type ownerOpened struct{ probeOpened }

func (o *ownerOpened) SetCookies() []string { return o.p.cookies }

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Error(err)
	}
}

// count is a page that counts visits and shows them.
func count(t *testing.T) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		n := addVisit(t, r)
		fmt.Fprint(w, n)
	}
}

// addVisit changes the session of a request.
func addVisit(tb testing.TB, r *http.Request) int {
	s, err := session.FromContext(r.Context())
	if err != nil {
		tb.Errorf("FromContext: %v", err)
		return 0
	}
	n, err := visits.Get(s)
	must(tb, err)
	must(tb, visits.Set(s, n+1))
	return n + 1
}

// storedVisits returns what a source has under the test's id.
func storedVisits(t *testing.T, source session.Source) int {
	t.Helper()
	opened, err := source.Open(t.Context(), testID, session.ReadOnly)
	if err != nil {
		t.Fatal(err)
	}
	n, err := visits.Get(opened.Session())
	must(t, err)
	return n
}

// newRequest returns a request of a browser that has the test's session.
func newRequest(tb testing.TB, method, url string) *http.Request {
	tb.Helper()
	r, err := http.NewRequestWithContext(tb.Context(), method, url, nil)
	if err != nil {
		tb.Fatal(err)
	}
	r.Header.Set("Cookie", "ASP.NET_SessionId="+testID)
	return r
}

// serve sends a request to a handler without a network.
func serve(h http.Handler, r *http.Request) *http.Response {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func do(t *testing.T, c *http.Client, r *http.Request) (*http.Response, string) {
	t.Helper()
	res, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	return res, body(t, res)
}

func body(t *testing.T, res *http.Response) string {
	t.Helper()
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	must(t, err)
	return string(b)
}

// protocols are those that the tests of the response run over.
var protocols = []struct {
	name string
	p    memhttp.Protocol
	url  func(*memhttp.Server) string
}{
	{"HTTP1", memhttp.HTTP1, (*memhttp.Server).URL},
	{"H2C", memhttp.H2C, (*memhttp.Server).URL},
	{"TLS", memhttp.TLS, (*memhttp.Server).TLSURL},
}

func TestABrowserHasOneSessionOnAllPages(t *testing.T) {
	for _, proto := range protocols {
		t.Run(proto.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := memhttp.New(t, wrap(t, newManager(t, session.ManagerOptions{}), httpsession.Options{}, count(t)))
				client, cookie := server.Client(proto.p), ""
				for n := 1; n <= 3; n++ {
					r := newRequest(t, "GET", proto.url(server))
					r.Header.Set("Cookie", cookie)
					res, got := do(t, client, r)
					if got != fmt.Sprint(n) {
						t.Errorf("visit %d got %s", n, got)
					}
					if cookies := res.Cookies(); (len(cookies) == 1) != (n == 1) {
						t.Fatalf("visit %d got cookies %v", n, cookies)
					} else if n == 1 {
						cookie = cookies[0].Name + "=" + cookies[0].Value
					}
				}
			})
		})
	}
}

func TestUnusedSessionIsNotOpened(t *testing.T) {
	p := &probe{Source: newManager(t, session.ManagerOptions{})}
	res := serve(wrap(t, p, httpsession.Options{}, func(w http.ResponseWriter, r *http.Request) {
		must(t, httpsession.Commit(r.Context()))
		io.WriteString(w, "page")
	}), newRequest(t, "GET", "/"))
	if got := body(t, res); got != "page" || len(res.Cookies()) > 0 {
		t.Errorf("got %q with cookies %v", got, res.Cookies())
	}
	p.want(t, 0, 0, 0)
}

func TestLockIsTakenAtFirstUseAndLetGoByCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, session.ManagerOptions{})
		holds := func(when string, want int) {
			t.Helper()
			if got := m.Stats().Holds; got != want {
				t.Errorf("%s: %d holds, want %d", when, got, want)
			}
		}
		serve(wrap(t, m, httpsession.Options{}, func(_ http.ResponseWriter, r *http.Request) {
			holds("before use", 0)
			addVisit(t, r)
			holds("in use", 1)
			must(t, httpsession.Commit(r.Context()))
			holds("committed", 0)
			must(t, httpsession.Commit(r.Context()))
			s, err := session.FromContext(r.Context())
			must(t, err)
			if n, err := visits.Get(s); n != 1 || err != nil {
				t.Errorf("read after the commit: %d, %v, want 1", n, err)
			}
			if err := visits.Set(s, 2); !errors.Is(err, httpsession.ErrTooLate) {
				t.Errorf("a change after the commit: got %v, want ErrTooLate", err)
			}
		}), newRequest(t, "POST", "/"))
		if got := storedVisits(t, m); got != 1 {
			t.Errorf("stored %d, want 1", got)
		}
	})
}

// TestRedirectDoesNotOutrunTheCommit posts a value and reads it from the page
// that the answer leads to.
func TestRedirectDoesNotOutrunTheCommit(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /{$}", func(w http.ResponseWriter, r *http.Request) {
		addVisit(t, r)
		http.Redirect(w, r, "/shown", http.StatusSeeOther)
	})
	mux.Handle("GET /shown", httpsession.ReadOnly(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := session.FromContext(r.Context())
		must(t, err)
		n, err := visits.Get(s)
		must(t, err)
		fmt.Fprint(w, n)
	})))
	// A reader that waited for the writer would hide a late commit.
	m := newManager(t, session.ManagerOptions{ReadWait: -1})
	server := memhttp.New(t, wrap(t, m, httpsession.Options{}, mux.ServeHTTP))
	for i, proto := range protocols {
		client := server.Client(proto.p)
		client.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
			r.Header.Set("Cookie", "ASP.NET_SessionId="+testID)
			return nil
		}
		for n := range 200 {
			if _, got := do(t, client, newRequest(t, "POST", proto.url(server))); got != fmt.Sprint(200*i+n+1) {
				t.Fatalf("%s: round %d read %s", proto.name, n, got)
			}
		}
	}
}

func TestPanicReleasesAndGoesOn(t *testing.T) {
	p := &probe{Source: newManager(t, session.ManagerOptions{})}
	ctx, leave := context.WithCancel(t.Context())
	var kept *session.Session
	h := wrap(t, p, httpsession.Options{}, func(_ http.ResponseWriter, r *http.Request) {
		addVisit(t, r)
		kept, _ = session.FromContext(r.Context())
		leave()
		panic("bug")
	})
	w := httptest.NewRecorder()
	func() {
		defer func() {
			if got := recover(); got != "bug" {
				t.Errorf("recovered %v, want what the handler panicked with", got)
			}
		}()
		h.ServeHTTP(w, newRequest(t, "POST", "/").WithContext(ctx))
	}()
	p.want(t, 1, 0, 1)
	must(t, p.releaseCtxErr)
	if got := storedVisits(t, p.Source); got != 0 {
		t.Errorf("stored %d, want nothing", got)
	}
	if len(w.Result().Cookies()) > 0 {
		t.Errorf("cookies %v for a session that was not stored", w.Result().Cookies())
	}
	if err := visits.Set(kept, 9); !errors.Is(err, httpsession.ErrTooLate) {
		t.Errorf("a change after the release: got %v, want ErrTooLate", err)
	}
}

func TestPanicAfterTheFirstByteKeepsTheCommit(t *testing.T) {
	p := &probe{Source: newManager(t, session.ManagerOptions{})}
	h := wrap(t, p, httpsession.Options{}, func(w http.ResponseWriter, r *http.Request) {
		addVisit(t, r)
		io.WriteString(w, "half a page")
		panic(http.ErrAbortHandler)
	})
	func() {
		defer func() { recover() }()
		serve(h, newRequest(t, "POST", "/"))
	}()
	p.want(t, 1, 1, 0)
}

func TestReleaseThatFailsIsLogged(t *testing.T) {
	var log strings.Builder
	p := &probe{Source: newManager(t, session.ManagerOptions{}), releaseError: errors.New("no answer")}
	h := wrap(t, p, httpsession.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))}, func(_ http.ResponseWriter, r *http.Request) {
		addVisit(t, r)
		panic("bug")
	})
	func() {
		defer func() { recover() }()
		serve(h, newRequest(t, "POST", "/"))
	}()
	if got := log.String(); !strings.Contains(got, "no answer") || strings.Contains(got, testID) {
		t.Errorf("logged %q, want the error and no id", got)
	}
}

// TestBrowserThatLeftStillCommits: the request's context is over before the
// page is.
func TestBrowserThatLeftStillCommits(t *testing.T) {
	for _, proto := range protocols {
		t.Run(proto.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &probe{Source: newManager(t, session.ManagerOptions{})}
				server := memhttp.New(t, wrap(t, p, httpsession.Options{}, func(w http.ResponseWriter, r *http.Request) {
					addVisit(t, r)
					<-r.Context().Done()
					io.WriteString(w, "nobody reads this")
				}))
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				if _, err := server.Client(proto.p).Do(newRequest(t, "POST", proto.url(server)).WithContext(ctx)); err == nil {
					t.Error("the browser did not leave")
				}
				synctest.Wait()
				p.want(t, 1, 1, 0)
				must(t, p.commitCtxErr)
				if got := storedVisits(t, p.Source); got != 1 {
					t.Errorf("stored %d, want 1", got)
				}
			})
		})
	}
}

func TestTraceContextReachesTheSource(t *testing.T) {
	const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	p := &probe{Source: newManager(t, session.ManagerOptions{})}
	h := wrap(t, p, httpsession.Options{}, count(t))
	r := newRequest(t, "GET", "/")
	serve(h, r)
	if p.trace != (session.Trace{}) {
		t.Errorf("a request without a trace opened with %+v", p.trace)
	}
	r.Header["Traceparent"] = []string{parent}
	r.Header["Tracestate"] = []string{"a=1", "b=2"}
	r.Header["Baggage"] = []string{"c=3", "d=4"}
	serve(h, r)
	if want := (session.Trace{Parent: parent, State: "a=1,b=2", Baggage: "c=3,d=4"}); p.trace != want {
		t.Errorf("opened with %+v, want %+v", p.trace, want)
	}
	r.Header.Add("Traceparent", parent)
	serve(h, r)
	if p.trace.Parent != "" {
		t.Errorf("of two trace parents opened with %q", p.trace.Parent)
	}
	own := session.Trace{Parent: "own"}
	serve(h, r.WithContext(session.ContextWithTrace(r.Context(), own)))
	if p.trace != own {
		t.Errorf("opened with %+v, want what the context had", p.trace)
	}
}

func TestWrappedTwiceIsOneSession(t *testing.T) {
	p := &probe{Source: newManager(t, session.ManagerOptions{})}
	sessions, err := httpsession.Middleware(p, httpsession.Options{})
	must(t, err)
	serve(sessions(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		addVisit(t, r)
		sessions(count(t)).ServeHTTP(w, r)
	})), newRequest(t, "POST", "/"))
	p.want(t, 1, 1, 0)
	if got := storedVisits(t, p.Source); got != 2 {
		t.Errorf("stored %d, want 2", got)
	}
}

func TestWrongOptionsAreAllNamed(t *testing.T) {
	_, err := httpsession.Middleware(nil, httpsession.Options{Cookie: httpsession.Cookie{Name: "a b", SameSite: http.SameSiteNoneMode}})
	for _, want := range []string{"httpsession: ", "source", "Cookie.Name", "SameSite None"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want it to name %q", err, want)
		}
	}
}

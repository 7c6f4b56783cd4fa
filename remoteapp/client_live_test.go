// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package remoteapp_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/internal/dotnetpeer"
	"github.com/sessionbridge/session/remoteapp"
	"github.com/sessionbridge/session/wire"
)

const legacyKey = "00000000-0000-0000-0000-000000000001"

var (
	user   = session.NewKey[string]("user")
	visits = session.NewKey[int]("visits")
)

// variants of the old application, and over how many connections its sessions
// are written.
var variants = []struct {
	name string
	args []string
	want remoteapp.ClientMode
}{
	{"http", nil, remoteapp.Double},
	{"https", []string{"--listen", "https://127.0.0.1:0"}, remoteapp.Single},
	{"no-post", []string{"--listen", "https://127.0.0.1:0", "--no-post"}, remoteapp.Double},
	{"http1", []string{"--listen", "https://127.0.0.1:0", "--http1"}, remoteapp.Double},
	{"free-readers", []string{"--free-readers"}, remoteapp.Double},
}

// A legacy is a dotnet-peer that stands in for the old application.
type legacy struct {
	*dotnetpeer.Peer
	t    *testing.T
	http *http.Client
}

func startLegacy(t *testing.T, args ...string) *legacy {
	t.Helper()
	peer := dotnetpeer.Start(t, append([]string{"legacy", "--poll", "10"}, args...)...)
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	t.Cleanup(transport.CloseIdleConnections)
	return &legacy{Peer: peer, t: t, http: &http.Client{Transport: transport}}
}

// client returns a client of the old application, or of what stands before it.
func (l *legacy) client(o remoteapp.ClientOptions) *remoteapp.Client {
	l.t.Helper()
	o.RemoteAppURL = cmp.Or(o.RemoteAppURL, l.URL)
	return liveClient(l.t, o)
}

func liveClient(t *testing.T, o remoteapp.ClientOptions) *remoteapp.Client {
	t.Helper()
	if o.Transport == nil {
		o.Transport = &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	}
	o.APIKey = legacyKey
	return newClient(t, o)
}

// page asks for one of the application's own pages and returns what it says.
func (l *legacy) page(method, path, id string, query ...string) string {
	l.t.Helper()
	values := url.Values{}
	for i := 0; i < len(query); i += 2 {
		values.Set(query[i], query[i+1])
	}
	req, err := http.NewRequestWithContext(l.t.Context(), method, l.URL+path+"?"+values.Encode(), nil)
	must(l.t, err)
	req.Header.Set("Cookie", "ASP.NET_SessionId="+id)
	res, err := l.http.Do(req)
	must(l.t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	must(l.t, err)
	if res.StatusCode != http.StatusOK {
		l.t.Errorf("%s %s: %s: %s", method, path, res.Status, body)
	}
	return string(body)
}

func (l *legacy) get(id, key string) string { return l.page("GET", "/legacy/get", id, "k", key) }

func (l *legacy) set(id, key, value string) { l.page("POST", "/legacy/set", id, "k", key, "v", value) }

func (l *legacy) stats() (s struct{ Sessions, LocksTaken, Commits, Abandons, Disconnects, Held int }) {
	l.t.Helper()
	must(l.t, json.Unmarshal([]byte(l.page("GET", "/stats", "")), &s))
	return s
}

func TestLiveEveryOperation(t *testing.T) {
	for _, v := range variants {
		t.Run(v.name, func(t *testing.T) {
			l := startLegacy(t, v.args...)
			c := l.client(remoteapp.ClientOptions{})
			ctx := t.Context()

			// A new session, whose cookie is for the browser.
			o := open(t, c, "", session.Writable)
			id := o.Session().ID()
			if got := o.(interface{ SetCookies() []string }).SetCookies(); len(got) != 1 || !strings.HasPrefix(got[0], "ASP.NET_SessionId="+id+";") || !o.Session().New() {
				t.Errorf("Set-Cookie %q, new %t; want the cookie of a new session", got, o.Session().New())
			}
			must(t, user.Set(o.Session(), "Żaneta <b>"))
			must(t, visits.Set(o.Session(), 1))
			must(t, o.Commit(ctx))
			if got := c.Mode(); got != v.want {
				t.Errorf("mode %s, want %s", got, v.want)
			}
			if u, n := l.get(id, "user"), l.get(id, "visits"); u != `"\u017Baneta \u003Cb\u003E"` || n != "1" {
				t.Errorf("its own pages see %s, %s", u, n)
			}

			// What it has no type for goes back as it came.
			cart := `{"Id":"7d5c1e30-9f46-4182-8c3b-e4f5a6b7c8d9","Created":"2026-01-02T03:04:05.678Z","Lines":[{"Sku":"a","Quantity":2,"Price":1.50}],"Notes":null}`
			l.set(id, "cart", cart)
			o = open(t, c, id, session.Writable)
			before, _ := o.Session().Raw("cart")
			must(t, visits.Set(o.Session(), 2))
			must(t, o.Commit(ctx))
			after, _ := read(t, c, id).Raw("cart")
			if l.get(id, "cart") != cart || !bytes.Equal(before, after) || !bytes.Contains(after, []byte("1.50")) {
				t.Errorf("the cart is %s there; before %s, after %s", l.get(id, "cart"), before, after)
			}

			// Delete, timeout.
			o = open(t, c, id, session.Writable)
			must(t, o.Session().Delete("USER"))
			must(t, o.Session().SetTimeout(42*time.Minute))
			must(t, o.Commit(ctx))
			s := read(t, c, id)
			if got := l.page("GET", "/legacy/keys", id); got != `["visits","cart"]` || s.Timeout() != 42*time.Minute || s.ID() != id {
				t.Errorf("keys %s, timeout %s", got, s.Timeout())
			}

			// Nothing changed: nothing is lost, and the lock is free at once.
			for range 3 {
				must(t, open(t, c, id, session.Writable).Commit(ctx))
				must(t, open(t, c, id, session.Writable).Release(ctx))
			}
			if got := l.get(id, "visits"); got != "2" {
				t.Errorf("visits %s, want 2", got)
			}

			// Clear, abandon.
			o = open(t, c, id, session.Writable)
			must(t, o.Session().Clear())
			must(t, o.Commit(ctx))
			if got := l.page("GET", "/legacy/keys", id); got != `[]` {
				t.Errorf("keys %s after Clear", got)
			}
			o = open(t, c, id, session.Writable)
			must(t, o.Session().Abandon())
			must(t, o.Commit(ctx))
			if got := l.stats(); got.Abandons != 1 || got.Held != 0 {
				t.Errorf("%+v, want one abandon and nothing held", got)
			}
		})
	}
}

func TestLiveIncrementsOfManyAreNotLost(t *testing.T) {
	for _, v := range variants {
		t.Run(v.name, func(t *testing.T) {
			l := startLegacy(t, v.args...)
			c := l.client(remoteapp.ClientOptions{})
			id := testID
			l.set(id, "visits", "0") // the peer may make a session twice that several ask for first
			var pages sync.WaitGroup
			for range 8 {
				pages.Go(func() {
					for range 25 {
						o, err := c.Open(t.Context(), id, session.Writable)
						if err != nil {
							t.Error(err)
							return
						}
						n, err := visits.Get(o.Session())
						if err := errors.Join(err, visits.Set(o.Session(), n+1), o.Commit(t.Context())); err != nil {
							t.Error(err)
							return
						}
					}
				})
			}
			pages.Wait()
			if got := l.get(id, "visits"); got != "200" {
				t.Errorf("visits %s, want 200", got)
			}
		})
	}
}

// The owner can't write a key: the commit says so before it is lost, or warns.
func TestLiveKeysThatTheOwnerCannotWrite(t *testing.T) {
	for _, v := range variants[:2] {
		t.Run(v.name, func(t *testing.T) {
			l := startLegacy(t, v.args...)
			c := l.client(remoteapp.ClientOptions{OnUnknown: remoteapp.FailUnknown})
			o := open(t, c, testID, session.Writable)
			must(t, visits.Set(o.Session(), 1))
			must(t, o.Commit(t.Context()))
			l.page("POST", "/legacy/raw", testID, "k", "raw")

			o = open(t, c, testID, session.Writable)
			must(t, visits.Set(o.Session(), 2))
			if err := o.Commit(t.Context()); !errors.Is(err, remoteapp.ErrUnknownKeys) || !strings.Contains(err.Error(), `"raw"`) {
				t.Errorf("got %v, want ErrUnknownKeys of raw", err)
			}
			must(t, open(t, c, testID, session.Writable).Commit(t.Context())) // unchanged
			if got := l.page("GET", "/legacy/keys", testID); got != `["visits","raw"]` || l.get(testID, "visits") != "1" {
				t.Errorf("keys %s, visits %s; want all as it was", got, l.get(testID, "visits"))
			}

			c = l.client(remoteapp.ClientOptions{})
			o = open(t, c, testID, session.Writable)
			must(t, visits.Set(o.Session(), 2))
			must(t, o.Commit(t.Context()))
			if got := l.page("GET", "/legacy/keys", testID); got != `["visits"]` {
				t.Errorf("keys %s", got)
			}
		})
	}
}

func TestLiveOwnerIsKilledWhileAPageHoldsASession(t *testing.T) {
	for _, v := range variants[:2] {
		t.Run(v.name, func(t *testing.T) {
			l := startLegacy(t, v.args...)
			c := l.client(remoteapp.ClientOptions{CommitTimeout: 10 * time.Second})
			o := open(t, c, testID, session.Writable)
			must(t, visits.Set(o.Session(), 1))
			l.Kill()
			err := o.Commit(t.Context())
			// Over one connection it may be sent before the end of that is noticed.
			sent := v.want == remoteapp.Single && errors.Is(err, session.ErrCommitUnknown)
			if !errors.Is(err, remoteapp.ErrUnreachable) && !errors.Is(err, session.ErrLockLost) && !sent {
				t.Errorf("got %v, want unreachable or lost", err)
			}
			_, err = c.Open(t.Context(), testID, session.Writable)
			if !errors.Is(err, remoteapp.ErrUnreachable) || !strings.Contains(err.Error(), "refused") {
				t.Errorf("got %v, want ErrUnreachable", err)
			}
		})
	}
}

func TestLiveOwnerIsRestartedBetweenLoadAndCommit(t *testing.T) {
	for _, v := range variants[:2] {
		t.Run(v.name, func(t *testing.T) {
			l := startLegacy(t, v.args...)
			c := l.client(remoteapp.ClientOptions{})
			o := open(t, c, testID, session.Writable)
			must(t, visits.Set(o.Session(), 1))
			l.Kill()
			l.Peer = dotnetpeer.Start(t, "legacy", "--poll", "10", "--listen", l.URL)
			if err := o.Commit(t.Context()); !errors.Is(err, session.ErrLockLost) {
				t.Errorf("got %v, want ErrLockLost", err)
			}
			o = open(t, c, testID, session.Writable)
			if !o.Session().New() {
				t.Error("the session outlived its owner")
			}
			must(t, visits.Set(o.Session(), 2))
			must(t, o.Commit(t.Context()))
		})
	}
}

// Answers of what is no owner of sessions.
func TestLiveWrongAnswers(t *testing.T) {
	owner := wire.Append(nil, &wire.Session{Header: wire.Header{ID: testID, Timeout: 20}})
	for _, tt := range []struct {
		name   string
		answer http.HandlerFunc
		kind   error
		says   string
	}{
		{"404", http.NotFound, remoteapp.ErrNotThere, "SessionEndpointPath"},
		{"HTML page", func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "<!DOCTYPE html><title>Sign in</title>"+strings.Repeat(" ", 1000))
		}, remoteapp.ErrWrongFormat, "<!DOCTYPE html><title>Sign in"},
		{"HTML error page", func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusInternalServerError)
			io.WriteString(w, "<h1>Server Error in '/' Application.</h1>")
		}, remoteapp.ErrRefused, "Server Error in '/' Application"},
		{"wrong version byte", func(w http.ResponseWriter, r *http.Request) {
			w.Write(append([]byte{2}, owner[1:]...))
		}, remoteapp.ErrWrongFormat, "format version 1"},
		{"redirect", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://login.example/in("+testID+")?user=ann", http.StatusFound)
		}, remoteapp.ErrNotThere, `"https://login.example/in([session id])"`},
		{"401", func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusUnauthorized)
		}, remoteapp.ErrUnauthorized, "API key"},
		{"nothing", func(w http.ResponseWriter, r *http.Request) {}, remoteapp.ErrWrongFormat, "cut short"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, start := range []func(http.Handler) *httptest.Server{httptest.NewServer, startH2} {
				server := start(tt.answer)
				defer server.Close()
				c := liveClient(t, remoteapp.ClientOptions{RemoteAppURL: server.URL})
				for _, mode := range []session.Mode{session.ReadOnly, session.Writable} {
					_, err := c.Open(t.Context(), testID, mode)
					var e *remoteapp.Error
					if !errors.Is(err, tt.kind) || !strings.Contains(err.Error(), tt.says) || !errors.As(err, &e) || e.URL != server.URL+remoteapp.DefaultPath {
						t.Errorf("got %v, want %v that says %q", err, tt.kind, tt.says)
					}
					noSecrets(t, err)
					if strings.Contains(err.Error(), "ann") {
						t.Errorf("%q tells of somebody", err)
					}
				}
			}
		})
	}
}

func startH2(h http.Handler) *httptest.Server {
	server := httptest.NewUnstartedServer(h)
	server.EnableHTTP2 = true
	server.StartTLS()
	return server
}

// A connection that goes silent: nothing is refused, nothing comes.
func TestLiveSilentConnection(t *testing.T) {
	l := startLegacy(t)
	cable := cut(t, strings.TrimPrefix(l.URL, "http://"))
	c := l.client(remoteapp.ClientOptions{RemoteAppURL: "http://" + cable.addr, CommitTimeout: time.Second, OpenTimeout: 10 * time.Second})
	o := open(t, c, testID, session.Writable)
	must(t, visits.Set(o.Session(), 1))
	cable.silence()
	if err := o.Commit(t.Context()); !errors.Is(err, session.ErrCommitUnknown) {
		t.Errorf("commit: got %v, want ErrCommitUnknown", err)
	}
	_, err := c.Open(t.Context(), testID, session.ReadOnly)
	var busy *session.BusyError
	if !errors.As(err, &busy) && !errors.Is(err, remoteapp.ErrUnreachable) {
		t.Errorf("open: got %v, want busy or unreachable", err)
	}
}

// A cable forwards connections until it is cut.
type cable struct {
	addr   string
	silent chan struct{}
}

func (c *cable) silence() { close(c.silent) }

func cut(t *testing.T, to string) *cable {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	c := &cable{addr: l.Addr().String(), silent: make(chan struct{})}
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		for {
			here, err := l.Accept()
			if err != nil {
				return
			}
			there, err := net.Dial("tcp", to)
			if err != nil {
				here.Close()
				continue
			}
			context.AfterFunc(ctx, func() { here.Close(); there.Close() })
			running.Go(func() { c.forward(there, here) })
			running.Go(func() { c.forward(here, there) })
		}
	})
	t.Cleanup(func() { l.Close(); stop(); running.Wait() })
	return c
}

func (c *cable) forward(to, from net.Conn) {
	b := make([]byte, 4096)
	for {
		n, err := from.Read(b)
		if err != nil {
			return
		}
		select {
		case <-c.silent:
		default:
			to.Write(b[:n])
		}
	}
}

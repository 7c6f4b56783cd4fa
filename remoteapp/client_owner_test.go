// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package remoteapp_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/internal/memhttp"
	"github.com/sessionbridge/session/remoteapp"
	"github.com/sessionbridge/session/wire"
)

// A fakeOwner serves one session, badly. What is nil is as it should be.
type fakeOwner struct {
	get       http.HandlerFunc // writeable and read-only
	put, post http.HandlerFunc
	answer    string // of a commit by POST; "" means {"s":true}
	end       func() // called before a held GET ends
	session   *wire.Session
	configure func(*http.Server)
}

// A faked is a fakeOwner that is served in memory.
type faked struct {
	*memhttp.Server
	t     *testing.T
	owner fakeOwner
	put   chan struct{} // a PUT was taken

	mu       sync.Mutex
	requests []*http.Request
	bodies   []string // of PUT and POST
}

func fake(t *testing.T, o fakeOwner) *faked {
	t.Helper()
	if o.session == nil {
		o.session = &wire.Session{Header: wire.Header{ID: testID, Timeout: 20}}
	}
	if o.configure == nil {
		o.configure = remoteapp.PrepareServer
	}
	f := &faked{t: t, owner: o, put: make(chan struct{}, 10)}
	f.Server = memhttp.New(t, f, o.configure)
	return f
}

func (f *faked) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	f.requests = append(f.requests, r)
	special := map[string]http.HandlerFunc{"GET": f.owner.get, "PUT": f.owner.put, "POST": f.owner.post}[r.Method]
	f.mu.Unlock()
	switch {
	case special != nil:
		special(w, r)
	case r.Method == http.MethodGet:
		f.hold(w, r)
	default:
		f.commit(w, r)
	}
}

// hold answers a GET; a writeable one is held until a PUT was taken.
func (f *faked) hold(w http.ResponseWriter, r *http.Request) {
	f.send(w)
	if r.Header.Get(readOnlyHeader) == "True" {
		return
	}
	select {
	case <-f.put:
	case <-r.Context().Done():
	}
	if f.owner.end != nil {
		f.owner.end()
	}
}

func (f *faked) send(w http.ResponseWriter) {
	w.Write(wire.Append(nil, f.owner.session))
	http.NewResponseController(w).Flush()
}

// commit takes a PUT, or answers a POST and takes what comes back.
func (f *faked) commit(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost {
		f.send(w)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	f.mu.Lock()
	f.bodies = append(f.bodies, string(body))
	f.mu.Unlock()
	if r.Method == http.MethodPut {
		f.put <- struct{}{}
		return
	}
	answer := f.owner.answer
	if answer == "" {
		answer = `{"s":true}`
	}
	io.WriteString(w, answer)
}

// becomes changes what the owner does with requests of a method.
func (f *faked) becomes(method string, do http.HandlerFunc) {
	f.mu.Lock()
	defer f.mu.Unlock()
	*map[string]*http.HandlerFunc{"GET": &f.owner.get, "POST": &f.owner.post}[method] = do
}

func (f *faked) all() []*http.Request {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.requests
}

// methods returns the methods of the requests so far, and forgets them.
func (f *faked) methods() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []string
	for _, r := range f.requests {
		all = append(all, r.Method)
	}
	f.requests = nil
	return strings.Join(all, " ")
}

// client returns a client of the fake, in mode auto unless the options say
// otherwise.
func (f *faked) client(o remoteapp.ClientOptions) *remoteapp.Client {
	f.t.Helper()
	o.RemoteAppURL = f.TLSURL()
	o.Transport = f.Transport(memhttp.TLS)
	return newClient(f.t, o)
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(code) }
}

func never(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// commitChanged opens a session, changes it and commits.
func commitChanged(t *testing.T, c *remoteapp.Client) error {
	t.Helper()
	return commitOf(t, c, testID)
}

func commitOf(t *testing.T, c *remoteapp.Client, id string) error {
	t.Helper()
	o := open(t, c, id, session.Writable)
	set(t, o, "n", "1")
	return o.Commit(t.Context())
}

// A client takes as it should what an owner answers to a commit by POST.
func TestAnswerToACommit(t *testing.T) {
	for _, tt := range []struct {
		name, answer string
		want         error
		says         string
	}{
		{"plain", `{"s":true}`, nil, ""},
		{"heartbeats, a byte order mark and white space", "\n\n\ufeff \n{ \"s\" : true, \"m\":null }\r\n", nil, ""},
		{"refused with a reason", `{"s":false,"m":"disk on fire"}`, remoteapp.ErrRefused, "disk on fire"},
		{"refused without", `{"s":false}`, remoteapp.ErrRefused, ""},
		{"lost", `{"s":false,"m":"Session has already been updated. By whom?"}`, session.ErrLockLost, "By whom?"},
		{"its store did not answer", `{"s":false,"m":"Session may or may not have been stored. Why?"}`, session.ErrCommitUnknown, "Why?"},
		{"nobody holds it", `{"s":false,"m":"Could not find session"}`, session.ErrLockLost, ""},
		{"upper case", `{"S":true}`, session.ErrCommitUnknown, `{\"S\":true}`},
		{"a string", `{"s":"true"}`, session.ErrCommitUnknown, ""},
		{"no member", `{}`, session.ErrCommitUnknown, ""},
		{"null", `null`, session.ErrCommitUnknown, ""},
		{"two values", `{"s":true}{"s":true}`, session.ErrCommitUnknown, ""},
		{"cut short", `{"s":tr`, session.ErrCommitUnknown, ""},
		{"a page", `<html>`, session.ErrCommitUnknown, "<html>"},
		{"nothing", "\n", session.ErrCommitUnknown, "without a word"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := fake(t, fakeOwner{answer: tt.answer})
				err := commitChanged(t, f.client(remoteapp.ClientOptions{}))
				if !errors.Is(err, tt.want) || err != nil && !strings.Contains(err.Error(), tt.says) {
					t.Errorf("got %v, want %v", err, tt.want)
				}
			})
		})
	}
}

// A client takes as it should what an owner answers to a PUT, and how it ends
// the GET.
func TestEndOfAnExchangeOverTwoConnections(t *testing.T) {
	problem := func(code int, kind string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/problem+json")
			w.Header().Set("Retry-After", "5")
			w.WriteHeader(code)
			fmt.Fprintf(w, `{"type":"urn:sessionbridge:problem:%s","title":"A title","detail":"A detail about %s."}`, kind, testID)
		}
	}
	titled := func(title string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprintf(w, `{"title":%q,"detail":"D."}`, title)
		}
	}
	abort := func() { panic(http.ErrAbortHandler) }
	for _, tt := range []struct {
		name  string
		owner fakeOwner
		want  error
		took  time.Duration
		says  string
	}{
		{name: "all is well"},
		{name: "created", owner: fakeOwner{put: func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(201) }, get: nil}, want: session.ErrCommitUnknown, took: time.Minute, says: "did not end"}, // no end of the GET
		{name: "the GET breaks off", owner: fakeOwner{end: abort}, want: session.ErrCommitUnknown, says: "did not end"},
		{name: "the GET ends late", owner: fakeOwner{end: func() { time.Sleep(59 * time.Second) }}, took: 59 * time.Second},
		{name: "the GET never ends", owner: fakeOwner{end: func() { time.Sleep(90 * time.Second) }}, want: session.ErrCommitUnknown, took: time.Minute, says: "deadline"},
		{name: "the PUT is never answered", owner: fakeOwner{put: func(w http.ResponseWriter, r *http.Request) { io.ReadAll(r.Body); <-r.Context().Done(); abort() }}, want: session.ErrCommitUnknown, took: time.Minute, says: "did not say"},
		{name: "the PUT breaks off", owner: fakeOwner{put: func(w http.ResponseWriter, r *http.Request) { io.ReadAll(r.Body); abort() }}, want: session.ErrCommitUnknown, says: "EOF"},
		{name: "already updated", owner: fakeOwner{put: titled("Session has already been updated")}, want: session.ErrLockLost, says: "already been updated: D."},
		{name: "not found", owner: fakeOwner{put: titled("Could not find session")}, want: session.ErrLockLost},
		{name: "bad body", owner: fakeOwner{put: titled("Failed to deserialize session state")}, want: remoteapp.ErrRefused},
		{name: "400 without a reason", owner: fakeOwner{put: status(400)}, want: remoteapp.ErrRefused, took: time.Second},
		{name: "401", owner: fakeOwner{put: status(401)}, want: remoteapp.ErrUnauthorized},
		{name: "404", owner: fakeOwner{put: status(404)}, want: remoteapp.ErrNotThere},
		{name: "302", owner: fakeOwner{put: status(302)}, want: remoteapp.ErrNotThere},
		{name: "500", owner: fakeOwner{put: status(500)}, want: session.ErrCommitUnknown},
		{name: "502", owner: fakeOwner{put: status(502)}, want: session.ErrCommitUnknown},
		{name: "501", owner: fakeOwner{put: status(501)}, want: remoteapp.ErrRefused},
		{name: "503", owner: fakeOwner{put: status(503)}, want: remoteapp.ErrRefused},
		{name: "504", owner: fakeOwner{put: status(504)}, want: session.ErrCommitUnknown},
		{name: "524, of a proxy that has waited for long enough", owner: fakeOwner{put: status(524)}, want: session.ErrCommitUnknown},
		{name: "its store failed", owner: fakeOwner{put: problem(503, "store-failed")}, want: remoteapp.ErrRefused, says: "A title: A detail about [session id]."},
		{name: "its store did not answer", owner: fakeOwner{put: problem(503, "commit-unknown")}, want: session.ErrCommitUnknown},
		{name: "its store is full", owner: fakeOwner{put: problem(507, "store-full")}, want: remoteapp.ErrRefused},
		{name: "its store is damaged", owner: fakeOwner{put: problem(500, "store-damaged")}, want: remoteapp.ErrRefused},
		{name: "a fault in it", owner: fakeOwner{put: problem(500, "internal")}, want: session.ErrCommitUnknown},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := fake(t, tt.owner)
				c := f.client(remoteapp.ClientOptions{Mode: remoteapp.Double})
				start := time.Now()
				err := commitOf(t, c, "") // the owner names the session
				since(t, start, tt.took)
				if !errors.Is(err, tt.want) || err != nil && !strings.Contains(err.Error(), tt.says) {
					t.Errorf("got %v, want %v that says %q", err, tt.want, tt.says)
				}
				if err != nil {
					noSecrets(t, err)
				}
			})
		})
	}
}

// What a PUT is answered with is read, so that its connection can be used again.
func TestBodiesOfAnswersDoNotCostConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f *faked
		f = fake(t, fakeOwner{put: func(w http.ResponseWriter, r *http.Request) {
			f.commit(w, r)
			http.NewResponseController(w).Flush()
			io.WriteString(w, "stored")
		}})
		c := f.client(remoteapp.ClientOptions{Mode: remoteapp.Double})
		for range 10 {
			must(t, commitChanged(t, c))
			synctest.Wait()
		}
		if got := len(f.Conns()); got != 2 {
			t.Errorf("%d connections, want 2", got)
		}
	})
}

func TestCommitTimeoutOverOneConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f *faked
		f = fake(t, fakeOwner{post: func(w http.ResponseWriter, r *http.Request) {
			f.send(w)
			io.ReadAll(r.Body)
			<-r.Context().Done()
		}})
		c := f.client(remoteapp.ClientOptions{CommitTimeout: 7 * time.Second})
		start := time.Now()
		if err := commitChanged(t, c); !errors.Is(err, session.ErrCommitUnknown) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want ErrCommitUnknown", err)
		}
		since(t, start, 7*time.Second)
	})
}

// The owner goes away while a page holds a session.
func TestOwnerGoesAwayWhileAPageHoldsASession(t *testing.T) {
	for _, mode := range []remoteapp.ClientMode{remoteapp.Double, remoteapp.Single} {
		for _, tt := range []struct {
			name   string
			breaks func(*memhttp.Conn)
			want   map[remoteapp.ClientMode]error
		}{
			{"its connections are reset", (*memhttp.Conn).Reset, map[remoteapp.ClientMode]error{remoteapp.Double: nil, remoteapp.Single: session.ErrLockLost}},
			{"it goes silent", (*memhttp.Conn).Silence, map[remoteapp.ClientMode]error{remoteapp.Double: session.ErrCommitUnknown, remoteapp.Single: session.ErrCommitUnknown}},
		} {
			t.Run(string(mode)+" "+tt.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					f := fake(t, fakeOwner{})
					c := f.client(remoteapp.ClientOptions{Mode: mode})
					o := open(t, c, testID, session.Writable)
					set(t, o, "n", "1")
					for _, conn := range f.Conns() {
						tt.breaks(conn)
					}
					synctest.Wait()
					err := o.Commit(t.Context())
					want := tt.want[mode]
					if want == nil { // the PUT went over a new connection, but nobody knows what became of the GET
						want = session.ErrCommitUnknown
					}
					if !errors.Is(err, want) {
						t.Errorf("got %v, want %v", err, want)
					}
				})
			})
		}
	}
}

// Over HTTP/2 pings tell of a connection that is silent while a page runs.
func TestSilentConnectionIsNoticedOverOneConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := fake(t, fakeOwner{})
		c := f.client(remoteapp.ClientOptions{Mode: remoteapp.Single})
		o := open(t, c, testID, session.Writable)
		set(t, o, "n", "1")
		for _, conn := range f.Conns() {
			conn.Silence()
		}
		time.Sleep(time.Minute)
		if err := o.Commit(t.Context()); !errors.Is(err, session.ErrLockLost) || !strings.Contains(err.Error(), "connection lost") {
			t.Errorf("got %v, want ErrLockLost", err)
		}
	})
}

// What an owner may send wrongly for a session.
func TestWrongSessions(t *testing.T) {
	whole := wire.Append(nil, &wire.Session{Header: wire.Header{ID: testID, Timeout: 20}, Items: []wire.Item{{Key: "k", Value: []byte(`"secret"`)}}})
	write := func(b []byte) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { w.Write(b) }
	}
	readOnly := wire.Append(nil, &wire.Session{Header: wire.Header{ID: testID, ReadOnly: true, Timeout: 20}})
	badID := wire.Append(nil, &wire.Session{Header: wire.Header{ID: "a;b", Timeout: 20}})
	for _, tt := range []struct {
		name string
		get  http.HandlerFunc
		want error
		says string
	}{
		{"to be read only", write(readOnly), remoteapp.ErrRefused, "read only"},
		{"an id that no cookie can have", write(badID), remoteapp.ErrRefused, "no cookie can have"},
		{"cut short", write(whole[:30]), remoteapp.ErrWrongFormat, "cut short"},
		{"broken off", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", strconv.Itoa(len(whole)))
			w.Write(whole[:30])
			http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}, remoteapp.ErrUnreachable, "cut short"},
		{"broken off in the middle of a chunk", func(w http.ResponseWriter, r *http.Request) {
			w.Write(whole[:30])
			http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}, remoteapp.ErrUnreachable, "cut short"},
		{"broken off after a bad length", func(w http.ResponseWriter, r *http.Request) {
			w.Write([]byte("\x01\xff\xff\xff\xff\xff"))
			http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}, remoteapp.ErrWrongFormat, "session id"},
		{"version 2", write([]byte("\x02rest")), remoteapp.ErrWrongFormat, `begins "\x02rest"`},
		{"compressed", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			w.Write([]byte("\x1f\x8b"))
		}, remoteapp.ErrWrongFormat, "Content-Encoding is gzip"},
		{"a bad length", write([]byte("\x01\xff\xff\xff\xff\xff")), remoteapp.ErrWrongFormat, "session id"},
	} {
		for _, mode := range []remoteapp.ClientMode{remoteapp.Double, remoteapp.Single} {
			t.Run(string(mode)+" "+tt.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					f := fake(t, fakeOwner{get: tt.get, post: tt.get})
					c := f.client(remoteapp.ClientOptions{Mode: mode})
					_, err := c.Open(t.Context(), testID, session.Writable)
					if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), "secret") {
						t.Errorf("got %v, want %v that says %q", err, tt.want, tt.says)
					}
					noSecrets(t, err)
				})
			})
		}
	}
}

// A read-only answer is taken though it never ends, and its timeout though it is
// no timeout; what came goes back as it came.
func TestWhatIsTolerated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		odd := &wire.Session{Header: wire.Header{ID: "Custom-ID", New: true, Timeout: -5}, Items: []wire.Item{{Key: "K", Value: []byte("1")}, {Key: "gone"}, {Key: "x", Value: []byte("{ }")}}, Unknown: []string{"gone"}}
		f := fake(t, fakeOwner{session: odd})
		c := f.client(remoteapp.ClientOptions{})
		o := open(t, c, testID, session.Writable)
		set(t, o, "k", "2")
		must(t, o.Commit(t.Context()))
		want := *odd
		want.Items = []wire.Item{{Key: "K", Value: []byte("2")}, {Key: "gone"}, {Key: "x", Value: []byte("{ }")}}
		want.Unknown = nil
		if got := f.bodies[0]; got != string(wire.Append(nil, &want)) {
			t.Errorf("sent back %q", got)
		}

		f.becomes("GET", func(w http.ResponseWriter, r *http.Request) {
			f.send(w)
			<-r.Context().Done()
		})
		start := time.Now()
		if s := read(t, c, testID); s.ID() != "Custom-ID" || !s.ReadOnly() || s.Timeout() != 0 {
			t.Errorf("read %q, read-only %t, timeout %s", s.ID(), s.ReadOnly(), s.Timeout())
		}
		since(t, start, 250*time.Millisecond)
	})
}

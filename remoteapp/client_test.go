// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package remoteapp_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/internal/memhttp"
	"github.com/sessionbridge/session/remoteapp"
	"github.com/sessionbridge/session/wire"
)

// newClient returns a client that logs to the test and is closed with it.
func newClient(t *testing.T, o remoteapp.ClientOptions) *remoteapp.Client {
	t.Helper()
	if o.APIKey == "" {
		o.APIKey = shopKey
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
	}
	c, err := remoteapp.NewClient(o)
	must(t, err)
	t.Cleanup(c.Close)
	return c
}

func open(t *testing.T, c *remoteapp.Client, id string, mode session.Mode) session.Opened {
	t.Helper()
	o, err := c.Open(t.Context(), id, mode)
	must(t, err)
	return o
}

// read returns a session as a page sees it that only reads.
func read(t *testing.T, c *remoteapp.Client, id string) *session.Session {
	t.Helper()
	return open(t, c, id, session.ReadOnly).Session()
}

// noSecrets fails if a text has what must not be written down.
func noSecrets(t *testing.T, err error) {
	t.Helper()
	for _, secret := range []string{testID, shopKey, legacyKey} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("%q has a secret in it", err)
		}
	}
}

// client returns a client of the server; a URL of TLS gives it one connection to
// write over.
func (s *server) client(o remoteapp.ClientOptions) *remoteapp.Client {
	s.t.Helper()
	o.RemoteAppURL = cmp.Or(o.RemoteAppURL, s.URL())
	if o.Transport == nil {
		o.Transport = s.Transport(memhttp.TLS)
	}
	return newClient(s.t, o)
}

// ways to write sessions to a Handler.
var ways = []struct {
	name string
	o    func(s *server) remoteapp.ClientOptions
	want remoteapp.ClientMode
}{
	{"double", func(s *server) remoteapp.ClientOptions { return remoteapp.ClientOptions{} }, remoteapp.Double},
	{"single", func(s *server) remoteapp.ClientOptions {
		return remoteapp.ClientOptions{RemoteAppURL: s.TLSURL(), Mode: remoteapp.Single}
	}, remoteapp.Single},
	{"auto", func(s *server) remoteapp.ClientOptions { return remoteapp.ClientOptions{RemoteAppURL: s.TLSURL()} }, remoteapp.Single},
	{"h2c", func(s *server) remoteapp.ClientOptions { return remoteapp.ClientOptions{H2C: true} }, remoteapp.Single},
}

// eachWay runs a test with a Handler and a client of it, in a bubble.
func eachWay(t *testing.T, o setup, test func(t *testing.T, s *server, c *remoteapp.Client, want remoteapp.ClientMode)) {
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, o)
				test(t, s, s.client(way.o(s)), way.want)
			})
		})
	}
}

func set(t *testing.T, o session.Opened, keysAndValues ...string) {
	t.Helper()
	for i := 0; i < len(keysAndValues); i += 2 {
		must(t, o.Session().SetRaw(keysAndValues[i], []byte(keysAndValues[i+1])))
	}
}

func items(s *session.Session) string { return text(wire.Session{Items: s.Items()}) }

func TestClientOperations(t *testing.T) {
	eachWay(t, setup{}, func(t *testing.T, s *server, c *remoteapp.Client, want remoteapp.ClientMode) {
		o := open(t, c, "", session.Writable)
		id := o.Session().ID()
		cookie := "ASP.NET_SessionId=" + id + "; path=/; HttpOnly; SameSite=Lax"
		if got := o.(interface{ SetCookies() []string }).SetCookies(); len(got) != 1 || got[0] != cookie || !o.Session().New() {
			t.Errorf("Set-Cookie %q, new %t", got, o.Session().New())
		}
		odd := `{"a" : 1.0e2,"a":null, "ü":"\u00fc"}`
		set(t, o, "b", "2", "Odd", odd, "a", "1")
		must(t, o.Commit(t.Context()))
		if got := c.Mode(); got != want {
			t.Errorf("mode %s, want %s", got, want)
		}

		o = open(t, c, strings.ToUpper(id), session.Writable)
		if got := items(o.Session()); got != "b=2 Odd="+odd+" a=1" || o.Session().New() || len(o.(interface{ SetCookies() []string }).SetCookies()) != 0 {
			t.Errorf("got %q, new %t", got, o.Session().New())
		}
		set(t, o, "B", "3", "c", "4")
		must(t, o.Session().Delete("a"))
		must(t, o.Session().SetTimeout(42*time.Minute))
		must(t, o.Commit(t.Context()))
		must(t, o.Commit(t.Context())) // does nothing
		must(t, o.Release(t.Context()))
		got := read(t, c, id)
		if items(got) != "b=3 Odd="+odd+" c=4" || got.Timeout() != 42*time.Minute || !errors.Is(got.Delete("b"), session.ErrReadOnly) {
			t.Errorf("got %q, %s", items(got), got.Timeout())
		}

		o = open(t, c, id, session.Writable)
		must(t, o.Session().Abandon())
		must(t, o.Commit(t.Context()))
		if got := read(t, c, id); !got.New() || got.Len() != 0 {
			t.Errorf("%q is left of an abandoned session", items(got))
		}
		synctest.Wait()
		s.nothingHeld()
	})
}

func TestClientReusesConnections(t *testing.T) {
	eachWay(t, setup{}, func(t *testing.T, s *server, c *remoteapp.Client, want remoteapp.ClientMode) {
		for i := range 20 {
			o := open(t, c, testID, session.Writable)
			set(t, o, "n", fmt.Sprint(i))
			must(t, o.Commit(t.Context()))
			read(t, c, testID)
			synctest.Wait()
		}
		if got := len(s.Conns()); got != 2 {
			t.Errorf("%d connections, want 2: of GET and PUT, or of POST and GET", got)
		}
	})
}

func TestClientReleasesWhatIsUnchanged(t *testing.T) {
	eachWay(t, setup{}, func(t *testing.T, s *server, c *remoteapp.Client, want remoteapp.ClientMode) {
		o := open(t, c, testID, session.Writable)
		set(t, o, "n", "1")
		must(t, o.Commit(t.Context()))
		synctest.Wait()
		s.outcomes()
		for _, end := range []func(session.Opened) error{
			func(o session.Opened) error { return o.Commit(t.Context()) },
			func(o session.Opened) error { return o.Release(t.Context()) },
			func(o session.Opened) error {
				set(t, o, "n", "2")
				return o.Release(t.Context())
			},
		} {
			must(t, end(open(t, c, testID, session.Writable)))
			synctest.Wait()
			s.nothingHeld()
			if got, want := s.outcomes(), map[remoteapp.ClientMode]string{remoteapp.Double: "get released", remoteapp.Single: "post committed"}[want]; got != want {
				t.Errorf("outcomes %q, want %q", got, want)
			}
		}
		if got := items(read(t, c, testID)); got != "n=1" {
			t.Errorf("%q is stored, want n=1", got)
		}
	})
}

func TestClientCommitOutlivesItsContext(t *testing.T) {
	eachWay(t, setup{}, func(t *testing.T, s *server, c *remoteapp.Client, want remoteapp.ClientMode) {
		ctx, leave := context.WithCancel(t.Context())
		o, err := c.Open(ctx, testID, session.Writable)
		must(t, err)
		set(t, o, "n", "1")
		leave()
		time.Sleep(15 * time.Minute) // neither the end of Open's context nor its timeout ends the session
		must(t, o.Commit(ctx))
		if got := items(read(t, c, testID)); got != "n=1" {
			t.Errorf("%q is stored, want n=1", got)
		}
	})
}

// The session is held by another page: the wait ends when the owner, the caller
// or the option OpenTimeout say so.
func TestClientWaitsForItsTurn(t *testing.T) {
	limits := setup{handler: remoteapp.HandlerOptions{DuplexHoldLimit: time.Hour, GetHoldLimit: time.Hour}}
	for _, way := range ways {
		for _, tt := range []struct {
			name          string
			open, context time.Duration
			want          time.Duration
			canceled      bool
		}{
			{name: "until the owner's limit", want: 60 * time.Second},
			{name: "until its own limit", open: 30 * time.Second, want: 30 * time.Second},
			{name: "until the caller's", context: 20 * time.Second, want: 20 * time.Second},
			{name: "until the caller leaves", context: 20 * time.Second, canceled: true, want: 20 * time.Second},
		} {
			t.Run(way.name+" "+tt.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := serve(t, limits)
					o := way.o(s)
					o.OpenTimeout = tt.open
					c := s.client(o)
					must(t, open(t, c, otherID, session.Writable).Release(t.Context())) // one connection works
					first := open(t, c, testID, session.Writable)
					ctx, cancel := context.WithCancel(t.Context())
					if tt.context > 0 && !tt.canceled {
						ctx, cancel = context.WithTimeout(t.Context(), tt.context)
					}
					defer cancel()
					if tt.canceled {
						time.AfterFunc(tt.context, cancel)
					}
					start := time.Now()
					_, err := c.Open(ctx, testID, session.Writable)
					since(t, start, tt.want)
					var busy *session.BusyError
					if tt.canceled && !errors.Is(err, context.Canceled) || !tt.canceled && (!errors.As(err, &busy) || busy.Waited != tt.want) {
						t.Errorf("got %v", err)
					}
					noSecrets(t, err)
					must(t, first.Release(t.Context()))
					synctest.Wait()
					s.nothingHeld()
				})
			})
		}
	}
}

// Another writer takes the session over.
// A context's own cause does not make its end the owner's fault.
func TestClientIsToldWhyItGivesUp(t *testing.T) {
	cause := errors.New("interrupt signal received")
	eachWay(t, setup{}, func(t *testing.T, s *server, c *remoteapp.Client, _ remoteapp.ClientMode) {
		first := open(t, c, testID, session.Writable)
		canceled, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(cause) })
		_, err := c.Open(canceled, testID, session.Writable)
		if !errors.Is(err, context.Canceled) || !errors.Is(err, cause) || errors.Is(err, remoteapp.ErrUnreachable) || !strings.Contains(err.Error(), "given up") {
			t.Errorf("canceled: got %v", err)
		}
		late, end := context.WithTimeoutCause(t.Context(), time.Second, cause)
		defer end()
		_, err = c.Open(late, testID, session.Writable)
		var busy *session.BusyError
		if !errors.As(err, &busy) || !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, cause) {
			t.Errorf("late: got %v", err)
		}
		must(t, first.Release(t.Context()))
		synctest.Wait()
		s.nothingHeld()
	})
}

func TestClientLosesItsHold(t *testing.T) {
	eachWay(t, setup{}, func(t *testing.T, s *server, c *remoteapp.Client, want remoteapp.ClientMode) {
		must(t, open(t, c, otherID, session.Writable).Release(t.Context()))
		slow := open(t, c, testID, session.Writable)
		set(t, slow, "n", "1")
		quick := open(t, c, testID, session.Writable)
		set(t, quick, "n", "2")
		must(t, quick.Commit(t.Context()))
		err := slow.Commit(t.Context())
		if !errors.Is(err, session.ErrLockLost) || !strings.Contains(err.Error(), "Session has already been updated") {
			t.Errorf("got %v, want ErrLockLost", err)
		}
		noSecrets(t, err)
		if got := items(read(t, c, testID)); got != "n=2" {
			t.Errorf("%q is stored, want n=2", got)
		}
		synctest.Wait()
		s.nothingHeld()
	})
}

func TestClientWithTheWrongKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, setup{})
		c := s.client(remoteapp.ClientOptions{RemoteAppURL: s.TLSURL(), APIKey: legacyKey})
		for _, mode := range []session.Mode{session.ReadOnly, session.Writable} {
			_, err := c.Open(t.Context(), testID, mode)
			if !errors.Is(err, remoteapp.ErrUnauthorized) || !strings.Contains(err.Error(), "is the API key of no client") {
				t.Errorf("got %v, want ErrUnauthorized with what the owner says", err)
			}
			noSecrets(t, err)
		}
		if c.Mode() != remoteapp.Auto {
			t.Errorf("mode %s, want auto: nothing is known", c.Mode())
		}
	})
}

// What a client sends besides the session.
func TestClientRequests(t *testing.T) {
	for _, tt := range []struct {
		name, id, cookie string
		trace            session.Trace
		traceID          string // "" for any
		state, baggage   string
	}{
		{name: "of a browser with a trace", id: testID, cookie: "ASP.NET_SessionId=" + testID,
			trace:   session.Trace{Parent: "00-af7651916cd43dd8448eb211c80319c1-b7ad6b7169203331-01", State: "a=1", Baggage: "k = v"},
			traceID: "af7651916cd43dd8448eb211c80319c1", state: "a=1", baggage: "k = v"},
		{name: "of a browser without cookie"},
		{name: "with an id of another form", id: "{0A-b}", cookie: "ASP.NET_SessionId={0A-b}"},
		{name: "with an id that no cookie can have", id: "a;b=c"},
		{name: "with a line break in its id", id: "a\r\nX-Evil: 1"},
		{name: "with an id that is too long", id: strings.Repeat("a", 257)},
		{name: "with a trace that is none", trace: session.Trace{Parent: "00-x-y-01", State: "a=1", Baggage: "a\r\nb"}},
	} {
		for _, mode := range []remoteapp.ClientMode{remoteapp.Double, remoteapp.Single} {
			t.Run(tt.name+" "+string(mode), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					f := fake(t, fakeOwner{})
					o := remoteapp.ClientOptions{RemoteAppURL: f.TLSURL() + "/vdir/", Mode: mode, Transport: f.Transport(memhttp.TLS)}
					ctx := session.ContextWithTrace(t.Context(), tt.trace)
					opened, err := newClient(t, o).Open(ctx, tt.id, session.Writable)
					must(t, err)
					set(t, opened, "n", "1")
					must(t, opened.Commit(t.Context()))
					spans := make(map[string]bool)
					for _, r := range f.all() {
						cookie := tt.cookie
						want := http.Header{"X-Systemwebadapter-Remoteappauthentication-Key": {shopKey}, "X-Systemwebadapter-Remoteappsession-Readonly": {"False"}}
						if r.Method == http.MethodPut {
							cookie = "ASP.NET_SessionId=" + testID // of the session bytes
							want.Del(readOnlyHeader)
							want.Set("Content-Length", fmt.Sprint(r.ContentLength))
						}
						parent := strings.Split(r.Header.Get("Traceparent"), "-")
						if len(parent) != 4 || tt.traceID != "" && (parent[1] != tt.traceID || parent[3] != "01") || spans[parent[2]] || strings.Contains(tt.trace.Parent, parent[2]) {
							t.Errorf("%s: traceparent %q", r.Method, parent)
						}
						spans[parent[2]] = true
						want["Traceparent"] = r.Header["Traceparent"]
						for name, value := range map[string]string{"Cookie": cookie, "Tracestate": tt.state, "Baggage": tt.baggage} {
							if value != "" {
								want.Set(name, value)
							}
						}
						if diff := gocmp.Diff(want, r.Header); diff != "" || r.URL.Path != "/vdir"+remoteapp.DefaultPath {
							t.Errorf("%s %s: headers (-want +got):\n%s", r.Method, r.URL.Path, diff)
						}
					}
				})
			})
		}
	}
}

func TestClientRefusesWhatItCouldNotReadAgain(t *testing.T) {
	eachWay(t, setup{}, func(t *testing.T, s *server, _ *remoteapp.Client, _ remoteapp.ClientMode) {
		small := s.client(remoteapp.ClientOptions{Limits: wire.Limits{Value: 100}})
		o := open(t, small, testID, session.Writable)
		set(t, o, "n", "1")
		must(t, o.Commit(t.Context()))

		o = open(t, small, testID, session.Writable)
		set(t, o, "n", `"`+strings.Repeat("a", 100)+`"`)
		for range 2 { // it stays failed
			err := o.Commit(t.Context())
			if !errors.Is(err, remoteapp.ErrRefused) || !strings.Contains(err.Error(), `key "n" has 102 bytes`) {
				t.Errorf("got %v, want it to name the key and its size", err)
			}
		}
		for _, long := range []string{strings.Repeat("k", 1025), strings.Repeat("\xff", 342)} { // U+FFFD has three bytes
			o = open(t, small, testID, session.Writable)
			set(t, o, long, "1")
			err := o.Commit(t.Context())
			if !errors.Is(err, remoteapp.ErrRefused) || !strings.Contains(err.Error(), "not sent: the key that begins") || len(err.Error()) > 500 {
				t.Errorf("got %v, want it to tell of the key", err)
			}
		}
		if got := items(read(t, small, testID)); got != "n=1" {
			t.Errorf("the session has %q, want it as it was", got)
		}
		synctest.Wait()
		s.nothingHeld()

		large := open(t, s.client(remoteapp.ClientOptions{}), testID, session.Writable)
		set(t, large, "n", `"`+strings.Repeat(`\u00E9`, 80)+`"`) // as .NET writes what may have had 160 bytes
		set(t, large, strings.Repeat("k", 1024), "1")
		must(t, large.Commit(t.Context()))
		if got := read(t, small, testID).Len(); got != 2 {
			t.Errorf("read %d keys, want 2", got)
		}
	})
}

// touchy is a codec that panics while it is armed.
type touchy struct {
	session.JSON
	armed *bool
}

func (c touchy) Marshal(v any) ([]byte, error) {
	if *c.armed {
		panic("the codec is touchy")
	}
	return c.JSON.Marshal(v)
}

func TestClientWhoseCommitPanicsHoldsNothing(t *testing.T) {
	armed := false
	k := session.NewKey[int]("n").WithCodec(touchy{armed: &armed}).WithMutations(session.SaveMutations)
	eachWay(t, setup{}, func(t *testing.T, s *server, c *remoteapp.Client, _ remoteapp.ClientMode) {
		armed = false
		o := open(t, c, testID, session.Writable)
		must(t, k.Set(o.Session(), 1))
		armed = true
		func() {
			defer func() {
				if recover() == nil {
					t.Error("the commit does not panic")
				}
			}()
			_ = o.Commit(t.Context())
		}()
		if err := o.Commit(t.Context()); err == nil {
			t.Error("a commit that panicked was none, says the next")
		}
		synctest.Wait()
		s.nothingHeld()
	})
}

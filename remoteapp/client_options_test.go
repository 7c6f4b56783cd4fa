// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package remoteapp_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/internal/memhttp"
	"github.com/sessionbridge/session/remoteapp"
	"github.com/sessionbridge/session/wire"
)

func TestClientOptionsCheck(t *testing.T) {
	fine := remoteapp.ClientOptions{RemoteAppURL: "https://old.example/vdir", APIKey: shopKey}
	must(t, fine.Check())
	for _, tt := range []struct {
		name string
		o    remoteapp.ClientOptions
		want []string // parts of the complaints, one each
	}{
		{"nothing", remoteapp.ClientOptions{}, []string{"RemoteAppURL is missing", "APIKey is missing"}},
		{"all wrong", remoteapp.ClientOptions{
			RemoteAppURL: "ftp://old.example", APIKey: "secret", APIKeyHeader: "a b", CookieName: "a=b", SessionEndpointPath: "/x?y",
			Mode: "triple", OnUnknown: "panic", OpenTimeout: -1, CommitTimeout: -time.Second,
		}, []string{"no http or https URL", "API key has 6 characters", "no name of a header", "no cookie name", "triple", "panic", "OpenTimeout", "CommitTimeout is -1s"}},
		{"a password in the URL", remoteapp.ClientOptions{RemoteAppURL: "https://ann:secret@old.example", APIKey: shopKey}, []string{"more than scheme, host and path"}},
		{"no URL", remoteapp.ClientOptions{RemoteAppURL: "https://ann:sec%ret@x", APIKey: shopKey}, []string{"is no URL"}},
		{"a bad path", remoteapp.ClientOptions{RemoteAppURL: "https://old.example", SessionEndpointPath: "/a?b", APIKey: shopKey}, []string{"is no path"}},
		{"one connection without HTTP/2", remoteapp.ClientOptions{RemoteAppURL: "http://old.example", APIKey: shopKey, Mode: remoteapp.Single}, []string{"H2C"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := remoteapp.NewClient(tt.o)
			if err == nil {
				t.Fatal("no complaint")
			}
			for _, want := range tt.want {
				if strings.Count(err.Error(), want) != 1 {
					t.Errorf("got %v, want it to say %q once", err, want)
				}
			}
			if lines := strings.Count(err.Error(), "\n") + 1; lines != len(tt.want) || strings.Contains(err.Error(), "sec") && !strings.Contains(err.Error(), "CommitTimeout") {
				t.Errorf("%d complaints, want %d: %v", lines, len(tt.want), err)
			}
		})
	}
}

func TestClientOptionsFromEnv(t *testing.T) {
	env := map[string]string{
		"SystemWebAdapters__Remote__RemoteAppUrl":                 "https://old.example/",
		"SystemWebAdapters__Remote__ApiKey":                       shopKey,
		"SystemWebAdapters__Remote__ApiKeyHeader":                 "X-Key",
		"SystemWebAdapters__Remote__Session__SessionEndpointPath": "/s",
		"SystemWebAdapters__Remote__CookieName":                   "sid",
		"SystemWebAdapters__Remote__Session__UseSingleConnection": "False",
	}
	got := remoteapp.ClientOptionsFromEnv(func(name string) string { return env[name] })
	want := remoteapp.ClientOptions{RemoteAppURL: "https://old.example/", APIKey: shopKey, APIKeyHeader: "X-Key", SessionEndpointPath: "/s", CookieName: "sid", Mode: remoteapp.Double}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("options (-want +got):\n%s", diff)
	}
	must(t, got.Check())
	env["SystemWebAdapters__Remote__Session__UseSingleConnection"] = "maybe"
	if err := remoteapp.ClientOptionsFromEnv(func(name string) string { return env[name] }).Check(); err == nil || !strings.Contains(err.Error(), "UseSingleConnection=maybe") {
		t.Errorf("got %v, want a complaint", err)
	}
}

// The names of header, cookie and path are the client's to choose.
func TestClientWithOtherNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := fake(t, fakeOwner{})
		c := f.client(remoteapp.ClientOptions{APIKeyHeader: "X-Key", CookieName: "sid", SessionEndpointPath: "/sessions", APIKey: "{" + shopKey + "}"})
		must(t, commitChanged(t, c))
		r := f.all()[0]
		if r.URL.Path != "/sessions" || r.Header.Get("X-Key") != "{"+shopKey+"}" || r.Header.Get("Cookie") != "sid="+testID {
			t.Errorf("%s %v", r.URL.Path, r.Header)
		}
	})
}

// A transport of the user's is copied, and made fit for sessions; what is the
// user's own stays.
func TestClientKeepsItsDefaultsOverATransport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, setup{handler: remoteapp.HandlerOptions{DuplexHoldLimit: time.Hour}})
		base := s.Transport(memhttp.HTTP1)
		base.ResponseHeaderTimeout = time.Second
		base.MaxConnsPerHost = 1
		verified := 0
		base.TLSClientConfig.VerifyConnection = func(tls.ConnectionState) error { verified++; return nil }
		for _, mode := range []remoteapp.ClientMode{remoteapp.Single, remoteapp.Double} {
			c := s.client(remoteapp.ClientOptions{RemoteAppURL: s.TLSURL(), Transport: base, Mode: mode})
			first := open(t, c, testID, session.Writable)
			time.AfterFunc(20*time.Second, func() { first.Release(t.Context()) })
			o := open(t, c, testID, session.Writable) // later than ResponseHeaderTimeout
			set(t, o, "n", string(mode[0]))
			must(t, o.Commit(t.Context())) // over more than MaxConnsPerHost
		}
		if verified == 0 || base.MaxConnsPerHost != 1 || base.ResponseHeaderTimeout != time.Second || base.Protocols.HTTP2() {
			t.Errorf("verified %d, base %+v", verified, base)
		}

		for _, protocols := range [][]string{{"h2"}, {"http/1.1"}} {
			base.DialTLSContext = tlsDialer(s, protocols)
			synctest.Wait()
			s.outcomes()
			c := s.client(remoteapp.ClientOptions{RemoteAppURL: s.TLSURL(), Transport: base})
			must(t, open(t, c, testID, session.Writable).Release(t.Context()))
			synctest.Wait()
			if want := map[string]remoteapp.ClientMode{"h2": remoteapp.Single, "http/1.1": remoteapp.Double}[protocols[0]]; c.Mode() != want {
				t.Errorf("a dialer for %s: mode %s, want %s", protocols, c.Mode(), want)
			}
			if got := s.outcomes(); strings.Contains(got, ",") {
				t.Errorf("a dialer for %s: %s, want one request: a POST must not go over HTTP/1.1", protocols, got)
			}
		}
	})
}

// tlsDialer dials as a user's own function may, which decides on the protocols.
func tlsDialer(s *server, protocols []string) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := s.DialContext(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		config := s.ClientTLS()
		config.NextProtos = protocols
		return tls.Client(conn, config), nil
	}
}

// Another RoundTripper sends all requests as it is.
func TestClientWithARoundTripper(t *testing.T) {
	for _, tt := range []struct {
		protocol memhttp.Protocol
		want     remoteapp.ClientMode
	}{{memhttp.TLS, remoteapp.Single}, {memhttp.HTTP1, remoteapp.Double}} {
		synctest.Test(t, func(t *testing.T) {
			s := serve(t, setup{})
			var methods []string
			transport := s.Transport(tt.protocol)
			c := s.client(remoteapp.ClientOptions{RemoteAppURL: s.TLSURL(), Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
				methods = append(methods, r.Method)
				return transport.RoundTrip(r)
			})})
			o := open(t, c, testID, session.Writable)
			set(t, o, "n", "1")
			must(t, o.Commit(t.Context()))
			if got := items(read(t, c, testID)); got != "n=1" || c.Mode() != tt.want {
				t.Errorf("%q, mode %s, want %s: %v", got, c.Mode(), tt.want, methods)
			}
		})
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// Keys that the owner could not write are told of once, or keep the commit from
// being sent, unless the page made them its own.
func TestClientAndKeysThatTheOwnerCannotWrite(t *testing.T) {
	unknown := &wire.Session{Header: wire.Header{ID: testID, Timeout: 20},
		Items: []wire.Item{{Key: "Raw"}, {Key: "n", Value: []byte("0")}}, Unknown: []string{"raw", "listed"}}
	for _, mode := range []remoteapp.ClientMode{remoteapp.Single, remoteapp.Double} {
		t.Run(string(mode), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := fake(t, fakeOwner{session: unknown})
				var log logged
				c := f.client(remoteapp.ClientOptions{Mode: mode, Logger: log.logger()})
				for range 3 {
					must(t, commitChanged(t, c))
				}
				if log.count("could not write") != 1 || !strings.Contains(log.String(), `keys="[Raw listed]"`) || strings.Contains(log.String(), testID) {
					t.Errorf("log:\n%s", &log)
				}
				f.bodies = nil

				c = f.client(remoteapp.ClientOptions{Mode: mode, OnUnknown: remoteapp.FailUnknown})
				err := commitChanged(t, c)
				if !errors.Is(err, remoteapp.ErrUnknownKeys) || !strings.Contains(err.Error(), `"Raw", "listed"`) {
					t.Errorf("got %v, want ErrUnknownKeys", err)
				}
				must(t, open(t, c, testID, session.Writable).Commit(t.Context())) // unchanged
				synctest.Wait()
				if len(f.bodies) != 0 {
					t.Errorf("%q was sent", f.bodies)
				}
				for _, change := range []func(s *session.Session) error{
					(*session.Session).Clear,
					(*session.Session).Abandon,
					func(s *session.Session) error {
						return errors.Join(s.Delete("RAW"), s.SetRaw("Listed", []byte("1")))
					},
				} {
					o := open(t, c, testID, session.Writable)
					must(t, change(o.Session()))
					must(t, o.Commit(t.Context()))
				}
			})
		})
	}
}

// What goes wrong under way tells what to do.
func TestErrorsTellWhatToDo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, setup{})
		untrusting := s.Transport(memhttp.TLS)
		untrusting.TLSClientConfig = nil
		for _, tt := range []struct {
			name string
			o    remoteapp.ClientOptions
			says string
		}{
			{"a certificate that nobody trusts", remoteapp.ClientOptions{RemoteAppURL: s.TLSURL(), Transport: untrusting}, "SSL_CERT_FILE"},
			{"https where http is spoken", remoteapp.ClientOptions{RemoteAppURL: s.TLSURL() + ":80"}, "does not speak TLS"},
			{"an owner that is down", remoteapp.ClientOptions{Transport: &http.Transport{DialContext: refuseToDial}}, "is it running"},
		} {
			for _, mode := range []session.Mode{session.ReadOnly, session.Writable} {
				_, err := s.client(tt.o).Open(t.Context(), testID, mode)
				if !errors.Is(err, remoteapp.ErrUnreachable) || !strings.Contains(err.Error(), tt.says) {
					t.Errorf("%s: got %v, want ErrUnreachable that says %q", tt.name, err, tt.says)
				}
			}
		}
	})
}

func refuseToDial(context.Context, string, string) (net.Conn, error) {
	return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
}

// A body larger than the windows of HTTP/2 gets through, and a body that the
// owner stops reading ends with the commit's time.
func TestLargeSessionOverOneConnection(t *testing.T) {
	large := `"` + strings.Repeat("x", 900<<10) + `"`
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, setup{})
		c := s.client(remoteapp.ClientOptions{RemoteAppURL: s.TLSURL()})
		o := open(t, c, testID, session.Writable)
		set(t, o, "a", large, "b", large)
		must(t, o.Commit(t.Context()))
		if got, _ := read(t, c, testID).Raw("b"); string(got) != large {
			t.Errorf("%d bytes came back", len(got))
		}
	})
	synctest.Test(t, func(t *testing.T) {
		var f *faked
		f = fake(t, fakeOwner{post: func(w http.ResponseWriter, r *http.Request) {
			f.send(w)
			io.ReadFull(r.Body, make([]byte, 100))
			<-r.Context().Done()
		}})
		c := f.client(remoteapp.ClientOptions{Limits: wire.Limits{Value: 4 << 20}})
		o := open(t, c, testID, session.Writable)
		set(t, o, "a", strings.Repeat(large, 3))
		start := time.Now()
		if err := o.Commit(t.Context()); !errors.Is(err, remoteapp.ErrUnreachable) || errors.Is(err, session.ErrCommitUnknown) {
			t.Errorf("got %v, want ErrUnreachable: not all was sent", err)
		}
		since(t, start, time.Minute)
	})
}

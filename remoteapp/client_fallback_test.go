// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package remoteapp_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/internal/memhttp"
	"github.com/sessionbridge/session/remoteapp"
)

// protocolsOf lets a server speak these only.
func protocolsOf(http1, http2 bool) func(*http.Server) {
	return func(s *http.Server) {
		s.Protocols = new(http.Protocols)
		s.Protocols.SetHTTP1(http1)
		s.Protocols.SetHTTP2(http2)
	}
}

// withoutALPN lets a server not speak of protocols at all.
func withoutALPN(s *http.Server) {
	protocolsOf(true, false)(s)
	s.TLSConfig = &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		return &tls.Config{Certificates: s.TLSConfig.Certificates}, nil
	}}
}

// The client falls back to two connections on each sign in protocol.md 2.5 that
// one can't work, remembers it for five minutes, and says so once.
func TestFallback(t *testing.T) {
	for _, tt := range []struct {
		name  string
		owner fakeOwner
		says  string
		took  time.Duration
		posts bool // reach the owner
	}{
		{"405", fakeOwner{post: status(405)}, "Method Not Allowed", 0, true},
		{"404", fakeOwner{post: status(404)}, "Not Found", 0, true},
		{"501", fakeOwner{post: status(501)}, "Not Implemented", 0, true},
		{"400", fakeOwner{post: status(400)}, "Bad Request", 0, true},
		{"HTTP/1.1 by ALPN alert", fakeOwner{configure: protocolsOf(true, false)}, "HTTP/2 is not offered", 0, false},
		{"no ALPN", fakeOwner{configure: withoutALPN}, "HTTP/2 is not offered", 0, false},
		{"a proxy that buffers requests", fakeOwner{post: never}, "is not answered", 10 * time.Second, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := fake(t, tt.owner)
				var log logged
				c := f.client(remoteapp.ClientOptions{Logger: log.logger()})
				all := func(posts bool) string {
					if posts && tt.posts {
						return "POST GET PUT"
					}
					return "GET PUT"
				}
				fallsBack := func() {
					t.Helper()
					start := time.Now()
					must(t, commitChanged(t, c))
					since(t, start, tt.took)
					if got := f.methods(); got != all(true) || c.Mode() != remoteapp.Double {
						t.Errorf("%s, mode %s; want %s, double", got, c.Mode(), all(true))
					}
				}
				fallsBack()
				time.Sleep(5*time.Minute - time.Millisecond)
				must(t, commitChanged(t, c))
				if got := f.methods(); got != all(false) {
					t.Errorf("before five minutes have passed: %s, want %s", got, all(false))
				}
				time.Sleep(time.Millisecond)
				fallsBack() // looks again, and remembers again
				if got := log.count("over two connections"); got != 1 || !strings.Contains(log.String(), tt.says) {
					t.Errorf("the log tells it %d times, want once with %q:\n%s", got, tt.says, &log)
				}
				if !tt.posts {
					return
				}
				f.becomes("POST", nil) // the owner was mended
				time.Sleep(5 * time.Minute)
				must(t, commitChanged(t, c))
				must(t, commitChanged(t, c))
				if got := f.methods(); got != "POST POST" || c.Mode() != remoteapp.Single || log.count("over one connection again") != 1 {
					t.Errorf("%s, mode %s, log:\n%s", got, c.Mode(), &log)
				}
			})
		})
	}
}

// What says nothing against one connection is an error of the page.
func TestNoFallback(t *testing.T) {
	for _, tt := range []struct {
		name string
		post http.HandlerFunc
		want error
	}{
		{"401", status(401), remoteapp.ErrUnauthorized},
		{"403", status(403), remoteapp.ErrRefused},
		{"500", status(500), remoteapp.ErrRefused},
		{"503", status(503), remoteapp.ErrUnreachable},
		{"302", status(302), remoteapp.ErrNotThere},
		{"nothing", status(200), remoteapp.ErrWrongFormat},
		{"a reset after the headers", func(w http.ResponseWriter, r *http.Request) {
			http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}, remoteapp.ErrUnreachable},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := fake(t, fakeOwner{post: tt.post})
				c := f.client(remoteapp.ClientOptions{})
				_, err := c.Open(t.Context(), testID, session.Writable)
				if got := f.methods(); !errors.Is(err, tt.want) || got != "POST" || c.Mode() != remoteapp.Auto {
					t.Errorf("%s: %v; want %v after POST alone", got, err, tt.want)
				}
			})
		})
	}
}

// Only a fallback that helps is remembered.
func TestFallbackThatDoesNotHelpIsNotRemembered(t *testing.T) {
	for _, tt := range []struct {
		name      string
		post, get http.HandlerFunc
		want      error
		took      time.Duration
	}{
		{"nothing is there", status(404), status(404), remoteapp.ErrNotThere, 0},
		{"another page holds the session", never, never, nil, 100 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := fake(t, fakeOwner{post: tt.post, get: tt.get})
				c := f.client(remoteapp.ClientOptions{})
				for range 2 {
					start := time.Now()
					_, err := c.Open(t.Context(), testID, session.Writable)
					since(t, start, tt.took)
					var busy *session.BusyError
					if got := f.methods(); got != "POST GET" || c.Mode() != remoteapp.Auto || tt.want != nil && !errors.Is(err, tt.want) || tt.want == nil && !errors.As(err, &busy) {
						t.Errorf("%s, mode %s: %v", got, c.Mode(), err)
					}
				}
			})
		})
	}
}

// Where POST works it may take its time: another page holds the session.
func TestPostThatHasWorkedIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := fake(t, fakeOwner{})
		c := f.client(remoteapp.ClientOptions{})
		must(t, commitChanged(t, c))
		f.methods()
		f.becomes("POST", func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(99 * time.Second)
			f.commit(w, r)
		})
		start := time.Now()
		must(t, commitChanged(t, c))
		since(t, start, 99*time.Second)
		if got := f.methods(); got != "POST" {
			t.Errorf("%s, want POST alone", got)
		}
	})
}

// So it may for a page that began before that was known.
func TestPostThatWorksMeanwhileIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f *faked
		f = fake(t, fakeOwner{post: func(w http.ResponseWriter, r *http.Request) {
			if strings.Contains(r.Header.Get("Cookie"), testID) {
				time.Sleep(12 * time.Second)
			}
			f.commit(w, r)
		}})
		c := f.client(remoteapp.ClientOptions{})
		var pages sync.WaitGroup
		pages.Go(func() { must(t, commitChanged(t, c)) })
		synctest.Wait()
		must(t, commitOf(t, c, otherID))
		start := time.Now()
		pages.Wait()
		since(t, start, 12*time.Second)
		if got := f.methods(); got != "POST POST" || c.Mode() != remoteapp.Single {
			t.Errorf("%s, and mode %s from now on; want POST for both pages, and single", got, c.Mode())
		}
	})
}

// While one page looks whether one connection works by now, others don't wait.
func TestOnePageProbes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := fake(t, fakeOwner{post: never})
		c := f.client(remoteapp.ClientOptions{})
		must(t, commitChanged(t, c))
		time.Sleep(5 * time.Minute)
		f.methods()
		var pages sync.WaitGroup
		pages.Go(func() { must(t, commitChanged(t, c)) })
		synctest.Wait()
		for range 3 {
			start := time.Now()
			must(t, commitChanged(t, c))
			since(t, start, 0)
		}
		pages.Wait()
		if got := f.methods(); got != "POST GET PUT GET PUT GET PUT GET PUT" {
			t.Errorf("%s, want one POST", got)
		}
	})
}

// Without a fallback the reason is in the error.
func TestModeSingleDoesNotFallBack(t *testing.T) {
	for _, tt := range []struct {
		name  string
		owner fakeOwner
		want  error
		says  string
	}{
		{"405", fakeOwner{post: status(405)}, remoteapp.ErrRefused, "405"},
		{"no HTTP/2", fakeOwner{configure: protocolsOf(true, false)}, remoteapp.ErrUnreachable, "use mode auto or double"},
		{"no ALPN", fakeOwner{configure: withoutALPN}, remoteapp.ErrUnreachable, "use mode auto or double"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := fake(t, tt.owner)
				c := f.client(remoteapp.ClientOptions{Mode: remoteapp.Single})
				_, err := c.Open(t.Context(), testID, session.Writable)
				if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.says) || strings.Contains(f.methods(), "GET") {
					t.Errorf("got %v, want %v that says %q", err, tt.want, tt.says)
				}
			})
		})
	}
}

// What servers and proxies do to an HTTP/2 connection before a POST is answered.
func TestFallbackByHTTP2(t *testing.T) {
	reset := func(code http2.ErrCode) func(*rawH2) {
		return func(c *rawH2) { c.settings(); c.framer.WriteRSTStream(c.stream, code) }
	}
	goAway := func(last uint32, code http2.ErrCode) func(*rawH2) {
		return func(c *rawH2) { c.settings(); c.framer.WriteGoAway(last, code, nil) }
	}
	type outcome struct {
		name  string
		do    func(*rawH2)
		posts int
		want  remoteapp.ClientMode // Auto: the page fails
	}
	tests := []outcome{
		{"GOAWAY INTERNAL_ERROR", goAway(0, http2.ErrCodeInternal), 1, remoteapp.Double},
		{"GOAWAY ENHANCE_YOUR_CALM and the end", func(c *rawH2) { goAway(1, http2.ErrCodeEnhanceYourCalm)(c); c.conn.Close() }, 1, remoteapp.Double},
		{"GOAWAY NO_ERROR again and again", goAway(0, http2.ErrCodeNo), 2, remoteapp.Double},
		{"GOAWAY NO_ERROR once", func(c *rawH2) {
			if c.n == 1 {
				goAway(0, http2.ErrCodeNo)(c)
			} else {
				c.forward()
			}
		}, 2, remoteapp.Single},
		{"HTTP/1.1 instead of frames", func(c *rawH2) { io.WriteString(c.conn, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n") }, 1, remoteapp.Double},
		{"bytes instead of frames", func(c *rawH2) { c.conn.Write(bytes.Repeat([]byte{1}, 100)) }, 1, remoteapp.Double},
		{"a frame out of place", func(c *rawH2) { c.settings(); c.framer.WriteContinuation(c.stream, true, nil) }, 1, remoteapp.Double},
		{"the end of the connection", func(c *rawH2) { c.conn.Close() }, 1, remoteapp.Auto},
		{"a reset of the connection", func(c *rawH2) { c.conn.Reset() }, 1, remoteapp.Auto},
		{"GOAWAY NO_ERROR and the end", func(c *rawH2) { goAway(1, http2.ErrCodeNo)(c); c.conn.Close() }, 1, remoteapp.Auto},
	}
	for _, code := range []http2.ErrCode{http2.ErrCodeNo, http2.ErrCodeInternal, http2.ErrCodeCancel, http2.ErrCodeEnhanceYourCalm, http2.ErrCodeHTTP11Required} {
		tests = append(tests, outcome{"RST_STREAM " + code.String(), reset(code), 1, remoteapp.Double})
	}
	for _, code := range []http2.ErrCode{http2.ErrCodeRefusedStream, http2.ErrCodeProtocol} { // net/http tries again
		tests = append(tests, outcome{"RST_STREAM " + code.String(), reset(code), 2, remoteapp.Double})
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				raw := &rawServer{t: t, faked: fake(t, fakeOwner{}), do: tt.do}
				c := newClient(t, remoteapp.ClientOptions{RemoteAppURL: raw.URL(), H2C: true, Transport: &http.Transport{DialContext: raw.dial}})
				start := time.Now()
				o, err := c.Open(t.Context(), testID, session.Writable)
				since(t, start, 0)
				if raw.posts != tt.posts || c.Mode() != tt.want || (err != nil) != (tt.want == remoteapp.Auto) {
					t.Errorf("%d POSTs, mode %s, %v; want %d, %s", raw.posts, c.Mode(), err, tt.posts, tt.want)
				}
				if tt.want == remoteapp.Auto && !errors.Is(err, remoteapp.ErrUnreachable) {
					t.Errorf("got %v, want ErrUnreachable", err)
				}
				if err == nil {
					set(t, o, "n", "1")
					must(t, o.Commit(t.Context()))
				}
				c.Close()
			})
		})
	}
}

// A TLS server that chooses a protocol it was not offered.
func TestFallbackByUnadvertisedProtocol(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := fake(t, fakeOwner{})
		first := true
		transport := f.Transport(memhttp.TLS)
		transport.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
			if !first {
				return f.DialContext(ctx, network, addr)
			}
			first = false
			a, b := memhttp.Pipe()
			go chooseHTTP1(b)
			return a, nil
		}
		c := newClient(t, remoteapp.ClientOptions{RemoteAppURL: f.TLSURL(), Transport: transport})
		must(t, commitChanged(t, c))
		if c.Mode() != remoteapp.Double {
			t.Errorf("mode %s, want double", c.Mode())
		}
	})
}

// chooseHTTP1 answers a TLS 1.2 handshake with a ServerHello that chooses
// http/1.1, whatever was offered.
func chooseHTTP1(conn net.Conn) {
	defer conn.Close()
	conn.Read(make([]byte, 4096))
	extensions := []byte("\x00\x10\x00\x0b\x00\x09\x08http/1.1")
	hello := append([]byte{3, 3}, make([]byte, 32)...) // version, random
	hello = append(hello, 0, 0xc0, 0x2b, 0)            // no session id, ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, no compression
	hello = append(hello, 0, byte(len(extensions)))    // their length
	hello = append(hello, extensions...)               // ALPN
	message := append([]byte{2, 0, 0, byte(len(hello))}, hello...)
	conn.Write(append([]byte{22, 3, 3, 0, byte(len(message))}, message...))
	io.Copy(io.Discard, conn)
}

// A rawServer does to HTTP/2 connections what net/http's server never would, and
// hands the others to a faked owner.
type rawServer struct {
	*faked
	t     *testing.T
	do    func(*rawH2)
	posts int
}

// A rawH2 is a connection on which a request has arrived.
type rawH2 struct {
	n       int // of the request, from 1
	conn    *memhttp.Conn
	framer  *http2.Framer
	stream  uint32
	forward func() // hands the connection to the owner, from its first byte
}

func (c *rawH2) settings() { c.framer.WriteSettings() }

func (s *rawServer) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	a, b := memhttp.Pipe()
	s.t.Cleanup(func() { a.Close(); b.Close() })
	go s.serve(b)
	return a, nil
}

func (s *rawServer) serve(conn *memhttp.Conn) {
	defer conn.Close()
	var seen bytes.Buffer
	in := bufio.NewReader(io.TeeReader(conn, &seen))
	begin, err := in.Peek(len(http2.ClientPreface))
	forward := func() {
		there, err := s.DialContext(context.Background(), "tcp", "memhttp.test:80")
		if err != nil {
			return
		}
		defer there.Close()
		there.Write(seen.Bytes())
		go func() { io.Copy(there, conn); there.Close() }()
		io.Copy(conn, there)
	}
	if err != nil || string(begin) != http2.ClientPreface {
		forward()
		return
	}
	in.Discard(len(begin))
	c := &rawH2{conn: conn, framer: http2.NewFramer(conn, in), forward: forward}
	c.framer.AllowIllegalWrites = true
	for {
		frame, err := c.framer.ReadFrame()
		if err != nil {
			return
		}
		if headers, ok := frame.(*http2.HeadersFrame); ok {
			s.posts++
			c.n, c.stream = s.posts, headers.StreamID
			s.do(c)
		}
	}
}

// logged keeps what is logged.
type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *logged) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

func (l *logged) count(text string) int { return strings.Count(l.String(), text) }

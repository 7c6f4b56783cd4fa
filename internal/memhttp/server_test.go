// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package memhttp_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sessionbridge/session/internal/memhttp"
)

// proto answers with the protocol of the request.
var proto = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Proto) })

func TestProtocols(t *testing.T) {
	http1Only := func(s *http.Server) {
		s.Protocols = new(http.Protocols)
		s.Protocols.SetHTTP1(true)
	}
	for _, c := range []struct {
		name      string
		client    memhttp.Protocol
		tls       bool
		configure func(*http.Server)
		want      string
	}{
		{"HTTP/1 without TLS", memhttp.HTTP1, false, nil, "HTTP/1.1"},
		{"HTTP/2 without TLS", memhttp.H2C, false, nil, "HTTP/2.0"},
		{"HTTP/1 with TLS", memhttp.HTTP1, true, nil, "HTTP/1.1"},
		{"HTTP/2 by ALPN", memhttp.TLS, true, nil, "HTTP/2.0"},
		{"HTTP/1 by ALPN", memhttp.TLS, true, http1Only, "HTTP/1.1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if c.configure == nil {
					c.configure = func(*http.Server) {}
				}
				server := memhttp.New(t, proto, c.configure)
				url := server.URL()
				if c.tls {
					url = server.TLSURL()
				}
				if got := get(t, server.Client(c.client), url); got != c.want {
					t.Errorf("got %s, want %s", got, c.want)
				}
			})
		})
	}
}

func TestKeepAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := memhttp.New(t, proto)
		client := server.Client(memhttp.HTTP1)
		for range 3 {
			get(t, client, server.URL())
		}
		if got := len(server.Conns()); got != 1 {
			t.Errorf("%d connections for three requests, want 1", got)
		}
		get(t, server.Client(memhttp.HTTP1), server.URL())
		if got := len(server.Conns()); got != 2 {
			t.Errorf("%d connections of two clients, want 2", got)
		}
	})
}

// echo sends back each line as soon as it has it.
var echo = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	c := http.NewResponseController(w)
	c.Flush()
	lines := bufio.NewScanner(r.Body)
	for lines.Scan() {
		fmt.Fprintln(w, lines.Text())
		c.Flush()
	}
})

func TestDuplexPostOverAPause(t *testing.T) {
	for _, tls := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			server := memhttp.New(t, echo)
			client, url := server.Client(memhttp.H2C), server.URL()
			if tls {
				client, url = server.Client(memhttp.TLS), server.TLSURL()
			}
			send, answers := post(t, client, url)
			start := time.Now()
			for _, want := range []string{"before\n", "after\n"} {
				io.WriteString(send, want)
				if got, err := answers.ReadString('\n'); got != want || err != nil {
					t.Errorf("got %q, %v, want %q", got, err, want)
				}
				time.Sleep(20 * time.Minute)
			}
			send.Close()
			if _, err := answers.ReadByte(); err != io.EOF {
				t.Errorf("after the end of the request: got %v, want EOF", err)
			}
			if d := time.Since(start); d != 40*time.Minute {
				t.Errorf("took %v, want 40m", d)
			}
		})
	}
}

func TestResetCancelsTheRequest(t *testing.T) {
	for _, p := range []memhttp.Protocol{memhttp.HTTP1, memhttp.H2C} {
		synctest.Test(t, func(t *testing.T) {
			gone := make(chan error, 1)
			server := memhttp.New(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				<-r.Context().Done()
				gone <- r.Context().Err()
			}))
			time.AfterFunc(time.Minute, func() { server.Conns()[0].Reset() })
			if res, err := server.Client(p).Get(server.URL()); err == nil {
				res.Body.Close()
				t.Error("a request succeeded on a broken connection")
			}
			if err := <-gone; !errors.Is(err, context.Canceled) {
				t.Errorf("the handler's context: %v", err)
			}
		})
	}
}

func TestSilentPeer(t *testing.T) {
	for _, p := range []memhttp.Protocol{memhttp.HTTP1, memhttp.H2C} {
		synctest.Test(t, func(t *testing.T) {
			server := memhttp.New(t, proto)
			client := server.Client(p)
			get(t, client, server.URL())
			server.Conns()[0].Silence()
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			defer cancel()
			req, err := http.NewRequestWithContext(ctx, "GET", server.URL(), nil)
			if err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			_, err = client.Do(req)
			if d := time.Since(start); !errors.Is(err, context.DeadlineExceeded) || d != time.Hour {
				t.Errorf("got %v after %v, want a timeout after 1h", err, d)
			}
		})
	}
}

func TestClientThatReadsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wrote := make(chan error, 1)
		server := memhttp.New(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.NewResponseController(w).SetWriteDeadline(time.Now().Add(time.Minute))
			_, err := w.Write(make([]byte, 2*memhttp.Capacity))
			wrote <- err
		}))
		conn, err := server.Dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		write(t, conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		if err := <-wrote; err == nil {
			t.Error("the handler wrote more than the connection holds")
		}
	})
}

func TestStopEndsHandlers(t *testing.T) {
	for _, p := range []memhttp.Protocol{memhttp.HTTP1, memhttp.H2C} {
		ended := false
		t.Run("held", func(t *testing.T) {
			server := memhttp.New(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				http.NewResponseController(w).Flush()
				<-r.Context().Done()
				time.Sleep(10 * time.Millisecond)
				ended = true
			}))
			res, err := server.Client(p).Get(server.URL())
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
		})
		if !ended {
			t.Errorf("the test ended before its handler")
		}
	}
}

func TestStopReportsAHandlerThatStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{TB: t}
		server := memhttp.New(r, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { time.Sleep(time.Hour) }))
		conn, err := server.Dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		write(t, conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		synctest.Wait()
		r.end()
		if !strings.Contains(r.failure, "handler runs on") {
			t.Errorf("got %q, want a complaint of the handler", r.failure)
		}
		for range 10 {
			if _, err := server.Dial(t.Context()); !errors.Is(err, syscall.ECONNREFUSED) {
				t.Errorf("dial of a stopped server: got %v, want ECONNREFUSED", err)
			}
		}
		if got := len(server.Conns()); got != 1 {
			t.Errorf("%d connections, want the 1 that was made", got)
		}
		time.Sleep(time.Hour) // the bubble waits for the handler too
	})
}

func TestStopAwaitsConnections(t *testing.T) {
	for _, p := range []memhttp.Protocol{memhttp.HTTP1, memhttp.H2C} {
		var closed atomic.Bool
		t.Run("idle", func(t *testing.T) {
			server := memhttp.New(t, proto, func(s *http.Server) {
				s.ConnState = func(_ net.Conn, state http.ConnState) {
					if state == http.StateClosed {
						time.Sleep(10 * time.Millisecond)
						closed.Store(true)
					}
				}
			})
			get(t, server.Client(p), server.URL())
		})
		if !closed.Load() {
			t.Error("the test ended before the server's end of its connection")
		}
	}
}

func TestServerLogsToTheTest(t *testing.T) {
	r := &recorder{TB: t}
	var log *log.Logger
	memhttp.New(r, proto, func(s *http.Server) { log = s.ErrorLog })
	log.Print("in time")
	r.end()
	log.Print("too late")
	if !strings.Contains(r.logged, "in time") || strings.Contains(r.logged, "too late") {
		t.Errorf("logged %q, want what came in time", r.logged)
	}
}

// A recorder is a test that a test ends.
type recorder struct {
	testing.TB
	cleanups        []func()
	failure, logged string
}

func (r *recorder) Logf(format string, args ...any) { r.logged += fmt.Sprintf(format, args...) }

func (r *recorder) Cleanup(f func()) { r.cleanups = append(r.cleanups, f) }

func (r *recorder) Errorf(format string, args ...any) { r.failure += fmt.Sprintf(format, args...) }

func (r *recorder) end() {
	for _, f := range r.cleanups {
		f()
	}
}

func get(t *testing.T, c *http.Client, url string) string {
	t.Helper()
	res, err := c.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// post opens a POST whose body is written while its answer is read.
func post(t *testing.T, c *http.Client, url string) (io.WriteCloser, *bufio.Reader) {
	t.Helper()
	body, send := io.Pipe()
	res, err := c.Post(url, "text/plain", body)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	return send, bufio.NewReader(res.Body)
}

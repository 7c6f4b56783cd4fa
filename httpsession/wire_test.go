// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package httpsession_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/httpsession"
)

// A tapped listener tells when a byte of a response is about to leave.
type tapped struct {
	net.Listener
	leaving func()
}

func (l tapped) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	return &tappedConn{Conn: conn, leaving: l.leaving}, err
}

// A tappedConn looks at what the server writes: over HTTP/1 all of it is of a
// response, over HTTP/2 the frames of type DATA, HEADERS and PUSH_PROMISE.
type tappedConn struct {
	net.Conn
	leaving func()

	mu    sync.Mutex
	http2 bool
	seen  bool   // whether http2 is known
	head  []byte // of the frame that is being written
	skip  int    // what is left of its payload
}

func (c *tappedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.mu.Lock()
	defer c.mu.Unlock()
	if n > 0 && !c.seen {
		c.seen, c.http2 = true, n >= 3 && string(p[:3]) == "PRI"
	}
	return n, err
}

func (c *tappedConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	if !c.http2 || c.hasResponse(p) {
		c.leaving()
	}
	c.mu.Unlock()
	return c.Conn.Write(p)
}

// hasResponse reports whether a frame of a response begins in p. c.mu is held.
func (c *tappedConn) hasResponse(p []byte) (found bool) {
	for len(p) > 0 {
		if c.skip > 0 {
			n := min(c.skip, len(p))
			p, c.skip = p[n:], c.skip-n
			continue
		}
		c.head, p = append(c.head, p[0]), p[1:]
		if len(c.head) == 9 {
			kind := c.head[3]
			found = found || kind == 0 || kind == 1 || kind == 5
			c.skip = int(binary.BigEndian.Uint32(c.head[:4]) >> 8)
			c.head = c.head[:0]
		}
	}
	return found
}

// mebibytes writes a page of so many of them.
func mebibytes(w io.Writer, n int) error {
	page := make([]byte, 1<<20)
	for range n {
		if _, err := w.Write(page); err != nil {
			return err
		}
	}
	return nil
}

// TestOnTheWireTheCommitComesFirst runs handlers on a real server over TCP, and
// looks at the bytes.
func TestOnTheWireTheCommitComesFirst(t *testing.T) {
	type handler = func(w http.ResponseWriter, r *http.Request)
	for _, test := range []struct {
		name              string
		http1             bool // HTTP/1 only
		handler           handler
		commits, releases int
		size              int64 // of the body; -1: the browser gets none, -2: it leaves half way
	}{
		{"never writes", false, func(http.ResponseWriter, *http.Request) {}, 1, 0, 0},
		{"writes 10 MiB", false, func(w http.ResponseWriter, _ *http.Request) { must(t, mebibytes(w, 10)) }, 1, 0, 10 << 20},
		{"sends 10 MiB by io.Copy", false, func(w http.ResponseWriter, _ *http.Request) {
			_, err := io.Copy(w, io.LimitReader(zeros{}, 10<<20))
			must(t, err)
		}, 1, 0, 10 << 20},
		{"browser leaves half way", false, func(w http.ResponseWriter, r *http.Request) {
			if mebibytes(w, 100) == nil {
				t.Error("100 MiB were sent to a browser that has left")
			}
			<-r.Context().Done()
		}, 1, 0, -2},
		{"panics", false, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, 0, 1, -1},
		{"panics after the commit", false, func(_ http.ResponseWriter, r *http.Request) {
			must(t, httpsession.Commit(r.Context()))
			panic(http.ErrAbortHandler)
		}, 1, 0, -1},
		{"panics half way", false, func(w http.ResponseWriter, _ *http.Request) {
			must(t, mebibytes(w, 5))
			panic(http.ErrAbortHandler)
		}, 1, 0, -1},
		{"fails", false, func(w http.ResponseWriter, r *http.Request) {
			httpsession.Error(w, r, errors.New("half done"))
		}, 0, 1, 44},
		{"hints, then writes", false, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusEarlyHints)
			io.WriteString(w, "page")
		}, 1, 0, 4},
		{"hijacks", true, func(w http.ResponseWriter, _ *http.Request) {
			conn, b, err := w.(http.Hijacker).Hijack()
			must(t, err)
			defer conn.Close()
			b.WriteString("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npage")
			must(t, b.Flush())
		}, 1, 0, 4},
	} {
		for _, version := range []int{1, 2} {
			if version == 2 && test.http1 {
				continue
			}
			t.Run(test.name+map[int]string{1: "/HTTP1", 2: "/HTTP2"}[version], func(t *testing.T) {
				p := &probe{Source: newManager(t, session.ManagerOptions{})}
				done := make(chan struct{})
				page := wrap(t, p, httpsession.Options{ErrorFunc: func(w http.ResponseWriter, _ *http.Request, _ error) {
					http.Error(w, "Your session can't be used at the moment...", 500)
				}}, func(w http.ResponseWriter, r *http.Request) {
					addVisit(t, r)
					test.handler(w, r)
				})
				url := serveTapped(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					defer close(done)
					page.ServeHTTP(w, r)
				}), func() {
					if !p.hasEnded() {
						t.Error("a byte of the response leaves, and the session has not ended")
					}
				})
				visit(t, url, version, test.size)
				<-done
				p.want(t, 1, test.commits, test.releases)
				if got := storedVisits(t, p.Source); got != test.commits {
					t.Errorf("stored %d, want %d", got, test.commits)
				}
			})
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

func (p *probe) hasEnded() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.commits+p.releases > 0
}

// serveTapped serves a handler over TCP and returns its URL.
func serveTapped(t *testing.T, h http.Handler, leaving func()) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: h, Protocols: new(http.Protocols)}
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetUnencryptedHTTP2(true)
	var serving sync.WaitGroup
	serving.Go(func() { server.Serve(tapped{listener, leaving}) })
	t.Cleanup(func() {
		server.Close()
		serving.Wait()
	})
	return "http://" + listener.Addr().String()
}

// visit gets a page and checks how much of it came.
func visit(t *testing.T, url string, version int, want int64) {
	t.Helper()
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetHTTP1(version == 1)
	transport.Protocols.SetUnencryptedHTTP2(version == 2)
	defer transport.CloseIdleConnections()
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	res, err := transport.RoundTrip(newRequest(t, "POST", url).WithContext(ctx))
	if err != nil {
		if want != -1 {
			t.Error(err)
		}
		return
	}
	defer res.Body.Close()
	if res.ProtoMajor != version {
		t.Errorf("got %s, want HTTP/%d", res.Proto, version)
	}
	if want == -2 {
		_, err := io.CopyN(io.Discard, res.Body, 1<<20)
		must(t, err)
		return // the deferred calls leave
	}
	n, err := io.Copy(io.Discard, res.Body)
	if want == -1 && err == nil || want >= 0 && n != want {
		t.Errorf("got %d bytes, %v, want %d", n, err, want)
	}
}

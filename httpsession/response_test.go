// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package httpsession_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/httpsession"
	"github.com/sessionbridge/session/internal/memhttp"
)

// onlyReader hides all but Read.
type onlyReader struct{ io.Reader }

// onlyWriter is what a middleware between ours and the handler makes of a
// ResponseWriter.
type onlyWriter struct{ http.ResponseWriter }

func (w onlyWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// ways are all that can make the first byte of a response leave.
var ways = []struct {
	name  string
	http1 bool // HTTP/1 only
	write func(w http.ResponseWriter, r *http.Request) error
}{
	{"return without a write", false, func(http.ResponseWriter, *http.Request) error { return nil }},
	{"Write", false, func(w http.ResponseWriter, _ *http.Request) error {
		_, err := w.Write(bytes.Repeat([]byte("page"), 10_000))
		return err
	}},
	{"WriteString", false, func(w http.ResponseWriter, _ *http.Request) error {
		_, err := io.WriteString(w, strings.Repeat("page", 10_000))
		return err
	}},
	{"Write of nothing and Flush", false, func(w http.ResponseWriter, _ *http.Request) error {
		_, err := w.Write(nil)
		return errors.Join(err, http.NewResponseController(w).Flush())
	}},
	{"ReadFrom a reader", false, func(w http.ResponseWriter, _ *http.Request) error {
		_, err := w.(io.ReaderFrom).ReadFrom(onlyReader{strings.NewReader(strings.Repeat("page", 10_000))})
		return err
	}},
	{"io.Copy of a reader", false, func(w http.ResponseWriter, _ *http.Request) error {
		_, err := io.Copy(w, onlyReader{strings.NewReader(strings.Repeat("page", 10_000))})
		return err
	}},
	{"WriteHeader", false, func(w http.ResponseWriter, _ *http.Request) error {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}},
	{"http.Error", false, func(w http.ResponseWriter, _ *http.Request) error {
		http.Error(w, "not found", http.StatusNotFound)
		return nil
	}},
	{"http.Redirect", false, func(w http.ResponseWriter, r *http.Request) error {
		http.Redirect(w, r, "/next", http.StatusSeeOther)
		return nil
	}},
	{"http.ServeContent", false, func(w http.ResponseWriter, r *http.Request) error {
		http.ServeContent(w, r, "page.txt", time.Time{}, strings.NewReader("page"))
		return nil
	}},
	{"103 Early Hints", false, func(w http.ResponseWriter, _ *http.Request) error {
		w.Header().Set("Link", "</style.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		return nil
	}},
	{"Flusher", false, func(w http.ResponseWriter, _ *http.Request) error {
		w.(http.Flusher).Flush()
		return nil
	}},
	{"ResponseController.Flush", false, func(w http.ResponseWriter, _ *http.Request) error {
		return http.NewResponseController(w).Flush()
	}},
	{"ResponseController.Flush through another middleware", false, func(w http.ResponseWriter, _ *http.Request) error {
		return http.NewResponseController(onlyWriter{w}).Flush()
	}},
	{"trailers", false, func(w http.ResponseWriter, _ *http.Request) error {
		w.Header().Set("Trailer", "Sum")
		_, err := io.WriteString(w, "page")
		w.Header().Set("Sum", "1")
		return err
	}},
	{"Hijacker", true, func(w http.ResponseWriter, _ *http.Request) error { return answer(w.(http.Hijacker).Hijack()) }},
	{"ResponseController.Hijack", true, func(w http.ResponseWriter, _ *http.Request) error {
		return answer(http.NewResponseController(onlyWriter{w}).Hijack())
	}},
}

// answer writes a response by hand.
func answer(conn net.Conn, b *bufio.ReadWriter, err error) error {
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = b.WriteString("HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\npage")
	return errors.Join(err, b.Flush())
}

// eachWay runs a test in a bubble for each way and protocol.
func eachWay(t *testing.T, test func(t *testing.T, p memhttp.Protocol, url func(*memhttp.Server) string, write func(http.ResponseWriter, *http.Request) error)) {
	for _, proto := range protocols {
		for _, way := range ways {
			if way.http1 && proto.p != memhttp.HTTP1 {
				continue
			}
			t.Run(proto.name+"/"+way.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { test(t, proto.p, proto.url, way.write) })
			})
		}
	}
}

// watch calls seen when the client gets its first byte.
func watch(r *http.Request, seen func()) *http.Request {
	return r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{
		GotFirstResponseByte: seen,
		Got1xxResponse: func(int, textproto.MIMEHeader) error {
			seen()
			return nil
		},
	}))
}

func TestCommitComesBeforeTheFirstByte(t *testing.T) {
	eachWay(t, func(t *testing.T, proto memhttp.Protocol, url func(*memhttp.Server) string, write func(http.ResponseWriter, *http.Request) error) {
		p := &probe{Source: newManager(t, session.ManagerOptions{}), commitWait: time.Minute}
		server := memhttp.New(t, wrap(t, p, httpsession.Options{}, func(w http.ResponseWriter, r *http.Request) {
			addVisit(t, r)
			must(t, write(w, r))
			time.Sleep(time.Second) // the first byte must not have to wait for the return
		}))
		client, seen := server.Client(proto), 0
		client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		res, got := do(t, client, watch(newRequest(t, "GET", url(server)), func() {
			seen++
			if !p.hasCommitted() {
				t.Error("the client has a byte of the response, and the session is not committed")
			}
		}))
		if seen == 0 || res.StatusCode >= 500 || strings.Contains(got, "session") {
			t.Errorf("got %s, %q after %d first bytes", res.Status, got, seen)
		}
		p.want(t, 1, 1, 0)
		if got := storedVisits(t, p.Source); got != 1 {
			t.Errorf("stored %d, want 1", got)
		}
	})
}

func TestFailedCommitReplacesThePage(t *testing.T) {
	lost := fmt.Errorf("commit: %w", session.ErrLockLost)
	eachWay(t, func(t *testing.T, proto memhttp.Protocol, url func(*memhttp.Server) string, write func(http.ResponseWriter, *http.Request) error) {
		p := &probe{Source: newManager(t, session.ManagerOptions{}), commitErr: lost}
		sessions, err := httpsession.Middleware(p, httpsession.Options{Logger: testLog(t)})
		must(t, err)
		page := sessions(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			addVisit(t, r)
			early := w.Header()
			early.Set("Content-Length", "40000")
			early.Set("Content-Encoding", "page")
			early.Set("Set-Cookie", "page=1")
			early.Set("Outer", "page")
			_ = write(w, r)
			for _, h := range []http.Header{early, w.Header()} {
				h.Set(http.TrailerPrefix+"Sum", "page")
			}
			w.WriteHeader(http.StatusOK)
			if n, err := io.WriteString(w, "page"); n != 0 || !errors.Is(err, session.ErrLockLost) {
				// The way that returns without a write has no failure yet: this is its write.
				t.Errorf("a later write: %d, %v, want the commit's error", n, err)
			}
			if err := http.NewResponseController(w).Flush(); !errors.Is(err, session.ErrLockLost) {
				t.Errorf("a later flush: %v, want the commit's error", err)
			}
			if _, _, err := http.NewResponseController(w).Hijack(); !errors.Is(err, session.ErrLockLost) {
				t.Errorf("a later hijack: %v, want the commit's error", err)
			}
		}))
		server := memhttp.New(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Outer", "outer")
			page.ServeHTTP(w, r)
		}))
		res, got := do(t, server.Client(proto), newRequest(t, "GET", url(server)))
		if res.StatusCode != http.StatusServiceUnavailable || got != "Your session is not available. Please try again in a moment.\n" {
			t.Errorf("got %s, %q, want the page of a failed commit", res.Status, got)
		}
		if h := res.Header; h.Get("Outer") != "outer" || h.Get("Retry-After") == "" || h.Get("Cache-Control") != "no-store" {
			t.Errorf("headers %v, want those of outside, Retry-After and no-store", h)
		}
		if all := fmt.Sprint(res.Header, res.Trailer); strings.Contains(all, "page") {
			t.Errorf("headers %s have something of the page", all)
		}
		p.want(t, 1, 1, 0)
	})
}

func TestCommitThatFailsWhenTheHandlerHasReturned(t *testing.T) {
	p := &probe{Source: newManager(t, session.ManagerOptions{}), commitErr: errors.New("disk on fire")}
	var log bytes.Buffer
	res := serve(wrap(t, p, httpsession.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))}, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "/page")
		addVisit(t, r)
	}), newRequest(t, "GET", "/"))
	if got := body(t, res); res.StatusCode != 500 || strings.Contains(got, "fire") || res.Header.Get("Location") != "" {
		t.Errorf("got %s, %q, %v, want a 500 that does not tell why", res.Status, got, res.Header)
	}
	if got := log.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "disk on fire") {
		t.Errorf("logged %q, want the error once", got)
	}
}

// TestFailedCommitInsideATimeoutHandler: that one looks at the headers when the
// handler has returned.
func TestFailedCommitInsideATimeoutHandler(t *testing.T) {
	p := &probe{Source: newManager(t, session.ManagerOptions{}), commitErr: session.ErrLockLost}
	h := wrap(t, p, httpsession.Options{}, func(w http.ResponseWriter, r *http.Request) {
		addVisit(t, r)
		io.WriteString(w, "page")
		w.Header().Set("Location", "/page")
	})
	res := serve(http.TimeoutHandler(h, time.Hour, ""), newRequest(t, "GET", "/"))
	if res.StatusCode != 503 || res.Header.Get("Location") != "" || res.Header.Get("Retry-After") == "" {
		t.Errorf("got %s, %v, want a 503 with its own headers", res.Status, res.Header)
	}
}

func TestReadFromSendsFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "page.txt")
	must(t, os.WriteFile(path, []byte("page"), 0o600))
	w := &fileWriter{ResponseRecorder: httptest.NewRecorder()}
	wrap(t, newManager(t, session.ManagerOptions{}), httpsession.Options{}, func(w http.ResponseWriter, r *http.Request) {
		http.ServeFile(w, r, path)
	}).ServeHTTP(w, newRequest(t, "GET", "/"))
	if w.readFroms == 0 || w.Body.String() != "page" {
		t.Errorf("got %q by %d ReadFroms, want the page by one", w.Body, w.readFroms)
	}
}

type fileWriter struct {
	*httptest.ResponseRecorder
	readFroms int
}

func (w *fileWriter) ReadFrom(src io.Reader) (int64, error) {
	w.readFroms++
	return io.Copy(struct{ io.Writer }{w.ResponseRecorder}, src)
}

// pusher is a ResponseWriter that can push; no client of net/http wants it.
type pusher struct {
	*httptest.ResponseRecorder
	push func(target string)
}

func (p *pusher) Push(target string, _ *http.PushOptions) error {
	p.push(target)
	return nil
}

func TestCommitComesBeforeAPush(t *testing.T) {
	p := &probe{Source: newManager(t, session.ManagerOptions{})}
	pushed := ""
	w := &pusher{httptest.NewRecorder(), func(target string) {
		pushed = target
		if !p.hasCommitted() {
			t.Error("pushed before the commit")
		}
	}}
	push := wrap(t, p, httpsession.Options{}, func(w http.ResponseWriter, r *http.Request) {
		addVisit(t, r)
		must(t, w.(http.Pusher).Push("/style.css", nil))
	})
	push.ServeHTTP(w, newRequest(t, "GET", "/"))
	if pushed != "/style.css" {
		t.Errorf("pushed %q", pushed)
	}
	serve(wrap(t, p, httpsession.Options{}, func(w http.ResponseWriter, _ *http.Request) {
		if err := w.(http.Pusher).Push("/", nil); !errors.Is(err, http.ErrNotSupported) {
			t.Errorf("push where none is possible: got %v, want ErrNotSupported", err)
		}
	}), newRequest(t, "GET", "/"))
}

// TestResponseControllerReachesTheServer uses what sends nothing, so commits
// nothing.
func TestResponseControllerReachesTheServer(t *testing.T) {
	for _, proto := range protocols {
		t.Run(proto.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &probe{Source: newManager(t, session.ManagerOptions{})}
				server := memhttp.New(t, wrap(t, p, httpsession.Options{}, func(w http.ResponseWriter, r *http.Request) {
					addVisit(t, r)
					c := http.NewResponseController(w)
					must(t, c.EnableFullDuplex())
					must(t, c.SetReadDeadline(time.Now().Add(time.Hour)))
					must(t, c.SetWriteDeadline(time.Now().Add(time.Second)))
					if p.hasCommitted() {
						t.Error("committed before anything left")
					}
					addVisit(t, r)
					time.Sleep(2 * time.Second)
					io.WriteString(w, "too late for the deadline")
				}))
				if res, err := server.Client(proto.p).Do(newRequest(t, "GET", proto.url(server))); err == nil {
					t.Errorf("got %s, want the write deadline to break it off", res.Status)
				}
				time.Sleep(time.Minute) // until the handler has returned
				if got := storedVisits(t, p.Source); got != 2 {
					t.Errorf("stored %d, want 2", got)
				}
			})
		})
	}
}

func TestUnsupportedFlushAndHijackSaySo(t *testing.T) {
	h := wrap(t, newManager(t, session.ManagerOptions{}), httpsession.Options{}, func(w http.ResponseWriter, _ *http.Request) {
		w.(http.Flusher).Flush() // does nothing
		if err := http.NewResponseController(w).Flush(); !errors.Is(err, http.ErrNotSupported) {
			t.Errorf("flush: got %v, want ErrNotSupported", err)
		}
		if _, _, err := w.(http.Hijacker).Hijack(); !errors.Is(err, http.ErrNotSupported) {
			t.Errorf("hijack: got %v, want ErrNotSupported", err)
		}
	})
	h.ServeHTTP(struct{ http.ResponseWriter }{httptest.NewRecorder()}, newRequest(t, "GET", "/"))
}

func TestChangeAfterTheFirstByteIsAnErrorAtTheCall(t *testing.T) {
	p := &probe{Source: newManager(t, session.ManagerOptions{})}
	serve(wrap(t, p, httpsession.Options{}, func(w http.ResponseWriter, r *http.Request) {
		addVisit(t, r)
		io.WriteString(w, "page")
		s, err := session.FromContext(r.Context())
		must(t, err)
		for name, change := range map[string]func() error{
			"Set":        func() error { return visits.Set(s, 9) },
			"Delete":     func() error { return visits.Delete(s) },
			"SetRaw":     func() error { return s.SetRaw("visits", []byte("9")) },
			"Clear":      s.Clear,
			"Abandon":    s.Abandon,
			"SetTimeout": func() error { return s.SetTimeout(time.Hour) },
		} {
			if err := change(); !errors.Is(err, httpsession.ErrTooLate) {
				t.Errorf("%s: got %v, want ErrTooLate", name, err)
			}
		}
		if n, err := visits.Get(s); n != 1 || err != nil {
			t.Errorf("reading: %d, %v, want 1", n, err)
		}
	}), newRequest(t, "GET", "/"))
	p.want(t, 1, 1, 0)
}

func TestFirstUseAfterTheFirstByte(t *testing.T) {
	p := &probe{Source: newManager(t, session.ManagerOptions{})}
	late := func(want error) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "page")
			if _, err := session.FromContext(r.Context()); !errors.Is(err, want) {
				t.Errorf("got %v, want %v", err, want)
			}
		}
	}
	serve(wrap(t, p, httpsession.Options{}, late(httpsession.ErrTooLate)), newRequest(t, "GET", "/"))
	p.want(t, 0, 0, 0)
	serve(wrap(t, p, httpsession.Options{ReadOnlyGET: true}, late(nil)), newRequest(t, "GET", "/"))
	p.want(t, 1, 0, 1)
}

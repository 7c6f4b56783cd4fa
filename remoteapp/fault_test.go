// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package remoteapp_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/internal/memhttp"
	"github.com/sessionbridge/session/memstore"
	"github.com/sessionbridge/session/remoteapp"
)

func TestPutThatTakesItsTimeCommits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, setup{})
		client := s.Client(memhttp.HTTP1)
		h := s.hold(call{id: testID, client: client})
		reader, writer := io.Pipe()
		go func() {
			body := update(testID, "n", "1")
			writer.Write(body[:5])
			time.Sleep(50 * time.Second)
			writer.Write(body[5:])
			writer.Close()
		}()
		if res, body := s.do(call{method: "PUT", id: testID, client: client, body: reader}); res.StatusCode != http.StatusOK {
			t.Errorf("PUT: %s: %s", res.Status, body)
		}
		h.end()
	})
}

// A hungStore does not answer some calls, until they are given up.
type hungStore struct {
	session.Store
	unlock atomic.Bool
}

func (h *hungStore) Unlock(ctx context.Context, id string, token uint64, o session.UnlockOptions) error {
	if h.unlock.Load() {
		<-ctx.Done()
		return ctx.Err()
	}
	return h.Store.Unlock(ctx, id, token, o)
}

func TestReleaseDoesNotWaitForAStoreThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory, err := memstore.New(memstore.Options{})
		must(t, err)
		store := &hungStore{Store: memory}
		s := serve(t, setup{store: store})
		store.unlock.Store(true)
		h := s.hold(call{id: testID, client: s.Client(memhttp.HTTP1)})
		h.cancel()
		time.Sleep(time.Minute)
		if got := s.outcomes(); got != "get released" {
			t.Errorf("after a minute the outcomes are %q", got)
		}
	})
}

func TestHeldGetEndsThoughTheStoreFailedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory, err := memstore.New(memstore.Options{})
		must(t, err)
		store := &brokenStore{Store: memory}
		s := serve(t, setup{store: store})
		client := s.Client(memhttp.HTTP1)
		h := s.hold(call{id: testID, client: client})
		gets := 0
		store.get = func() error {
			if gets++; gets == 2 { // the first one is that of the PUT
				return errBroken
			}
			return nil
		}
		h.put(update(testID, "n", "1"))
		start := time.Now()
		h.end()
		since(t, start, time.Second)
	})
}

func TestCancelledServerIsNoSuccess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base, cancel := context.WithCancel(context.Background())
		s := serve(t, setup{configure: func(s *http.Server) {
			remoteapp.PrepareServer(s)
			s.BaseContext = func(net.Listener) context.Context { return base }
		}})
		cancel()
		res, body := s.do(call{method: "GET", id: testID, readOnly: true, client: s.Client(memhttp.HTTP1)})
		wantProblem(t, res, body, 503, "store-failed", "Service Unavailable")
	})
}

func TestGetWithABodyIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, setup{})
		in := s.raw("GET / HTTP/1.1\r\n" + rawHeaders + "Content-Length: 5\r\n\r\n") // and no body, ever
		res, err := http.ReadResponse(in, nil)
		must(t, err)
		body, err := io.ReadAll(res.Body)
		must(t, err)
		wantProblem(t, res, body, 400, "body-in-get", "Bad Request")
		s.nothingHeld()
	})
}

func TestStrangerWhoSendsNoBodyIsCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, setup{})
		in := s.raw("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n") // and no body, ever
		start := time.Now()
		res, err := http.ReadResponse(in, nil)
		must(t, err)
		body, err := io.ReadAll(res.Body)
		must(t, err)
		since(t, start, 0)
		wantProblem(t, res, body, 401, "unauthorized", "Unauthorized")
		if rest, err := io.ReadAll(in); len(rest) != 0 || err != nil {
			t.Errorf("after the answer %q, %v, want the end of the connection", rest, err)
		}
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("the connection was closed after %s", took)
		}
	})
}

// shutdownTakes fails unless a Shutdown with 10 s of grace takes as long as told.
func (s *server) shutdownTakes(want time.Duration) {
	s.t.Helper()
	ctx, cancel := contextWithTimeout(s.t, 10*time.Second)
	defer cancel()
	start := time.Now()
	s.handler.Shutdown(ctx)
	since(s.t, start, want)
}

func TestShutdownIsNotDelayedByPeers(t *testing.T) {
	t.Run("one that does not read", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := serve(t, setup{})
			client := s.Client(memhttp.HTTP1)
			var large []string
			for _, key := range []string{"a", "b", "c"} { // more than a connection buffers
				large = append(large, key, `"`+strings.Repeat("a", 1<<19)+`"`)
			}
			s.hold(call{id: testID, client: client}).put(update(testID, large...))
			s.raw("GET / HTTP/1.1\r\n" + rawHeaders + readOnlyHeader + ": True\r\n\r\n")
			s.raw("GET / HTTP/1.1\r\n" + rawHeaders + "\r\n")
			synctest.Wait()
			s.shutdownTakes(10 * time.Second)
			s.nothingHeld()
		})
	})
	t.Run("one that does not send its body", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := serve(t, setup{})
			client := s.Client(memhttp.HTTP1)
			h := s.hold(call{id: testID, client: client})
			reader, writer := io.Pipe()
			defer writer.Close()
			status := make(chan int, 1)
			go func() {
				res := s.send(call{method: "PUT", id: testID, client: client, body: reader})
				status <- res.StatusCode
			}()
			synctest.Wait()
			s.shutdownTakes(10 * time.Second)
			h.end()
			s.nothingHeld()
			if got := <-status; got != http.StatusServiceUnavailable {
				t.Errorf("the PUT got %d, want 503", got)
			}
		})
	})
	t.Run("one whose hold is lost", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := serve(t, setup{})
			client := s.Client(memhttp.H2C)
			s.post(call{id: testID, client: client}) // of a page that threw
			s.post(call{id: testID, client: client}).commit(update(testID, "n", "1"))
			synctest.Wait()
			if got := s.manager.Stats().Holds; got != 0 {
				t.Errorf("%d holds, want none: the one that is open was taken away", got)
			}
			s.shutdownTakes(10 * time.Second) // it might be a page that takes long
		})
	})
	t.Run("readers", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			memory, err := memstore.New(memstore.Options{})
			must(t, err)
			slow := &brokenStore{Store: memory, get: func() error { time.Sleep(10 * time.Second); return nil }}
			s := serve(t, setup{store: slow})
			client, request := s.Client(memhttp.HTTP1), s.request(t.Context(), call{method: "GET", id: testID, readOnly: true})
			status := make(chan string, 1)
			go func() {
				res, err := client.Do(request)
				if err != nil {
					status <- err.Error()
					return
				}
				res.Body.Close()
				status <- res.Status
			}()
			time.Sleep(time.Second)
			s.shutdownTakes(9 * time.Second)
			if got := <-status; got != "200 OK" {
				t.Errorf("the reader got %s", got)
			}
		})
	})
}

func TestNothingIsServedAfterShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory, err := memstore.New(memstore.Options{})
		must(t, err)
		s := serve(t, setup{store: &brokenStore{Store: memory, get: func() error { return errors.New("it was asked") }}})
		must(t, s.handler.Shutdown(t.Context()))
		for _, method := range []string{"GET", "PUT"} {
			res, body := s.do(call{method: method, id: testID, readOnly: true, client: s.Client(memhttp.HTTP1)})
			wantProblem(t, res, body, 503, "shutting-down", "Service Unavailable")
		}
	})
}

func TestStrangersLeaveNothingBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, setup{})
		conn, err := s.Dial(t.Context())
		must(t, err)
		_, err = io.WriteString(conn, http2.ClientPreface)
		must(t, err)
		framer := http2.NewFramer(conn, conn)
		must(t, framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0})) // takes no answer
		go func() {
			for {
				frame, err := framer.ReadFrame()
				if err != nil {
					return
				}
				if ping, ok := frame.(*http2.PingFrame); ok && !ping.IsAck() {
					framer.WritePing(true, ping.Data)
				}
			}
		}()
		before := runtime.NumGoroutine()
		var block bytes.Buffer
		encoder := hpack.NewEncoder(&block)
		for i := range 500 {
			block.Reset()
			for _, f := range [][2]string{{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}, {":path", "/"}} {
				must(t, encoder.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]}))
			}
			must(t, framer.WriteHeaders(http2.HeadersFrameParam{StreamID: uint32(2*i + 1), BlockFragment: block.Bytes(), EndHeaders: true, EndStream: true}))
		}
		time.Sleep(time.Minute)
		if left := runtime.NumGoroutine() - before; left > 50 {
			t.Errorf("%d goroutines are left of 500 requests without a key", left)
		}
		conn.Close()
	})
}

func TestHoldsThatAreStolenWhileQueued(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, setup{handler: remoteapp.HandlerOptions{GetHoldLimit: time.Second}})
		client := s.Client(memhttp.HTTP1)
		start := time.Now()
		// After two losses in a row the limit is a tenth.
		for i, want := range []time.Duration{0, time.Second, 2 * time.Second, 2100 * time.Millisecond, 2200 * time.Millisecond} {
			h := s.hold(call{id: testID, client: client, trace: string(rune('1' + i))})
			since(t, start, want)
			if h.session.ID != testID {
				t.Errorf("held %q", h.session.ID)
			}
		}
	})
}

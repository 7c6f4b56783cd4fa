// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package remoteapp_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/internal/memhttp"
	"github.com/sessionbridge/session/memstore"
	"github.com/sessionbridge/session/remoteapp"
	"github.com/sessionbridge/session/wire"
)

// protocols are what clients speak to the Handler.
var protocols = []struct {
	name string
	p    memhttp.Protocol
}{{"HTTP1", memhttp.HTTP1}, {"H2C", memhttp.H2C}, {"TLS", memhttp.TLS}}

func TestReadOnlyExchange(t *testing.T) {
	for _, protocol := range protocols {
		t.Run(protocol.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, setup{})
				client := s.Client(protocol.p)
				s.hold(call{id: testID, client: client}).put(update(testID, "user", `"ann"`, "n", "7"))

				res, body := s.do(call{method: "GET", id: strings.ToUpper(testID), readOnly: true, client: client, url: s.base(client)})
				want := wire.Append(nil, &wire.Session{
					Header: wire.Header{ID: testID, ReadOnly: true, Timeout: 20},
					Items:  []wire.Item{{Key: "user", Value: []byte(`"ann"`)}, {Key: "n", Value: []byte("7")}},
				})
				if diff := cmp.Diff(want, body); diff != "" {
					t.Errorf("bytes differ (-want +got):\n%s", diff)
				}
				for name, want := range map[string]string{
					"Content-Type": "application/json; charset=utf-8", "Content-Length": fmt.Sprint(len(want)),
					"Cache-Control": "no-store", "X-Accel-Buffering": "no", "Set-Cookie": "",
				} {
					if got := res.Header.Get(name); got != want {
						t.Errorf("%s: %q, want %q", name, got, want)
					}
				}
			})
		})
	}
}

func TestWriteableExchangeOverTwoRequests(t *testing.T) {
	for _, protocol := range protocols {
		t.Run(protocol.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, setup{})
				client := s.Client(protocol.p)
				h := s.hold(call{client: client, trace: "af7651916cd43dd8448eb211c80319c1"})
				for name, want := range map[string]string{
					"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no",
					"Set-Cookie": "ASP.NET_SessionId=" + h.session.ID + "; path=/; HttpOnly; SameSite=Lax",
				} {
					if got := h.res.Header.Get(name); got != want {
						t.Errorf("%s: %q, want %q", name, got, want)
					}
				}
				if want := (wire.Header{ID: h.session.ID, New: true, Timeout: 20}); h.session.Header != want {
					t.Errorf("header %+v, want %+v", h.session.Header, want)
				}
				start := time.Now()
				res, body := h.put(update(h.session.ID, "user", `"ann"`))
				if res.StatusCode != http.StatusOK || len(body) != 0 {
					t.Errorf("PUT: %s: %s", res.Status, body)
				}
				if got := h.end(); got != "\n" {
					t.Errorf("after its session the GET got %q, want a newline", got)
				}
				since(t, start, 0)
				synctest.Wait()
				s.nothingHeld()
				if got := s.outcomes(); got != "get committed, put committed" {
					t.Errorf("outcomes %q", got)
				}
			})
		})
	}
}

func TestConnectionsAreReusedAfterAWriteableExchange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, setup{})
		client := s.Client(memhttp.HTTP1)
		for range 5 {
			h := s.hold(call{id: testID, client: client})
			h.put(update(testID, "n", "1"))
			h.end()
			synctest.Wait()
		}
		if got := len(s.Conns()); got != 2 {
			t.Errorf("%d connections, want 2: one for GETs, one for PUTs", got)
		}
	})
}

func TestDuplexExchange(t *testing.T) {
	for _, protocol := range protocols[1:] {
		t.Run(protocol.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, setup{})
				client := s.Client(protocol.p)
				h := s.post(call{client: client})
				if want := "ASP.NET_SessionId=" + h.session.ID + "; path=/; HttpOnly; SameSite=Lax"; h.res.Header.Get("Set-Cookie") != want {
					t.Errorf("Set-Cookie: %q, want %q", h.res.Header.Get("Set-Cookie"), want)
				}
				if got := h.res.Header.Get("Content-Type"); got != "text/event-stream" {
					t.Errorf("Content-Type: %q", got)
				}
				time.Sleep(19 * time.Minute) // a page takes as long as it takes
				body := update(h.session.ID, "user", `"ann"`)
				for i := range body { // one frame a byte
					h.body.Write(body[i : i+1])
				}
				h.body.Close()
				if got := h.end(); got != `{"s":true}` {
					t.Errorf("answer %q", got)
				}
				synctest.Wait()
				s.nothingHeld()
				if got := s.outcomes(); got != "post committed" {
					t.Errorf("outcomes %q", got)
				}
				again := s.post(call{id: h.session.ID, client: client})
				if text(again.session) != `user="ann"` || again.session.New || again.res.Header.Get("Set-Cookie") != "" {
					t.Errorf("the next page got %q, new %t, %v", text(again.session), again.session.New, again.res.Header)
				}
			})
		})
	}
}

func TestDuplexWithNothingSentBackIsARelease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, setup{})
		client := s.Client(memhttp.H2C)
		h := s.post(call{id: testID, client: client})
		if got := h.commit(nil); got.Success || got.Message != "No session data was supplied for commit" {
			t.Errorf("answer %+v", got)
		}
		synctest.Wait()
		s.nothingHeld()
		if got := s.outcomes(); got != "post released" {
			t.Errorf("outcomes %q", got)
		}
	})
}

func TestPutReachesAnyHandlerOfTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, err := memstore.New(memstore.Options{})
		must(t, err)
		a := serve(t, setup{store: store, manager: session.ManagerOptions{Node: "a"}})
		b := serve(t, setup{store: store, manager: session.ManagerOptions{Node: "b"}})
		h := a.hold(call{id: testID, client: a.Client(memhttp.HTTP1)})
		h.s, h.call.client = b, b.Client(memhttp.HTTP1)
		if res, body := h.put(update(testID, "n", "1")); res.StatusCode != http.StatusOK {
			t.Errorf("PUT to another node: %s: %s", res.Status, body)
		}
		h.end()
		synctest.Wait()
		a.nothingHeld()
		if got := text(a.read(a.Client(memhttp.HTTP1), "")); got != "n=1" {
			t.Errorf("read %q, want n=1", got)
		}
	})
}

func TestClientSeesOnlyItsScope(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, setup{})
		client := s.Client(memhttp.H2C)
		s.post(call{id: testID, client: client}).commit(update(testID, "user", `"ann"`, "cart", "1", "CartLines", "2"))
		if got := text(s.read(client, scopedKey)); got != "cart=1 CartLines=2" {
			t.Errorf("a scoped reader got %q", got)
		}
		h := s.post(call{id: testID, key: scopedKey, client: client})
		if got := text(h.session); got != "cart=1 CartLines=2" {
			t.Errorf("a scoped writer got %q", got)
		}
		if got := h.commit(update(testID, "cart", "3", "user", `"eve"`)); !got.Success {
			t.Errorf("answer %+v", got)
		}
		if got := text(s.read(client, "")); got != `user="ann" cart=3` {
			t.Errorf("stored %q", got)
		}
	})
}

func TestKeysOfOthersSurviveALenientClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, setup{})
		client := s.Client(memhttp.HTTP1)
		s.hold(call{id: testID, client: client}).put(update(testID, "a", "1", "b", "2"))
		s.hold(call{id: testID, client: client, key: lenientKey}).put(update(testID, "c", "3"))
		if got := text(s.read(client, "")); got != "a=1 b=2 c=3" {
			t.Errorf("stored %q", got)
		}
		s.hold(call{id: testID, client: client, key: lenientKey}).put(update(testID))
		if got := text(s.read(client, "")); got != "a=1 b=2" {
			t.Errorf("stored %q", got)
		}
	})
}

func TestAbandonedSessionIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, setup{})
		client := s.Client(memhttp.H2C)
		s.post(call{id: testID, client: client}).commit(update(testID, "a", "1"))
		h := s.post(call{id: testID, client: client})
		end := wire.Append(nil, &wire.Session{Header: wire.Header{ID: testID, Abandoned: true, Timeout: -1}, Items: []wire.Item{{Key: "a", Value: []byte("1")}}})
		if got := h.commit(end); !got.Success {
			t.Errorf("answer %+v", got)
		}
		if got := s.read(client, ""); !got.New || text(got) != "" {
			t.Errorf("read new %t, %q", got.New, text(got))
		}
	})
}

func TestHeldGetIsSentHeartbeats(t *testing.T) {
	for name, test := range map[string]struct {
		heartbeat time.Duration
		want      string
	}{
		"every 15 s by default": {0, "\n\n\n\n\n"}, "as often as told": {30 * time.Second, "\n\n\n"}, "or never": {-1, "\n"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, setup{handler: remoteapp.HandlerOptions{Heartbeat: test.heartbeat}})
				h := s.hold(call{id: testID, client: s.Client(memhttp.HTTP1)})
				time.Sleep(61 * time.Second)
				h.put(update(testID))
				if got := h.end(); got != test.want {
					t.Errorf("got %q, want %q", got, test.want)
				}
			})
		})
	}
}

func TestHoldOfAPeerThatGoesAwayEndsAtOnce(t *testing.T) {
	for _, protocol := range protocols {
		for _, how := range []string{"cancels", "closes", "resets"} {
			t.Run(protocol.name+" "+how, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := serve(t, setup{})
					client := s.Client(protocol.p)
					open, want := []*held{s.hold(call{id: testID, client: client})}, "get released"
					if protocol.p != memhttp.HTTP1 {
						open, want = append(open, s.post(call{id: otherID, client: client})), "get released, post released"
					}
					for _, h := range open {
						if how == "cancels" {
							h.cancel()
							h.res.Body.Close()
						}
					}
					for _, c := range s.Conns() {
						if how == "closes" {
							c.Close()
						}
						if how == "resets" {
							c.Reset()
						}
					}
					synctest.Wait()
					s.nothingHeld()
					if got := s.outcomes(); got != want {
						t.Errorf("outcomes %q, want %q", got, want)
					}
					res, body := s.put(client, testID)
					if res.StatusCode != http.StatusBadRequest || !bytes.Contains(body, []byte("Could not find session")) {
						t.Errorf("a late PUT: %s: %s", res.Status, body)
					}
				})
			})
		}
	}
}

// put sends a PUT without a GET.
func (s *server) put(client *http.Client, id string) (*http.Response, []byte) {
	s.t.Helper()
	return s.do(call{method: "PUT", id: id, client: client, url: s.base(client), body: bytes.NewReader(update(id))})
}

func TestHoldOfASilentPeerEnds(t *testing.T) {
	t.Run("HTTP2, by pings", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := serve(t, setup{})
			s.post(call{id: testID, client: s.Client(memhttp.H2C)})
			s.Conns()[0].Silence()
			time.Sleep(31 * time.Second)
			synctest.Wait()
			s.nothingHeld()
		})
	})
	t.Run("HTTP1, by the session's timeout at the latest", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := serve(t, setup{})
			s.hold(call{id: testID, client: s.Client(memhttp.HTTP1)})
			s.Conns()[0].Silence()
			time.Sleep(20*time.Minute + time.Second)
			synctest.Wait()
			s.nothingHeld()
			if got := s.outcomes(); got != "get expired" {
				t.Errorf("outcomes %q", got)
			}
		})
	})
}

func TestSessionHeldForAsLongAsItLivesIsReleased(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, setup{})
		client := s.Client(memhttp.H2C)
		h := s.post(call{id: testID, client: client})
		start := time.Now()
		if got := h.answer(); got.Success || !strings.Contains(got.Message, "as long as it lives") {
			t.Errorf("answer %+v", got)
		}
		since(t, start, 20*time.Minute)
		synctest.Wait()
		s.nothingHeld()
	})
}

func TestWriterThatWaitsTooLongIsSentAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, setup{handler: remoteapp.HandlerOptions{DuplexHoldLimit: time.Hour}})
		client := s.Client(memhttp.H2C)
		s.post(call{id: testID, client: client})
		start := time.Now()
		res, body := s.do(call{method: "GET", id: testID, client: client})
		since(t, start, time.Minute)
		if res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") != "1" || !bytes.Contains(body, []byte("lock_wait")) {
			t.Errorf("%s, Retry-After %q: %s", res.Status, res.Header.Get("Retry-After"), body)
		}
	})
}

func TestDeadlinesOfTheServerDoNotEndAHold(t *testing.T) {
	for _, protocol := range protocols {
		t.Run(protocol.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, setup{configure: func(s *http.Server) {
					s.ReadTimeout, s.WriteTimeout = 5*time.Second, 5*time.Second
				}})
				client := s.Client(protocol.p)
				h := s.hold(call{id: testID, client: client})
				time.Sleep(time.Minute)
				if res, body := h.put(update(testID, "n", "1")); res.StatusCode != http.StatusOK {
					t.Errorf("PUT: %s: %s", res.Status, body)
				}
				if got := h.end(); got != "\n\n\n\n\n" {
					t.Errorf("the GET ended with %q", got)
				}
				if protocol.p == memhttp.HTTP1 {
					return
				}
				post := s.post(call{id: testID, client: client})
				time.Sleep(time.Minute)
				if got := post.commit(update(testID, "n", "2")); !got.Success {
					t.Errorf("answer %+v", got)
				}
			})
		})
	}
}

func TestNothingIsAcknowledgedBeforeItIsStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory, err := memstore.New(memstore.Options{})
		must(t, err)
		store := &brokenStore{Store: memory, put: func() error { return errBroken }}
		s := serve(t, setup{store: store})
		client := s.Client(memhttp.H2C)
		h := s.hold(call{id: testID, client: client})
		res, body := h.put(update(testID, "n", "1"))
		wantProblem(t, res, body, http.StatusServiceUnavailable, "commit-unknown", "Session may or may not have been stored")
		if res.Header.Get("Retry-After") == "" || bytes.Contains(body, []byte("fire")) {
			t.Errorf("PUT: %s: %s", res.Status, body)
		}
		store.put = func() error { return fmt.Errorf("memory is used up: %w", session.ErrFull) }
		if res, body := h.put(update(testID, "n", "1")); res.StatusCode != http.StatusInsufficientStorage || !bytes.Contains(body, []byte("used up")) {
			t.Errorf("PUT: %s: %s", res.Status, body)
		}
		store.put = nil
		if res, _ := h.put(update(testID, "n", "1")); res.StatusCode != http.StatusOK {
			t.Errorf("PUT: %s", res.Status) // the hold was kept
		}
		h.end()
		store.put = func() error { return errBroken }
		if got := s.post(call{id: testID, client: client}).commit(update(testID, "n", "2")); got.Success || !strings.HasPrefix(got.Message, "Session may or may not have been stored. ") {
			t.Errorf("a POST whose session may not have been stored was told %+v", got)
		}
		synctest.Wait()
		s.nothingHeld()
		if got := text(s.read(client, "")); got != "n=1" {
			t.Errorf("stored %q, want n=1", got)
		}
	})
}

// A session that can't be read is told from a store that can't be had: another
// try does not help.
func TestDamagedSessionIsA500(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory, err := memstore.New(memstore.Options{})
		must(t, err)
		store := &brokenStore{Store: memory, get: func() error { return fmt.Errorf("table 7 is %w", session.ErrDamaged) }}
		s := serve(t, setup{store: store})
		res, body := s.do(call{method: "GET", id: testID, readOnly: true, client: s.Client(memhttp.HTTP1)})
		wantProblem(t, res, body, http.StatusInternalServerError, "store-damaged", "Internal Server Error")
		if res.Header.Get("Retry-After") != "" || bytes.Contains(body, []byte("table")) {
			t.Errorf("%v: %s", res.Header, body)
		}
	})
}

func TestFaultBeforeTheAnswerIsA500(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory, err := memstore.New(memstore.Options{})
		must(t, err)
		s := serve(t, setup{store: &brokenStore{Store: memory, get: func() error { panic("a bug") }}})
		client := s.Client(memhttp.H2C)
		res, _ := s.do(call{method: "GET", id: testID, readOnly: true, client: client})
		if res.StatusCode != http.StatusInternalServerError {
			t.Errorf("%s, want a 500", res.Status)
		}
		if got := s.outcomes(); got != "read failed" {
			t.Errorf("outcomes %q", got)
		}
	})
}

func TestShutdownLetsOpenSessionsCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, setup{})
		client := s.Client(memhttp.HTTP1)
		h := s.hold(call{id: testID, client: client})
		post := s.post(call{id: otherID, client: s.Client(memhttp.H2C)})
		waiting := make(chan int, 1)
		go func() {
			res := s.send(call{method: "GET", id: testID, client: s.Client(memhttp.HTTP1)})
			waiting <- res.StatusCode
		}()
		synctest.Wait()
		start := time.Now()
		ended := make(chan error, 1)
		go func() { ended <- s.handler.Shutdown(t.Context()) }()
		if got := <-waiting; got != http.StatusServiceUnavailable {
			t.Errorf("a waiting writer got %d, want 503", got)
		}
		res, body := s.do(call{method: "GET", id: testID, client: s.Client(memhttp.HTTP1)})
		if res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" || !res.Close {
			t.Errorf("a new writer got %s, %v: %s", res.Status, res.Header, body)
		}
		time.Sleep(3 * time.Second)
		h.call.client = s.Client(memhttp.HTTP1) // a connection of its own
		if res, body := h.put(update(testID, "n", "1")); res.StatusCode != http.StatusOK {
			t.Errorf("PUT: %s: %s", res.Status, body)
		}
		if got := post.commit(update(otherID, "n", "1")); !got.Success {
			t.Errorf("answer %+v", got)
		}
		must(t, <-ended)
		since(t, start, 3*time.Second)
		s.nothingHeld()
	})
}

func TestShutdownEndsWhatDoesNotEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, setup{})
		h := s.hold(call{id: testID, client: s.Client(memhttp.HTTP1)})
		post := s.post(call{id: otherID, client: s.Client(memhttp.H2C)})
		start := time.Now()
		ended := make(chan error, 1)
		go func() {
			ctx, cancel := contextWithTimeout(t, 10*time.Second)
			defer cancel()
			ended <- s.handler.Shutdown(ctx)
		}()
		if got := post.answer(); got.Success || !strings.Contains(got.Message, "shutting down") {
			t.Errorf("answer %+v", got)
		}
		h.end()
		if err := <-ended; err == nil || !strings.HasPrefix(err.Error(), "2 exchanges") {
			t.Errorf("Shutdown returned %v, want it to tell of 2 exchanges", err)
		}
		since(t, start, 10*time.Second)
		s.nothingHeld()
	})
}

func TestConnectionWithManyLostHoldsIsRetired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, setup{})
		client := s.Client(memhttp.H2C)
		var last *held
		for range 51 { // each takes the session from the one before
			last = s.post(call{id: testID, client: client})
			synctest.Wait() // until net/http knows that its first connection can be shared
		}
		if got := len(s.Conns()); got != 1 {
			t.Fatalf("%d connections, want 1 so far", got)
		}
		s.read(client, "") // this answer says GOAWAY
		synctest.Wait()
		s.read(client, "")
		if got := len(s.Conns()); got != 2 {
			t.Errorf("%d connections, want a second one after 50 lost holds", got)
		}
		if got := last.commit(update(testID, "n", "1")); !got.Success {
			t.Errorf("what was held on the retired connection got %+v", got)
		}
	})
}

func TestManyWritersOfOneSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, setup{})
		var writers sync.WaitGroup
		for i := range 8 {
			client := s.Client(protocols[i%3].p)
			writers.Go(func() {
				for range 25 {
					c := call{id: testID, client: client}
					if i%3 == 0 {
						h := s.hold(c)
						h.put(update(testID, "n", fmt.Sprint(number(t, h.session)+1)))
						io.Copy(io.Discard, h.res.Body)
					} else {
						h := s.post(c)
						h.commit(update(testID, "n", fmt.Sprint(number(t, h.session)+1)))
					}
				}
			})
		}
		writers.Wait()
		if got := number(t, s.read(s.Client(memhttp.HTTP1), "")); got != 200 {
			t.Errorf("200 increments made %d", got)
		}
		synctest.Wait()
		s.nothingHeld()
	})
}

func number(t *testing.T, s wire.Session) (n int) {
	if len(s.Items) > 0 {
		if _, err := fmt.Sscan(string(s.Items[0].Value), &n); err != nil {
			t.Error(err)
		}
	}
	return n
}

func TestRobbedPostIsAnsweredThoughItsSessionHasEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, setup{})
		client := s.Client(memhttp.H2C)
		silent := s.post(call{id: testID, client: client})
		quick := s.post(call{id: testID, client: client})
		if got := quick.commit(wire.Append(nil, &wire.Session{Header: wire.Header{ID: testID, Abandoned: true}})); !got.Success {
			t.Errorf("answer %+v", got)
		}
		time.Sleep(time.Second)
		if got := silent.commit(update(testID, "n", "1")); got.Success || got.Message == "" {
			t.Errorf("answer %+v", got)
		}
		if got := s.read(client, ""); !got.New {
			t.Errorf("the abandoned session has %q", text(got))
		}
		synctest.Wait()
		s.nothingHeld()
		if got, want := s.outcomes(), "post committed, post lost, read ok"; got != want {
			t.Errorf("outcomes %q, want %q", got, want)
		}
	})
}

func TestSessionThatWouldBecomeTooLargeIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limits := wire.Limits{Session: 1000}
		s := serve(t, setup{manager: session.ManagerOptions{Limits: limits}})
		client := s.Client(memhttp.HTTP1)
		value := `"` + strings.Repeat("a", 600) + `"`
		s.hold(call{id: testID, client: client}).put(update(testID, "user", value))
		res, body := s.hold(call{id: testID, key: scopedKey, client: client}).put(update(testID, "cart", value))
		wantProblem(t, res, body, 400, "bad-session", "Failed to deserialize session state")
		if got := text(s.read(client, "")); got != "user="+value {
			t.Errorf("stored %q, want it unchanged", got)
		}
	})
}

func TestSilentPeerThatNeverReadsIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, setup{})
		client := s.Client(memhttp.HTTP1)
		var large []string
		for i := range 3 { // more than a connection buffers
			large = append(large, fmt.Sprint("key", i), `"`+strings.Repeat("a", 1<<19)+`"`)
		}
		s.hold(call{id: testID, client: client}).put(update(testID, large...))
		s.raw("GET / HTTP/1.1\r\n" + rawHeaders + "\r\n")
		synctest.Wait()
		if got := s.manager.Stats().Holds; got != 1 {
			t.Fatalf("%d holds, want 1", got)
		}
		time.Sleep(31 * time.Second)
		s.nothingHeld()
	})
}

func TestReadDuringAWriteGetsWhatIsBeingCommitted(t *testing.T) {
	for _, protocol := range protocols[1:] {
		synctest.Test(t, func(t *testing.T) {
			s := serve(t, setup{})
			client := s.Client(protocol.p)
			h := s.post(call{id: testID, client: client})
			go func() {
				time.Sleep(3 * time.Millisecond)
				h.body.Write(update(testID, "n", "1"))
				h.body.Close()
			}()
			start := time.Now()
			if got := text(s.read(s.Client(memhttp.HTTP1), "")); got != "n=1" {
				t.Errorf("read %q while n=1 was on its way", got)
			}
			since(t, start, 3*time.Millisecond)
			h.answer()
		})
	}
}

func TestOneConnectionHoldsManySessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, setup{})
		client := s.Client(memhttp.H2C)
		var all []*held
		for range 300 { // more than net/http's usual 250 streams
			all = append(all, s.post(call{client: client}))
			synctest.Wait() // until net/http knows that its first connection can be shared
		}
		if got := len(s.Conns()); got != 1 {
			t.Errorf("%d connections, want 1", got)
		}
		for _, h := range all {
			if got := h.commit(update(h.session.ID, "n", "1")); !got.Success {
				t.Errorf("answer %+v", got)
			}
		}
		synctest.Wait()
		s.nothingHeld()
	})
}

func TestPrepareServerKeepsWhatIsThere(t *testing.T) {
	type key struct{}
	var seen any
	server := &http.Server{
		ConnContext: func(ctx context.Context, _ net.Conn) context.Context { return context.WithValue(ctx, key{}, "mine") },
		ReadTimeout: time.Second, WriteTimeout: time.Second,
		HTTP2: &http.HTTP2Config{MaxConcurrentStreams: 20_000},
	}
	remoteapp.PrepareServer(server)
	seen = server.ConnContext(t.Context(), nil).Value(key{})
	if seen != "mine" || server.HTTP2.MaxConcurrentStreams != 20_000 {
		t.Errorf("ConnContext gave %v, %d streams", seen, server.HTTP2.MaxConcurrentStreams)
	}
	if server.ReadTimeout != 0 || server.WriteTimeout != 0 || server.ReadHeaderTimeout == 0 || server.IdleTimeout == 0 || server.HTTP2.SendPingTimeout == 0 {
		t.Errorf("timeouts %s, %s, %s, %s", server.ReadTimeout, server.WriteTimeout, server.ReadHeaderTimeout, server.IdleTimeout)
	}
}

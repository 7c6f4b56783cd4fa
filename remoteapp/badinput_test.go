// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package remoteapp_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/sessionbridge/session/internal/memhttp"
	"github.com/sessionbridge/session/remoteapp"
	"github.com/sessionbridge/session/wire"
)

// problem is the body of an error.
type problem struct {
	Type, Title, Detail string
	Status              int
}

// wantProblem fails unless the answer is a refusal, complete with its headers.
func wantProblem(t *testing.T, res *http.Response, body []byte, status int, code, reason string) {
	t.Helper()
	var p problem
	if err := json.Unmarshal(body, &p); err != nil {
		t.Fatalf("%s: body %q: %v", res.Status, body, err)
	}
	if res.StatusCode != status || p.Status != status || p.Type != "urn:sessionbridge:problem:"+code || p.Title != reason || p.Detail == "" {
		t.Errorf("%s: %+v, want %d %s %q", res.Status, p, status, code, reason)
	}
	if res.ProtoMajor == 1 && res.Status != strconv.Itoa(status)+" "+reason {
		t.Errorf("status line %q, want %d %s", res.Status, status, reason)
	}
	for name, want := range map[string]string{
		"Content-Type": "application/problem+json", "Cache-Control": "no-store", "X-Accel-Buffering": "no",
		"Set-Cookie": "", "Content-Length": strconv.Itoa(len(body)),
	} {
		if got := res.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestBadInputHasItsStatusAndReason(t *testing.T) {
	const (
		noID, noHold, badBody, updated = "No session ID found", "Could not find session", "Failed to deserialize session state", "Session has already been updated"
	)
	large := bytes.Repeat([]byte("a"), 5<<20)
	good := update(testID, "n", "2")
	with := func(h wire.Header) []byte { return wire.Append(nil, &wire.Session{Header: h}) }
	for _, test := range []struct {
		name   string
		call   call
		held   bool // a GET holds the session while it is sent
		status int
		code   string
		reason string
	}{
		{"no key", call{method: "GET", key: "-"}, false, 401, "unauthorized", "Unauthorized"},
		{"no key, before the verb is looked at", call{method: "DELETE", key: "-"}, false, 401, "unauthorized", "Unauthorized"},
		{"another key", call{method: "GET", key: "5b3a9c1e-7d24-4f60-8a19-c2d3e4f5a6b8"}, false, 401, "unauthorized", "Unauthorized"},
		{"the key in capitals", call{method: "GET", key: strings.ToUpper(shopKey)}, false, 401, "unauthorized", "Unauthorized"},
		{"the key in braces", call{method: "GET", key: "{" + shopKey + "}"}, false, 401, "unauthorized", "Unauthorized"},
		{"the key twice", call{method: "GET", key: "-", header: http.Header{http.CanonicalHeaderKey(keyHeader): {shopKey, shopKey}}}, false, 401, "unauthorized", "Unauthorized"},
		{"a PUT of no key while the session is held", call{method: "PUT", key: "-", body: bytes.NewReader(good)}, true, 401, "unauthorized", "Unauthorized"},
		{"DELETE", call{method: "DELETE"}, false, 405, "method-not-allowed", "Method Not Allowed"},
		{"PATCH", call{method: "PATCH"}, false, 405, "method-not-allowed", "Method Not Allowed"},
		{"OPTIONS", call{method: "OPTIONS"}, false, 405, "method-not-allowed", "Method Not Allowed"},
		{"PUT without a cookie", call{method: "PUT", id: "-", body: bytes.NewReader(good)}, true, 400, "no-session-id", noID},
		{"PUT with a cookie that is no id", call{method: "PUT", id: "../../etc/passwd", body: bytes.NewReader(good)}, true, 400, "no-session-id", noID},
		{"PUT with a cookie of 10,000 bytes", call{method: "PUT", id: strings.Repeat("a", 10_000), body: bytes.NewReader(good)}, true, 400, "no-session-id", noID},
		{"PUT without a GET", call{method: "PUT", body: bytes.NewReader(good)}, false, 400, "no-open-session", noHold},
		{"PUT without a GET and no session in it", call{method: "PUT", body: strings.NewReader("<html>")}, false, 400, "no-open-session", noHold},
		{"PUT of another trace", call{method: "PUT", trace: "2", body: bytes.NewReader(good)}, true, 400, "no-open-session", noHold},
		{"PUT with the key of another client", call{method: "PUT", key: lenientKey, body: bytes.NewReader(good)}, true, 400, "no-open-session", noHold},
		{"PUT with the cookie of another session", call{method: "PUT", id: otherID, body: bytes.NewReader(good)}, true, 400, "no-open-session", noHold},
		{"PUT of the bytes of another session", call{method: "PUT", body: bytes.NewReader(update(otherID, "n", "2"))}, true, 400, "bad-session", badBody},
		{"PUT of nothing", call{method: "PUT"}, true, 400, "bad-session", badBody},
		{"PUT of a page", call{method: "PUT", body: strings.NewReader("<html>login</html>")}, true, 400, "bad-session", badBody},
		{"PUT of the next version", call{method: "PUT", body: strings.NewReader("\x02" + string(good[1:]))}, true, 400, "bad-session", badBody},
		{"PUT with a timeout of 0", call{method: "PUT", body: bytes.NewReader(with(wire.Header{ID: testID}))}, true, 400, "bad-session", badBody},
		{"PUT with a timeout below 0", call{method: "PUT", body: bytes.NewReader(with(wire.Header{ID: testID, Timeout: -20}))}, true, 400, "bad-session", badBody},
		{"PUT with a timeout of more than a year", call{method: "PUT", body: bytes.NewReader(with(wire.Header{ID: testID, Timeout: 525_601}))}, true, 400, "bad-session", badBody},
		{"PUT of a value of 2 MiB", call{method: "PUT", body: bytes.NewReader(update(testID, "n", string(large[:2<<20])))}, true, 400, "bad-session", badBody},
		{"PUT of 5 MiB", call{method: "PUT", body: bytes.NewReader(large)}, true, 400, "bad-session", badBody},
		{"PUT of 100 MiB, chunked", call{method: "PUT", body: &zeros{left: 100 << 20}}, true, 400, "bad-session", badBody},
		{"PUT of 100 MiB, counted", call{method: "PUT", body: &zeros{left: 100 << 20}, length: 100 << 20}, true, 400, "bad-session", badBody},
	} {
		for _, protocol := range protocols {
			t.Run(test.name+" over "+protocol.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := serve(t, setup{})
					client := s.Client(protocol.p)
					s.hold(call{id: testID, client: client}).put(update(testID, "n", "1"))
					synctest.Wait()
					var h *held
					if test.held {
						h = s.hold(call{id: testID, client: client, trace: "1"})
					}
					c := test.call
					c.client, c.url = client, s.base(client)
					if c.id == "" {
						c.id = testID
					}
					if body, ok := c.body.(*zeros); ok {
						c.body = &zeros{left: body.left}
					} else if body, ok := c.body.(io.Seeker); ok {
						body.Seek(0, io.SeekStart)
					}
					if c.id == "-" {
						c.id = ""
					}
					res, body := s.do(c)
					wantProblem(t, res, body, test.status, test.code, test.reason)
					if want := "code=" + test.code + " "; !strings.Contains(s.log.String(), want) {
						t.Errorf("the log has no %s", want)
					}
					if h != nil { // what was refused left the hold as it was
						if res, body := h.put(update(testID, "n", "1")); res.StatusCode != http.StatusOK {
							t.Errorf("a second try: %s: %s", res.Status, body)
						}
						h.end()
					}
					if test.reason == noHold && test.held {
						wantUpdatedTwice(t, h, updated)
					}
					synctest.Wait()
					s.nothingHeld()
					if got := text(s.read(client, "")); got != "n=1" {
						t.Errorf("stored %q, want it unchanged", got)
					}
				})
			})
		}
	}
}

// wantUpdatedTwice fails unless the PUT of a trace that has committed is refused.
func wantUpdatedTwice(t *testing.T, h *held, reason string) {
	t.Helper()
	res, body := h.put(update(testID, "n", "3"))
	wantProblem(t, res, body, 400, "already-updated", reason)
}

// zeros is a body of many zeros.
type zeros struct{ left int }

func (z *zeros) Read(p []byte) (int, error) {
	if z.left == 0 {
		return 0, io.EOF
	}
	n := min(len(p), z.left)
	clear(p[:n])
	z.left -= n
	return n, nil
}

func TestPutCutShortAnywhereKeepsTheHold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, setup{})
		client := s.Client(memhttp.HTTP1)
		h := s.hold(call{id: testID, client: client})
		whole := update(testID, "user", `"ann"`, "n", "2")
		for n := range whole {
			res, body := h.put(whole[:n])
			wantProblem(t, res, body, 400, "bad-session", "Failed to deserialize session state")
		}
		if res, body := h.put(whole); res.StatusCode != http.StatusOK {
			t.Errorf("the whole: %s: %s", res.Status, body)
		}
		h.end()
		synctest.Wait()
		s.nothingHeld()
	})
}

func TestPostCutShortAnywhereIsReleased(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, setup{})
		client := s.Client(memhttp.H2C)
		whole := update(testID, "user", `"ann"`, "n", "2")
		for n := 1; n < len(whole); n++ {
			if got := s.post(call{id: testID, client: client}).commit(whole[:n]); got.Success || !strings.HasPrefix(got.Message, "Failed to deserialize session state. ") {
				t.Errorf("%d bytes: answer %+v", n, got)
			}
			synctest.Wait()
			s.nothingHeld()
		}
		for _, body := range [][]byte{update(otherID, "n", "1"), bytes.Repeat([]byte{0}, 5<<20), []byte("<html>")} {
			h := s.post(call{id: testID, client: client})
			go func() { h.body.Write(body); h.body.Close() }()
			if got := h.answer(); got.Success {
				t.Errorf("answer %+v to a body that is no session", got)
			}
			synctest.Wait()
			s.nothingHeld()
		}
		if got := s.read(client, ""); !got.New {
			t.Errorf("stored %q, want nothing", text(got))
		}
	})
}

func TestSlowBodyIsGivenAMinute(t *testing.T) {
	for _, protocol := range protocols {
		t.Run(protocol.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, setup{})
				client := s.Client(protocol.p)
				h := s.hold(call{id: testID, client: client})
				reader, writer := io.Pipe()
				defer writer.Close()
				start := time.Now()
				go trickle(writer, update(testID, "n", strings.Repeat("1", 200)))
				res, body := s.do(call{method: "PUT", id: testID, client: client, url: s.base(client), body: reader})
				since(t, start, time.Minute)
				wantProblem(t, res, body, 408, "slow-body", "Request Timeout")
				writer.Close()
				h.cancel()
				time.Sleep(2 * time.Second) // trickle sees that nobody reads
				if protocol.p == memhttp.HTTP1 {
					return
				}
				post := s.post(call{id: otherID, client: client})
				time.Sleep(10 * time.Minute)
				go trickle(post.body, update(otherID, "n", strings.Repeat("1", 200)))
				start = time.Now()
				if got := post.answer(); got.Success || !strings.HasPrefix(got.Message, "Request Timeout") {
					t.Errorf("answer %+v", got)
				}
				since(t, start, time.Minute)
				post.body.Close()
				time.Sleep(2 * time.Second)
				synctest.Wait()
				s.nothingHeld()
			})
		})
	}
}

// trickle writes a byte a second until nobody reads.
func trickle(w io.Writer, b []byte) {
	for i := range b {
		if _, err := w.Write(b[i : i+1]); err != nil {
			return
		}
		time.Sleep(time.Second)
	}
}

func TestIdsThatArriveInCookies(t *testing.T) {
	for _, test := range []struct {
		name    string
		cookies []string
		adopted bool
	}{
		{"none", nil, false},
		{"of another name", []string{"SessionId=" + testID}, false},
		{"of the name in another case", []string{"asp.net_sessionid=" + testID}, true},
		{"in capitals", []string{"ASP.NET_SessionId=" + strings.ToUpper(testID)}, true},
		{"among others", []string{"a=b; ASP.NET_SessionId=" + testID + "; c=d"}, true},
		{"in a second line", []string{"a=b", "ASP.NET_SessionId=" + testID}, true},
		{"twice: the last counts", []string{"ASP.NET_SessionId=" + otherID + "; ASP.NET_SessionId=" + testID}, true},
		{"twice, the last no id", []string{"ASP.NET_SessionId=" + testID + "; ASP.NET_SessionId=x"}, false},
		{"empty", []string{"ASP.NET_SessionId="}, false},
		{"too long", []string{"ASP.NET_SessionId=" + testID + "a"}, false},
		{"of 10,000 bytes", []string{"ASP.NET_SessionId=" + strings.Repeat("a", 10_000)}, false},
		{"with other characters", []string{"ASP.NET_SessionId=x5b3ijpyk0sh4ml2l4v5ydg="}, false},
		{"with quotes", []string{`ASP.NET_SessionId="` + testID + `"`}, false},
		{"malformed", []string{";;=;ASP.NET_SessionId;=" + testID}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, setup{})
				h := s.hold(call{client: s.Client(memhttp.HTTP1), header: http.Header{"Cookie": test.cookies}})
				issued := h.res.Header.Get("Set-Cookie") != ""
				if adopted := h.session.ID == testID; adopted != test.adopted || issued == adopted {
					t.Errorf("id %q, issued %t, want it adopted: %t", h.session.ID, issued, test.adopted)
				}
			})
		})
	}
}

func TestCookieIsSetAsConfigured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, setup{handler: remoteapp.HandlerOptions{Cookie: remoteapp.Cookie{
			Name: "sid", Path: "/shop", Domain: "example.com", Secure: true, SameSite: http.SameSiteNoneMode,
		}}})
		h := s.hold(call{client: s.Client(memhttp.HTTP1)})
		want := "sid=" + h.session.ID + "; path=/shop; domain=example.com; secure; HttpOnly; SameSite=None"
		if got := h.res.Header.Get("Set-Cookie"); got != want {
			t.Errorf("Set-Cookie %q, want %q", got, want)
		}
	})
}

func TestReadOnlyHeaderIsReadAsDotNetDoes(t *testing.T) {
	for value, readOnly := range map[string]bool{
		"True": true, "true": true, "TRUE": true, " True\t": true, "False": false, "": false, "1": false, "yes": false, "True,True": false,
	} {
		synctest.Test(t, func(t *testing.T) {
			s := serve(t, setup{})
			c := s.request(t.Context(), call{method: "GET", id: testID})
			c.Header.Set(readOnlyHeader, value)
			res, err := s.Client(memhttp.HTTP1).Do(c)
			must(t, err)
			defer res.Body.Close()
			if got := res.Header.Get("Content-Type") == "application/json; charset=utf-8"; got != readOnly {
				t.Errorf("%q is read-only: %t, want %t", value, got, readOnly)
			}
		})
	}
}

// raw sends bytes on a connection of their own and returns what comes back.
func (s *server) raw(request string) *bufio.Reader {
	s.t.Helper()
	conn, err := s.Dial(s.t.Context())
	must(s.t, err)
	_, err = io.WriteString(conn, request)
	must(s.t, err)
	return bufio.NewReader(conn)
}

const rawHeaders = "Host: memhttp.test\r\n" + keyHeader + ": " + shopKey + "\r\nCookie: ASP.NET_SessionId=" + testID + "\r\n"

func TestPostOverHTTP1IsRefusedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, setup{})
		in := s.raw("POST / HTTP/1.1\r\n" + rawHeaders + "Transfer-Encoding: chunked\r\n\r\n") // and no body, ever
		start := time.Now()
		res, err := http.ReadResponse(in, nil)
		must(t, err)
		body, err := io.ReadAll(res.Body)
		must(t, err)
		since(t, start, 0)
		wantProblem(t, res, body, 405, "method-not-allowed", "Method Not Allowed")
		if !res.Close {
			t.Error("the answer keeps the connection open")
		}
		s.nothingHeld()
	})
}

func TestRequestsOfOtherForms(t *testing.T) {
	put := string(update(testID, "n", "1"))
	for _, test := range []struct {
		name, request string
		want          string // beginning of the answer
	}{
		{"HTTP/1.0, read-only", "GET / HTTP/1.0\r\n" + rawHeaders + readOnlyHeader + ": True\r\n\r\n", "HTTP/1.0 200 OK\r\n"},
		{"HTTP/1.0 PUT", "PUT / HTTP/1.0\r\n" + rawHeaders + "Content-Length: 37\r\n\r\n" + put, "HTTP/1.0 400 Could not find session\r\n"},
		{"header names in small letters", "GET / HTTP/1.1\r\n" + strings.ToLower(rawHeaders) + strings.ToLower(readOnlyHeader) + ": true\r\n\r\n", "HTTP/1.1 200 OK\r\n"},
		{"a verb in small letters", "get / HTTP/1.1\r\n" + rawHeaders + readOnlyHeader + ": true\r\n\r\n", "HTTP/1.1 200 OK\r\n"},
		{"OPTIONS of the server", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 401 Unauthorized\r\n"},
		{"HEAD", "HEAD / HTTP/1.1\r\n" + rawHeaders + "\r\n", "HTTP/1.1 405 Method Not Allowed\r\n"},
		{"PUT that expects to be told to go on", "PUT / HTTP/1.1\r\n" + rawHeaders + "Expect: 100-continue\r\nContent-Length: 37\r\n\r\n", "HTTP/1.1 400 Could not find session\r\n"},
		{"a control character in the cookie", "GET / HTTP/1.1\r\nHost: a\r\n" + keyHeader + ": " + shopKey + "\r\nCookie: ASP.NET_SessionId=\x01\r\n\r\n", "HTTP/1.1 400 Bad Request"},
		{"a header without a colon", "GET / HTTP/1.1\r\nHost: a\r\nnonsense\r\n\r\n", "HTTP/1.1 400 Bad Request"},
		{"headers of 1 MiB", "GET / HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("a", 1<<20), "HTTP/1.1 431 "},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, setup{})
				in := s.raw(test.request)
				got, err := in.Peek(len(test.want))
				if string(got) != test.want {
					t.Errorf("answer %q, %v, want %q", got, err, test.want)
				}
				s.nothingHeld()
			})
		})
	}
}

func TestPutThatExpectsToBeToldToGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, setup{})
		client := s.Client(memhttp.HTTP1)
		h := s.hold(call{id: testID, client: client})
		body := update(testID, "n", "1")
		h.call.header = http.Header{"Expect": {"100-continue"}}
		if res, answer := h.put(body); res.StatusCode != http.StatusOK {
			t.Errorf("PUT: %s: %s", res.Status, answer)
		}
	})
}

// An h2 is a connection on which a test writes frames itself.
type h2 struct {
	t      *testing.T
	framer *http2.Framer
	conn   *memhttp.Conn
}

// postFrames opens a POST and returns its connection once its session has come.
func (s *server) postFrames() *h2 {
	s.t.Helper()
	conn, err := s.Dial(s.t.Context())
	must(s.t, err)
	_, err = io.WriteString(conn, http2.ClientPreface)
	must(s.t, err)
	c := &h2{s.t, http2.NewFramer(conn, conn), conn}
	must(s.t, c.framer.WriteSettings())
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for _, f := range [][2]string{
		{":method", "POST"}, {":scheme", "http"}, {":authority", "memhttp.test"}, {":path", "/"},
		{strings.ToLower(keyHeader), shopKey}, {"cookie", "ASP.NET_SessionId=" + testID},
	} {
		must(s.t, encoder.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]}))
	}
	must(s.t, c.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block.Bytes(), EndHeaders: true}))
	for {
		if _, ok := c.read().(*http2.DataFrame); ok {
			return c
		}
	}
}

func (c *h2) read() http2.Frame {
	c.t.Helper()
	frame, err := c.framer.ReadFrame()
	must(c.t, err)
	if settings, ok := frame.(*http2.SettingsFrame); ok && !settings.IsAck() {
		must(c.t, c.framer.WriteSettingsAck())
	}
	return frame
}

func TestWholeBodyCommitsThoughItsStreamIsReset(t *testing.T) {
	for name, test := range map[string]struct {
		whole bool
		want  string
	}{"END_STREAM, then RST_STREAM": {true, "n=2"}, "RST_STREAM without END_STREAM": {false, ""}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, setup{})
				c := s.postFrames()
				must(t, c.framer.WriteData(1, test.whole, update(testID, "n", "2")))
				must(t, c.framer.WriteRSTStream(1, http2.ErrCodeCancel))
				synctest.Wait()
				if got := text(s.read(s.Client(memhttp.HTTP1), "")); got != test.want {
					t.Errorf("stored %q, want %q", got, test.want)
				}
				s.nothingHeld()
			})
		})
	}
}

func TestPostIsNotResetBeforeItsHeaders(t *testing.T) {
	for name, header := range map[string][2]string{
		"no key": {"a", "b"}, "busy": {strings.ToLower(keyHeader), shopKey},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, setup{handler: remoteapp.HandlerOptions{DuplexHoldLimit: time.Hour}})
				s.post(call{id: testID, client: s.Client(memhttp.H2C)})
				conn, err := s.Dial(t.Context())
				must(t, err)
				io.WriteString(conn, http2.ClientPreface)
				c := &h2{t, http2.NewFramer(conn, conn), conn}
				must(t, c.framer.WriteSettings())
				var block bytes.Buffer
				encoder := hpack.NewEncoder(&block)
				for _, f := range [][2]string{
					{":method", "POST"}, {":scheme", "http"}, {":authority", "memhttp.test"}, {":path", "/"}, header, {"cookie", "ASP.NET_SessionId=" + testID},
				} {
					encoder.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]})
				}
				must(t, c.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block.Bytes(), EndHeaders: true}))
				for {
					switch f := c.read().(type) {
					case *http2.RSTStreamFrame, *http2.GoAwayFrame:
						t.Fatalf("%v before the headers of the answer", f)
					case *http2.PingFrame:
						if !f.IsAck() {
							c.framer.WritePing(true, f.Data)
						}
					case *http2.HeadersFrame:
						return
					}
				}
			})
		})
	}
}

func TestHandlerOptionsAreCheckedTogether(t *testing.T) {
	_, err := remoteapp.NewHandler(nil, remoteapp.HandlerOptions{
		Clients: []remoteapp.HandlerClient{
			{Name: "a", Keys: []string{"secret"}}, {Name: "a", Keys: []string{shopKey}}, {Name: "b", Keys: []string{shopKey}, Scope: []string{""}},
			{Name: "c"}, {Keys: []string{"00000000-0000-0000-0000-000000000000"}},
		},
		Cookie:          remoteapp.Cookie{Name: "a b", Path: "a;b", SameSite: http.SameSiteNoneMode},
		DuplexHoldLimit: -1, GetHoldLimit: -1,
	})
	for _, want := range []string{
		"want a GUID", `"a" stands there twice`, "have the same API key", `client "b"`, `client "c" has no API key`, "no name", "GUID of zeros",
		"cookie name", "cookie path", "must be secure", "duplex hold limit", "get hold limit",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("it does not say %q:\n%v", want, err)
		}
	}
}

func TestCheckKey(t *testing.T) {
	const digits = "5b3a9c1e7d244f608a19c2d3e4f5a6b7"
	for key, ok := range map[string]bool{
		shopKey: true, strings.ToUpper(shopKey): true, digits: true, "{" + shopKey + "}": true, "(" + shopKey + ")": true,
		"": false, "secret": false, shopKey + "0": false, "{" + shopKey: false, "{" + digits + "}": false, "5b3a9c1e7d24-4f60-8a19-c2d3e4f5-a6b7": false,
		strings.Repeat("0", 32): false, "11111111-1111-1111-1111-111111111111": false, "g" + digits[1:]: false,
	} {
		if err := remoteapp.CheckKey(key); (err == nil) != ok {
			t.Errorf("CheckKey(%q) = %v", key, err)
		}
	}
}

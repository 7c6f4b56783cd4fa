// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package remoteapp_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/memstore"
	"github.com/sessionbridge/session/remoteapp"
	"github.com/sessionbridge/session/wire"
)

// fuzzed returns a Handler for requests that are made up, and its Manager.
func fuzzed(f *testing.F) (*remoteapp.Handler, *session.Manager) {
	store, err := memstore.New(memstore.Options{})
	if err != nil {
		f.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	m, err := session.OpenManager(f.Context(), store, session.ManagerOptions{Logger: log})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(m.Close)
	h, err := remoteapp.NewHandler(m, remoteapp.HandlerOptions{Clients: testClients, Logger: log})
	if err != nil {
		f.Fatal(err)
	}
	return h, m
}

// arrivingID is what an arriving id must be.
var arrivingID = regexp.MustCompile(`^[0-9A-Za-z]{24}$`)

// FuzzRequest reads with any headers: whoever has no key is refused, all others
// read a session, which has the id that they came with if that is one.
func FuzzRequest(f *testing.F) {
	h, m := fuzzed(f)
	f.Add("GET", shopKey, testID, "True")
	f.Add("GET", strings.ToUpper(shopKey), otherID, "true")
	f.Add("get", scopedKey, "a; ASP.NET_SessionId="+testID, " TRUE\t")
	f.Add("PUT", lenientKey, strings.Repeat("a", 10_000), "")
	f.Add("OPTIONS", "", "\x00\"; =;asp.net_sessionid=\x80", "False")
	f.Fuzz(func(t *testing.T, method, key, id, readOnly string) {
		r := &http.Request{Method: method, Header: http.Header{}, Body: http.NoBody, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}
		r.Header[http.CanonicalHeaderKey(keyHeader)] = []string{key}
		r.Header[http.CanonicalHeaderKey(readOnlyHeader)] = []string{readOnly}
		r.Header["Cookie"] = []string{"ASP.NET_SessionId=" + id}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		known := key == shopKey || key == scopedKey || key == lenientKey || key == testClients[0].Keys[0]
		if (w.Code == http.StatusUnauthorized) == known {
			t.Fatalf("key %q: %d", key, w.Code)
		}
		if strings.Contains(w.Body.String(), `problem:internal"`) {
			t.Fatalf("a fault in the handler: %s", w.Body)
		}
		if w.Code == http.StatusOK {
			wantRead(t, w.Body.Bytes(), id)
		}
		if stats := m.Stats(); stats.Holds != 0 || stats.Waiters != 0 {
			t.Fatalf("%+v is left", stats)
		}
	})
}

// wantRead fails unless an answer is a session, and nothing more, with the id
// that was asked for.
func wantRead(t *testing.T, answer []byte, id string) {
	t.Helper()
	s, n, err := wire.Decode(answer, wire.Limits{})
	if err != nil || n != len(answer) || !s.ReadOnly || !arrivingID.MatchString(s.ID) {
		t.Fatalf("answer %q: %v", answer, err)
	}
	if arrivingID.MatchString(id) && s.ID != strings.ToLower(id) {
		t.Errorf("asked for %q, answered with %q", id, s.ID)
	}
}

// traceparent is what a W3C traceparent must begin with; not of zeros, and not of
// version ff.
var traceparent = regexp.MustCompile(`^[0-9a-f]{2}-([0-9a-f]{32})-[^-]*-`)

// traceOf returns the trace id of a traceparent, or "".
func traceOf(value string) string {
	found := traceparent.FindStringSubmatch(value)
	if found == nil || strings.HasPrefix(value, "ff") || strings.Trim(found[1], "0") == "" {
		return ""
	}
	return found[1]
}

// FuzzPut commits any bytes with any trace to a session that is held: only a
// session with its id and a timeout that may be is committed, and only by its own
// trace or by none; after anything else the hold is as it was.
func FuzzPut(f *testing.F) {
	h, m := fuzzed(f)
	const trace = "0af7651916cd43dd8448eb211c80319c"
	f.Add(update(testID, "n", "1"), "00-"+trace+"-b7ad6b7169203331-01")
	f.Add(update(strings.ToUpper(testID), "user", `"ann"`, "n", "null"), "")
	f.Add(update(otherID, "n", "1"), "00-"+strings.Repeat("1", 32)+"-b7ad6b7169203331-01")
	f.Add(wire.Append(nil, &wire.Session{Header: wire.Header{ID: testID, Abandoned: true}}), "ff-"+trace+"-1-1")
	f.Add(wire.Append(nil, &wire.Session{Header: wire.Header{ID: testID, Timeout: 525_601}}), "00-"+strings.Repeat("0", 32)+"--")
	f.Add([]byte("<html>"), "00")
	f.Fuzz(func(t *testing.T, body []byte, parent string) {
		held, err := m.Hold(t.Context(), session.HoldRequest{ID: testID, Client: "shop", Trace: trace, Detached: true, Limit: time.Minute})
		must(t, err)
		defer held.Release(context.Background())
		r := httptest.NewRequest(http.MethodPut, remoteapp.DefaultPath, bytes.NewReader(body))
		r.Header.Set(keyHeader, shopKey)
		r.Header.Set("Cookie", "ASP.NET_SessionId="+testID)
		if parent != "" {
			r.Header["Traceparent"] = []string{parent}
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		sent, _, err := wire.Decode(body, m.Limits())
		mine := traceOf(parent) == "" || traceOf(parent) == trace
		good := err == nil && strings.EqualFold(sent.ID, testID) && (sent.Abandoned || 1 <= sent.Timeout && sent.Timeout <= 525_600)
		if want := mine && good; (w.Code == http.StatusOK) != want || !want && w.Code != http.StatusBadRequest {
			t.Fatalf("%d %s, want it committed: %t (decoded: %v)", w.Code, w.Body, want, err)
		}
		standing, err := held.Standing(t.Context())
		if holds := standing == session.Holding; err != nil || holds == (mine && good) {
			t.Errorf("it is held: %t, %v", holds, err)
		}
	})
}

// keyForm is what an API key must be: a GUID in one of its five forms.
var keyForm = regexp.MustCompile(`^(?:` + digits32 + `|` + hyphened + `|\{` + hyphened + `\}|\(` + hyphened + `\))$`)

const (
	digits32 = `[0-9A-Fa-f]{32}`
	hyphened = `[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}`
)

func FuzzCheckKey(f *testing.F) {
	for _, key := range []string{shopKey, "{" + shopKey + "}", "(" + shopKey + ")", strings.ReplaceAll(shopKey, "-", ""),
		"{" + shopKey + ")", "{{" + shopKey + "}}", strings.Repeat("0", 32), strings.Repeat("A", 32), "", "g" + shopKey[1:]} {
		f.Add(key)
	}
	f.Fuzz(func(t *testing.T, key string) {
		err := remoteapp.CheckKey(key)
		hex := strings.Trim(strings.ReplaceAll(key, "-", ""), "{}()")
		guessed := hex == "" || strings.Trim(hex, hex[:1]) == ""
		if want := keyForm.MatchString(key) && !guessed; (err == nil) != want {
			t.Errorf("%q: %v, want it to be a key: %t", key, err, want)
		}
		if err != nil && len(hex) > 20 && strings.Contains(err.Error(), hex) {
			t.Errorf("the complaint %q has the key in it", err)
		}
	})
}

// An answering is a transport over which anything is answered.
type answering func(*http.Request) *http.Response

func (a answering) RoundTrip(r *http.Request) (*http.Response, error) { return a(r), nil }

// asks returns a client that asks a transport.
func asks(t *testing.T, mode remoteapp.ClientMode, transport answering) *remoteapp.Client {
	c, err := remoteapp.NewClient(remoteapp.ClientOptions{
		RemoteAppURL: "https://owner.test", APIKey: shopKey, Mode: mode, Transport: transport, Logger: slog.New(slog.DiscardHandler),
	})
	must(t, err)
	t.Cleanup(c.Close)
	return c
}

func answered(r *http.Request, status int, contentType string, body io.ReadCloser) *http.Response {
	res := &http.Response{Status: http.StatusText(status), StatusCode: status, Proto: "HTTP/2.0", ProtoMajor: 2, Body: body, Request: r, ContentLength: -1, Header: http.Header{}}
	res.Header.Set("Content-Type", contentType)
	return res
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/sessionbridge/session"
)

// What the tap reads of the protocol.
const (
	keyHeader      = "X-SystemWebAdapter-RemoteAppAuthentication-Key"
	readOnlyHeader = "X-SystemWebAdapter-RemoteAppSession-ReadOnly"
	cookieName     = "ASP.NET_SessionId"
)

// Outcomes of exchanges, as the panel names them.
const (
	outcomeRead      = "read"
	outcomeSent      = "sent back" // not answered yet
	outcomeCommitted = "committed"
	outcomeReleased  = "released"  // nothing came back
	outcomeUnchanged = "unchanged" // it came back as it was
	outcomeRefused   = "refused"
	outcomeFailed    = "failed"
)

// A tap is a proxy to the session endpoint of the old shop, which writes what
// passes into a journal.
type tap struct {
	journal *journal
	callers map[string]string // names by API key
	proxy   *httputil.ReverseProxy
	via     sameProtocol
}

func newTap(j *journal, target *url.URL, callers map[string]string, log *slog.Logger) *tap {
	t := &tap{journal: j, callers: callers, via: newSameProtocol()}
	t.proxy = &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
		},
		Transport:     t.via,
		FlushInterval: -1, // a session that is held leaves at once
		ErrorLog:      slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	return t
}

// close closes the connections to the old shop.
func (t *tap) close() {
	t.via.one.CloseIdleConnections()
	t.via.two.CloseIdleConnections()
}

// ServeHTTP passes one request of an exchange on.
func (t *tap) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPut {
		t.put(w, r)
		return
	}
	e := t.journal.begin(fact{
		Kind: kindOf(r), Who: t.callers[r.Header.Get(keyHeader)],
		Page: t.journal.pages.find(r.Header.Get(traceHeader)), Session: hashOf(r.CookiesNamed(cookieName)),
	})
	seen := &tapped{ResponseWriter: w, entry: e, kind: kindOf(r)}
	r.Body = &countedBody{ReadCloser: r.Body, count: seen.back}
	defer func() { e.end(seen.outcome()) }() // also of an exchange that is broken off by a panic
	t.proxy.ServeHTTP(seen, r)
}

// put passes the PUT on that ends a GET, and writes both down as one exchange.
func (t *tap) put(w http.ResponseWriter, r *http.Request) {
	hash := hashOf(r.CookiesNamed(cookieName))
	e := t.journal.holder(hash)
	if e == nil {
		e = t.journal.begin(fact{Kind: "PUT", Who: t.callers[r.Header.Get(keyHeader)], Session: hash})
		defer e.end(outcomeRefused)
	}
	e.settle(outcomeSent) // the GET may end first
	seen := &tapped{ResponseWriter: w, entry: e, kind: r.Method}
	r.Body = &countedBody{ReadCloser: r.Body, count: seen.back}
	t.proxy.ServeHTTP(seen, r)
	if seen.status/100 == 2 {
		e.settle(outcomeCommitted)
	} else {
		e.settle(outcomeRefused)
	}
}

// kindOf tells exchanges apart.
func kindOf(r *http.Request) string {
	readOnly, err := strconv.ParseBool(strings.ToLower(r.Header.Get(readOnlyHeader)))
	switch {
	case r.Method == http.MethodPost:
		return kindDuplex
	case r.Method == http.MethodGet && err == nil && readOnly:
		return kindRead
	case r.Method == http.MethodGet:
		return kindHold
	}
	return r.Method
}

// hashOf returns the short hash of the session that cookies name, or "".
func hashOf(cookies []*http.Cookie) string {
	for _, c := range cookies {
		if id, ok := session.ParseID(c.Value); ok && c.Name == cookieName {
			return session.HashID(id)
		}
	}
	return ""
}

// tapped is the answer to a request of an exchange, and what is seen of both.
type tapped struct {
	http.ResponseWriter
	entry  *entry
	kind   string
	status int

	mu       sync.Mutex
	out, got head // the session on its way out, and back
	verdict  head // what a POST is answered after that
}

// Unwrap lets the proxy flush.
func (t *tapped) Unwrap() http.ResponseWriter { return t.ResponseWriter }

// WriteHeader notes that the session is there.
func (t *tapped) WriteHeader(status int) {
	if t.status == 0 && status >= 200 {
		t.status = status
		if t.kind != http.MethodPut && status < 300 {
			t.entry.grant(hashOf((&http.Response{Header: t.Header()}).Cookies()))
		}
	}
	t.ResponseWriter.WriteHeader(status)
}

// Write notes what is sent.
func (t *tapped) Write(p []byte) (int, error) {
	n, err := t.ResponseWriter.Write(p)
	if t.kind == http.MethodPut || len(bytes.Trim(p[:n], "\r\n")) == 0 { // newlines are a sign of life
		return n, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.got.length > 0 {
		t.verdict.add(p[:n])
		return n, err
	}
	t.out.add(p[:n])
	t.entry.update(func(f *fact) { f.Sent = t.out.length })
	return n, err
}

// back notes what comes back.
func (t *tapped) back(p []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.got.add(p)
	t.entry.update(func(f *fact) { f.Got = t.got.length })
}

// outcome says how an exchange ended, from what was seen of it.
func (t *tapped) outcome() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.status == 0:
		return outcomeReleased // who asked has left before its turn
	case t.status >= 300:
		return strconv.Itoa(t.status)
	case t.kind == kindRead:
		return outcomeRead
	case t.kind != kindDuplex || t.got.length == 0:
		return outcomeReleased
	case !bytes.Contains(t.verdict.first, []byte(`"s":true`)):
		return outcomeRefused
	case t.got.equal(t.out):
		return outcomeUnchanged
	}
	return outcomeCommitted
}

// headSize is how much of a session is compared.
const headSize = 64 << 10

// A head is the first bytes of something, and how long it is.
type head struct {
	first  []byte
	length int
}

func (h *head) add(p []byte) {
	h.length += len(p)
	h.first = append(h.first, p[:min(len(p), headSize-len(h.first))]...)
}

func (h *head) equal(other head) bool {
	return h.length == other.length && h.length <= headSize && bytes.Equal(h.first, other.first)
}

// A countedBody is a request's body that tells what of it was read.
type countedBody struct {
	io.ReadCloser
	count func(p []byte)
}

func (b *countedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if n > 0 {
		b.count(p[:n])
	}
	return n, err
}

// sameProtocol sends a request on by the version of HTTP that it came by: a
// session that goes out and comes back in one exchange needs HTTP/2.
type sameProtocol struct{ one, two *http.Transport }

func newSameProtocol() sameProtocol {
	two := newTransport()
	two.Protocols = new(http.Protocols)
	two.Protocols.SetUnencryptedHTTP2(true)
	return sameProtocol{newTransport(), two}
}

// RoundTrip implements http.RoundTripper.
func (p sameProtocol) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.ProtoMajor == 2 {
		return p.two.RoundTrip(r)
	}
	return p.one.RoundTrip(r)
}

// newTransport returns a transport between parts of the demo: no limit on how
// long an exchange lasts, and no proxy.
func newTransport() *http.Transport {
	return &http.Transport{MaxIdleConnsPerHost: 16, IdleConnTimeout: 30 * time.Second, DisableCompression: true}
}

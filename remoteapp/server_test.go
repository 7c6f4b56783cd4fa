// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package remoteapp_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/internal/memhttp"
	"github.com/sessionbridge/session/memstore"
	"github.com/sessionbridge/session/remoteapp"
	"github.com/sessionbridge/session/wire"
)

const (
	testID     = "x5b3ijpyk0sh4ml2l4v5ydgf"
	otherID    = "aaaaaaaaaaaaaaaaaaaaaaaa"
	shopKey    = "5b3a9c1e-7d24-4f60-8a19-c2d3e4f5a6b7"
	scopedKey  = "6c4b0d2f-8e35-4071-9b2a-d3e4f5a6b7c8"
	lenientKey = "7d5c1e30-9f46-4182-8c3b-e4f5a6b7c8d9"

	keyHeader      = "X-SystemWebAdapter-RemoteAppAuthentication-Key"
	readOnlyHeader = "X-SystemWebAdapter-RemoteAppSession-ReadOnly"
)

var testClients = []remoteapp.HandlerClient{
	{Name: "shop", Keys: []string{"00000000-0000-0000-0000-00000000000a", shopKey}, Replace: true},
	{Name: "scoped", Keys: []string{scopedKey}, Scope: []string{"cart*"}},
	{Name: "lenient", Keys: []string{lenientKey}},
}

// setup says how a server of a test differs from the usual one.
type setup struct {
	store     session.Store // nil: a new memstore
	manager   session.ManagerOptions
	handler   remoteapp.HandlerOptions
	configure func(*http.Server) // nil: PrepareServer
}

// A server is a Handler that is served in memory.
type server struct {
	*memhttp.Server
	t       *testing.T
	store   session.Store
	manager *session.Manager
	handler *remoteapp.Handler
	log     *lockedBuffer

	mu        sync.Mutex
	exchanges []remoteapp.Exchange
}

func serve(t *testing.T, o setup) *server {
	t.Helper()
	if o.store == nil {
		store, err := memstore.New(memstore.Options{})
		must(t, err)
		o.store = store
	}
	logged := new(lockedBuffer)
	log := slog.New(slog.NewTextHandler(io.MultiWriter(t.Output(), logged), nil))
	t.Cleanup(func() { logged.wantNoSecrets(t) })
	o.manager.Logger, o.handler.Logger = log, log
	manager, err := session.OpenManager(t.Context(), o.store, o.manager)
	must(t, err)
	t.Cleanup(manager.Close)
	s := &server{t: t, store: o.store, manager: manager, log: logged}
	o.handler.Clients = testClients
	o.handler.Observe = func(x remoteapp.Exchange) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.exchanges = append(s.exchanges, x)
	}
	s.handler, err = remoteapp.NewHandler(manager, o.handler)
	must(t, err)
	if o.configure == nil {
		o.configure = remoteapp.PrepareServer
	}
	s.Server = memhttp.New(t, s.handler, o.configure)
	return s
}

// outcomes returns kind and outcome of the exchanges that are over, sorted, and
// forgets them.
func (s *server) outcomes() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []string
	for _, x := range s.exchanges {
		all = append(all, x.Kind+" "+x.Outcome)
	}
	slices.Sort(all)
	s.exchanges = nil
	return strings.Join(all, ", ")
}

// nothingHeld fails if a session is held or waited for.
func (s *server) nothingHeld() {
	s.t.Helper()
	if stats := s.manager.Stats(); stats.Holds != 0 || stats.Waiters != 0 {
		s.t.Errorf("%d holds and %d waiters are left, want none", stats.Holds, stats.Waiters)
	}
	for _, id := range []string{testID, otherID} {
		if item, err := s.store.Get(context.Background(), id, session.GetOptions{}); err == nil && item.Hold.Token != 0 {
			s.t.Errorf("the store says that %q holds the session", item.Hold.Client)
		}
	}
}

// A call is one request to a server.
type call struct {
	method   string
	url      string // "": the server's
	id       string // session cookie; "" for none
	key      string // "": the shop's; "-": none
	readOnly bool
	trace    string // hex digits of the trace id
	header   http.Header
	body     io.Reader
	length   int64 // of the body, if it is to be sent with a Content-Length
	client   *http.Client
}

func (s *server) request(ctx context.Context, c call) *http.Request {
	s.t.Helper()
	if c.url == "" {
		c.url = s.URL()
	}
	r, err := http.NewRequestWithContext(ctx, c.method, c.url+remoteapp.DefaultPath, c.body)
	must(s.t, err)
	if c.length != 0 {
		r.ContentLength = c.length
	}
	for name, values := range c.header {
		r.Header[name] = values
	}
	if c.id != "" {
		r.Header.Add("Cookie", "ASP.NET_SessionId="+c.id)
	}
	if c.key == "" {
		c.key = shopKey
	}
	if c.key != "-" {
		r.Header.Set(keyHeader, c.key)
	}
	if c.method != http.MethodPut {
		r.Header.Set(readOnlyHeader, map[bool]string{true: "True", false: "False"}[c.readOnly])
	}
	if c.trace != "" {
		r.Header.Set("Traceparent", "00-"+strings.Repeat("0", 32-len(c.trace))+c.trace+"-b7ad6b7169203331-01")
	}
	return r
}

// send sends a request and returns the answer as its headers arrive.
func (s *server) send(c call) *http.Response {
	s.t.Helper()
	res, err := c.client.Do(s.request(s.t.Context(), c))
	must(s.t, err)
	s.t.Cleanup(func() { res.Body.Close() })
	return res
}

// do sends a request and returns the answer with its whole body.
func (s *server) do(c call) (*http.Response, []byte) {
	s.t.Helper()
	res := s.send(c)
	body, err := io.ReadAll(res.Body)
	must(s.t, err)
	return res, body
}

// read reads a session of a client.
func (s *server) read(client *http.Client, key string) wire.Session {
	s.t.Helper()
	res, body := s.do(call{method: "GET", id: testID, key: key, readOnly: true, client: client, url: s.base(client)})
	if res.StatusCode != http.StatusOK {
		s.t.Fatalf("read: %s: %s", res.Status, body)
	}
	got, n, err := wire.Decode(body, wire.Limits{})
	must(s.t, err)
	if n != len(body) {
		s.t.Errorf("%d bytes follow the session", len(body)-n)
	}
	return got
}

// base returns where the server is for a client.
func (s *server) base(client *http.Client) string {
	if p := client.Transport.(*http.Transport).Protocols; p.HTTP2() {
		return s.TLSURL()
	}
	return s.URL()
}

// text returns the items of a session as key=value pairs.
func text(s wire.Session) string {
	var pairs []string
	for _, item := range s.Items {
		pairs = append(pairs, item.Key+"="+string(item.Value))
	}
	return strings.Join(pairs, " ")
}

// update returns the bytes of a session with keys and values in turn.
func update(id string, keysAndValues ...string) []byte {
	s := wire.Session{Header: wire.Header{ID: id, Timeout: 20}}
	for i := 0; i < len(keysAndValues); i += 2 {
		s.Items = append(s.Items, wire.Item{Key: keysAndValues[i], Value: []byte(keysAndValues[i+1])})
	}
	return wire.Append(nil, &s)
}

// A held is a session that a test holds by GET or POST.
type held struct {
	s       *server
	res     *http.Response
	session wire.Session
	cancel  context.CancelFunc
	body    *io.PipeWriter // POST only
	call    call
}

// hold opens a session by a writeable GET.
func (s *server) hold(c call) *held {
	s.t.Helper()
	c.method = "GET"
	return s.open(c)
}

// post opens a session by a POST whose body stays open.
func (s *server) post(c call) *held {
	s.t.Helper()
	c.method = "POST"
	reader, writer := io.Pipe()
	c.body = reader
	h := s.open(c)
	h.body = writer
	return h
}

func (s *server) open(c call) *held {
	s.t.Helper()
	if c.url == "" {
		c.url = s.base(c.client)
	}
	ctx, cancel := context.WithCancel(s.t.Context())
	s.t.Cleanup(cancel)
	res, err := c.client.Do(s.request(ctx, c))
	must(s.t, err)
	if res.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(res.Body)
		s.t.Fatalf("hold: %s: %s", res.Status, body)
	}
	h := &held{s: s, res: res, cancel: cancel, call: c}
	h.session, err = wire.Read(res.Body, wire.Limits{})
	must(s.t, err)
	return h
}

// put commits a session that a GET holds.
func (h *held) put(body []byte) (*http.Response, []byte) {
	h.s.t.Helper()
	c := h.call
	c.method, c.id = "PUT", h.session.ID
	c.body = io.MultiReader(bytes.NewReader(body)) // of unknown length: chunked
	return h.s.do(c)
}

// end reads what is left of the response to its end.
func (h *held) end() string {
	h.s.t.Helper()
	rest, err := io.ReadAll(h.res.Body)
	must(h.s.t, err)
	return string(rest)
}

// commit sends a session back on a POST and returns the answer.
func (h *held) commit(body []byte) answer {
	h.s.t.Helper()
	h.body.Write(body)
	h.body.Close()
	return h.answer()
}

type answer struct {
	Success bool   `json:"s"`
	Message string `json:"m"`
}

func (h *held) answer() answer {
	h.s.t.Helper()
	rest := h.end()
	var a answer
	if err := json.Unmarshal([]byte(rest), &a); err != nil {
		h.s.t.Fatalf("answer %q: %v", rest, err)
	}
	return a
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// since fails unless exactly d has passed in the bubble.
func since(t *testing.T, start time.Time, d time.Duration) {
	t.Helper()
	if got := time.Since(start); got != d {
		t.Errorf("it took %s, want %s", got, d)
	}
}

// A brokenStore fails where it is told to.
type brokenStore struct {
	session.Store
	get, put func() error
}

func (b *brokenStore) Get(ctx context.Context, id string, o session.GetOptions) (session.Item, error) {
	if b.get != nil {
		if err := b.get(); err != nil {
			return session.Item{}, err
		}
	}
	return b.Store.Get(ctx, id, o)
}

func (b *brokenStore) Put(ctx context.Context, id string, token uint64, data []byte, o session.PutOptions) error {
	if b.put != nil {
		if err := b.put(); err != nil {
			return err
		}
	}
	return b.Store.Put(ctx, id, token, data, o)
}

var errBroken = errors.New("disk on fire")

func contextWithTimeout(t *testing.T, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(t.Context(), d)
}

// A lockedBuffer is a log that many write to.
type lockedBuffer struct {
	mu  sync.Mutex
	log bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.log.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.log.String()
}

// wantNoSecrets fails if the log has a session id or a key.
func (b *lockedBuffer) wantNoSecrets(t *testing.T) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, secret := range []string{testID, otherID, shopKey, scopedKey, lenientKey} {
		if strings.Contains(b.log.String(), secret) {
			t.Errorf("the log has %q:\n%s", secret, b.log.String())
		}
	}
}

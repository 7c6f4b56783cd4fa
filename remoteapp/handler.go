// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package remoteapp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/internal/seldom"
)

// HandlerOptions say how a [Handler] serves. Clients are required; any other
// field that is zero means its default.
type HandlerOptions struct {
	Clients   []HandlerClient
	KeyHeader string // header of the API key; "" means Microsoft's
	Cookie    Cookie

	// While another writer waits, a hold of a POST may become as old as
	// DuplexHoldLimit (0 means 10 s): Microsoft's client says nothing when a
	// page fails. One of a GET may become GetHoldLimit (0 means 50 s): while
	// its response is open, its page lives.
	DuplexHoldLimit time.Duration
	GetHoldLimit    time.Duration

	// Heartbeat is the time between the newlines that a held GET is sent, for
	// proxies that close silent connections. 0 means 15 s, less than 0 none.
	Heartbeat time.Duration

	Logger  *slog.Logger   // nil means slog.Default()
	Observe func(Exchange) // called after each exchange, from its goroutine; nil: nobody is told
}

// Check returns all that is wrong with the options, or nil.
func (o HandlerOptions) Check() error {
	_, err := newClients("", o.Clients)
	errs := []error{err, o.checkKeyHeader(), o.Cookie.check()}
	for _, d := range []struct {
		name  string
		value time.Duration
	}{{"duplex hold limit", o.DuplexHoldLimit}, {"get hold limit", o.GetHoldLimit}} {
		if d.value < 0 {
			errs = append(errs, fmt.Errorf("%s is %s, want 0 or more", d.name, d.value))
		}
	}
	return errors.Join(errs...)
}

// checkKeyHeader checks that clients can send a header of the name.
func (o HandlerOptions) checkKeyHeader() error {
	if o.KeyHeader != "" && !isToken(o.KeyHeader) {
		return fmt.Errorf("key header %q is no name of a header", o.KeyHeader)
	}
	return nil
}

// withDefaults returns the options with every zero field filled in.
func (o HandlerOptions) withDefaults() HandlerOptions {
	o.KeyHeader = cmp.Or(o.KeyHeader, defaultKeyHeader)
	o.Cookie = o.Cookie.withDefaults()
	o.DuplexHoldLimit = cmp.Or(o.DuplexHoldLimit, 10*time.Second)
	o.GetHoldLimit = cmp.Or(o.GetHoldLimit, 50*time.Second)
	o.Heartbeat = cmp.Or(o.Heartbeat, 15*time.Second)
	o.Logger = cmp.Or(o.Logger, slog.Default())
	return o
}

// A Handler is the owner's end of the protocol: an [http.Handler] that lets
// clients use the sessions of a [session.Manager]. Mount it in any mux, at the
// path that clients ask for ([DefaultPath]), on a server that [PrepareServer]
// has prepared. Any Handler whose Manager has the same store takes the PUT of a
// session that another one holds.
type Handler struct {
	manager *session.Manager
	opts    HandlerOptions
	clients *clients
	log     *slog.Logger
	headers sharedHeaders

	noMore   context.Context // ends when no session is opened for writing any more
	refuse   context.CancelFunc
	broken   context.Context // ends when open exchanges must end
	breakOff context.CancelCauseFunc

	unauthorized seldom.Gate // complaints of requests without a valid key

	mu      sync.Mutex
	open    int        // requests under way
	writing int        // those of them that hold a session, or commit one
	changed *sync.Cond // one of the two has become less
}

// NewHandler returns a Handler. The error names all that is wrong with the
// options.
func NewHandler(m *session.Manager, o HandlerOptions) (*Handler, error) {
	if err := o.Check(); err != nil {
		return nil, fmt.Errorf("remote app handler: %w", err)
	}
	o = o.withDefaults()
	known, err := newClients(http.CanonicalHeaderKey(o.KeyHeader), o.Clients)
	if err != nil {
		return nil, err
	}
	h := &Handler{manager: m, opts: o, clients: known, log: o.Logger, headers: newSharedHeaders()}
	h.changed = sync.NewCond(&h.mu)
	h.noMore, h.refuse = context.WithCancel(context.Background())
	h.broken, h.breakOff = context.WithCancelCause(context.Background())
	return h, nil
}

// sharedHeaders are header values that are the same in many answers, made once.
type sharedHeaders struct{ noStore, noBuffering, readOnly, held []string }

func newSharedHeaders() sharedHeaders {
	return sharedHeaders{
		noStore: []string{"no-store"}, noBuffering: []string{"no"},
		readOnly: []string{readOnlyType}, held: []string{heldType},
	}
}

// ServeHTTP serves one exchange of the protocol, whatever the request's path.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.count(1, 0)
	defer h.count(-1, 0)
	x := exchange{h: h, w: w, r: r, seen: Exchange{Kind: "other"}, began: time.Now()}
	defer x.finish()
	if err := x.serve(); err != nil {
		x.refuse(refuse(err))
	}
}

// Shutdown ends the Handler's work: from now on no session is opened for
// writing, and those that are open may be committed until ctx is done. What is
// open then is released unfinished; the error tells how many. It returns when no
// request is left, and serves none after that: they are refused. The server must
// accept connections until then, because a PUT may come on a new one.
func (h *Handler) Shutdown(ctx context.Context) error {
	h.refuse()
	left := h.awaitWriters(ctx)
	h.breakOff(session.ErrClosed)
	h.mu.Lock()
	defer h.mu.Unlock()
	for h.open > 0 {
		h.changed.Wait()
	}
	if left == 0 {
		return nil
	}
	return fmt.Errorf("%d exchanges were broken off unfinished: %w", left, context.Cause(ctx))
}

// awaitWriters waits until nothing is held or being committed, or ctx is done,
// and returns how many there are then.
func (h *Handler) awaitWriters(ctx context.Context) int {
	defer context.AfterFunc(ctx, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.changed.Broadcast()
	})()
	h.mu.Lock()
	defer h.mu.Unlock()
	for h.writing > 0 && ctx.Err() == nil {
		h.changed.Wait()
	}
	return h.writing
}

// count counts requests and, among them, exchanges that write.
func (h *Handler) count(open, writing int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.open += open
	h.writing += writing
	if open < 0 || writing < 0 {
		h.changed.Broadcast()
	}
}

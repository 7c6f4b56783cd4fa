// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/memstore"
	"github.com/sessionbridge/session/remoteapp"
)

const clientName = "shop"

// paths of the baselines, on the server of what is compared with them.
const (
	pathRead   = "/null/read"
	pathCycle  = "/null/cycle"
	pathDuplex = "/null/duplex"
	pathHeld   = "/null/held"
	pathBeaten = "/null/beaten"
	pathOurs   = remoteapp.DefaultPath
)

// An owner is what owns the sessions: manager and handler.
type owner struct {
	manager *session.Manager
	handler *remoteapp.Handler
}

// newOwner returns an owner of as many sessions of 1 KB in memory.
func newOwner(ctx context.Context, stored, keys int, o session.ManagerOptions) (*owner, error) {
	store, err := memstore.New(memstore.Options{MaxBytes: 8 << 30, MaxItems: stored + 100_000})
	if err != nil {
		return nil, err
	}
	if err := fill(ctx, store, stored, keys); err != nil {
		return nil, err
	}
	return ownerOf(ctx, store, o)
}

// fill stores sessions, many at once.
func fill(ctx context.Context, s session.Store, n, keys int) error {
	var next atomic.Int64
	var all sync.WaitGroup
	errs := make(chan error, 64)
	data := items(keys, 'a')
	for range cap(errs) {
		all.Go(func() {
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				if err := s.Put(ctx, sessionID(int(i)), 0, data, session.PutOptions{Timeout: timeout}); err != nil {
					errs <- err
					return
				}
			}
		})
	}
	all.Wait()
	close(errs)
	return <-errs
}

// ownerOf returns an owner of the sessions in a store.
func ownerOf(ctx context.Context, store session.Store, o session.ManagerOptions) (*owner, error) {
	o.Logger = slog.New(slog.DiscardHandler)
	manager, err := session.OpenManager(ctx, store, o)
	if err != nil {
		return nil, err
	}
	handler, err := remoteapp.NewHandler(manager, remoteapp.HandlerOptions{
		Clients: []remoteapp.HandlerClient{{Name: clientName, Keys: []string{apiKey}}}, Logger: o.Logger,
	})
	if err != nil {
		manager.Close()
		return nil, err
	}
	return &owner{manager, handler}, nil
}

// routes returns the handler of ours and of the baselines.
func (o *owner) routes() *http.ServeMux {
	mux := http.NewServeMux()
	body := sessionBytes(sessionID(0), items(sampleKeys, 'a'))
	held := append(body[:len(body):len(body)], '\n')
	mux.Handle(pathOurs, o.handler)
	mux.Handle(pathRead, nullRead(body))
	mux.Handle(pathCycle, &nullCycle{body: held, held: make(map[string]chan struct{})})
	mux.Handle(pathDuplex, nullDuplex(body))
	mux.Handle(pathHeld, nullHeld(held, 0))
	mux.Handle(pathBeaten, nullHeld(held, heartbeat))
	return mux
}

// sampleKeys is how many keys a session has where that does not matter.
const sampleKeys = 10

// newServer returns a server as a user makes one.
func newServer(h http.Handler) *http.Server {
	s := &http.Server{Handler: h}
	remoteapp.PrepareServer(s)
	return s
}

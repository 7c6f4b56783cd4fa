// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"log/slog"
	"net/http"

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

// An owner is what owns the sessions: store, manager and handler.
type owner struct {
	store   *memstore.Store
	manager *session.Manager
	handler *remoteapp.Handler
}

// newOwner returns an owner of as many sessions of 1 KB.
func newOwner(ctx context.Context, stored, keys int, o session.ManagerOptions) (*owner, error) {
	store, err := memstore.New(memstore.Options{MaxBytes: 8 << 30, MaxItems: stored + 100_000})
	if err != nil {
		return nil, err
	}
	for i := range stored {
		if err := store.Put(ctx, sessionID(i), 0, items(keys, 'a'), session.PutOptions{Timeout: timeout}); err != nil {
			return nil, err
		}
	}
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
	return &owner{store, manager, handler}, nil
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

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/url"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/memstore"
	"github.com/sessionbridge/session/remoteapp"
)

// An oldShop is a Go stand-in for the old ASP.NET application: a server of its
// own that has pages, keeps their sessions, and lets other programs use them.
type oldShop struct {
	store    *memstore.Store
	manager  *session.Manager
	sessions *remoteapp.Handler
	server   *server
	log      *slog.Logger
}

var _ owner = (*oldShop)(nil)

func openOldShop(ctx context.Context, s *shop, j *journal, clients []remoteapp.HandlerClient, failed chan<- error) (_ *oldShop, err error) {
	o := &oldShop{log: s.log}
	defer func() {
		if err != nil {
			err = errors.Join(err, o.close(ctx))
		}
	}()
	if o.store, err = memstore.New(memstore.Options{}); err != nil {
		return nil, err
	}
	if o.manager, err = session.OpenManager(ctx, o.store, session.ManagerOptions{Logger: s.log}); err != nil {
		return nil, err
	}
	if o.sessions, err = remoteapp.NewHandler(o.manager, remoteapp.HandlerOptions{Clients: clients, Logger: s.log}); err != nil {
		return nil, err
	}
	pages, err := s.handler(journalled{o.manager, j, "old shop"})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle(remoteapp.DefaultPath, o.sessions)
	mux.Handle("/", pages)
	o.server, err = startServer(ctx, "127.0.0.1:0", mux, s.log, failed)
	return o, err
}

func (o *oldShop) endpoint() *url.URL { return o.server.url }

// pages passes requests on to the shop's own server.
func (o *oldShop) pages() http.Handler {
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(o.server.url)
			r.Out.Host = r.In.Host
		},
		ErrorLog: slog.NewLogLogger(o.log.Handler(), slog.LevelDebug),
	}
}

func (o *oldShop) close(ctx context.Context) (err error) {
	if o.sessions != nil {
		err = o.sessions.Shutdown(ctx)
	}
	if o.server != nil {
		o.server.close()
	}
	if o.manager != nil {
		o.manager.Close()
	}
	if o.store != nil {
		err = errors.Join(err, o.store.Close())
	}
	return err
}

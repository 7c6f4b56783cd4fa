// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/sessionbridge/session"
)

// storePatience is how long a health check gives the store, in so many tries. One
// answer is enough: where a part of a Redis cluster is gone, all nodes serve the
// sessions of the others, and none of them should be taken out for that.
const (
	storePatience = 2 * time.Second
	storeTries    = 8
)

// unhealthyEvery is how often it is logged, at most, that the store is gone:
// load balancers ask every second.
const unhealthyEvery = 10 * time.Second

// adminHandler serves what operators and their tools ask for.
func (d *Daemon) adminHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", d.serveLife)
	mux.HandleFunc("GET /healthz", d.serveHealth)
	mux.Handle("GET /metrics", d.metrics.handler(d.log))
	return mux
}

// serveLife tells a supervisor that this process need not be started anew: not
// while it drains, nor because its store is gone.
func (d *Daemon) serveLife(w http.ResponseWriter, _ *http.Request) {
	plain(w)
	fmt.Fprintln(w, "ok")
}

// plain sets the headers of an answer in a line.
func plain(w http.ResponseWriter) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
}

// serveHealth tells a load balancer whether to send sessions here.
func (d *Daemon) serveHealth(w http.ResponseWriter, r *http.Request) {
	plain(w)
	if d.draining.Load() {
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprintln(w, "draining")
		return
	}
	if err := d.askStore(r.Context()); err != nil {
		if say, more := d.unhealthy.Pass(unhealthyEvery); say {
			d.log.Error("unhealthy: the store does not answer", "err", err, "more_before", more)
		}
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprintln(w, "the store does not answer")
		return
	}
	fmt.Fprintln(w, "ok")
}

// askStore asks the store for sessions that are not there, until it answers.
func (d *Daemon) askStore(ctx context.Context) (err error) {
	for range storeTries {
		if err = d.askStoreOnce(ctx); err == nil || ctx.Err() != nil {
			return err
		}
	}
	return err
}

func (d *Daemon) askStoreOnce(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, storePatience/storeTries)
	defer cancel()
	_, err := d.store.Get(ctx, session.NewID(), session.GetOptions{})
	if errors.Is(err, session.ErrNotFound) {
		return nil
	}
	return err
}

// newAdminServer returns the server of a handler that answers quickly.
func newAdminServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ErrorLog:          newServerLog(log),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       2 * time.Minute,
	}
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/internal/seldom"
	"github.com/sessionbridge/session/pebblestore"
	"github.com/sessionbridge/session/remoteapp"
)

// A Daemon serves sessions, from Start until Wait or Stop.
type Daemon struct {
	log     *slog.Logger
	delay   time.Duration
	grace   time.Duration
	metrics *metrics

	store   session.Store
	steward *steward // nil if the store is not on disk
	manager *session.Manager
	handler *remoteapp.Handler

	sessions       *http.Server
	admin          *http.Server
	listeners      []listener // of sessions, as configured
	adminListeners []listener // one or none

	draining  atomic.Bool
	unhealthy seldom.Gate // of complaints that the store is gone

	serving sync.WaitGroup // what accepts connections
	failed  context.Context
	fail    context.CancelCauseFunc // with why it can't go on: a listener accepts no more, or the store has stopped
}

// Run serves sessions until ctx is done, then lets those that are held finish.
// It tells the URLs of its listeners on stdout once they accept connections. A
// *ConfigError means that it can't start this way. That ctx is done before it
// serves is no error.
func Run(ctx context.Context, c Config, stdout io.Writer, log *slog.Logger) error {
	d, err := Start(ctx, c, log)
	var config *ConfigError
	switch {
	case err != nil && ctx.Err() != nil && !errors.As(err, &config):
		log.Info("stopped before it served", "err", err)
		return nil
	case err != nil:
		return err
	}
	if err := d.Announce(stdout); err != nil {
		return errors.Join(err, d.Stop())
	}
	return d.Wait(ctx)
}

// Start starts a daemon, which serves when Start returns. It ends with Wait or
// Stop.
func Start(ctx context.Context, c Config, log *slog.Logger) (*Daemon, error) {
	s, err := c.settings(log)
	if err != nil {
		return nil, err
	}
	d := &Daemon{log: log, delay: s.delay, grace: s.grace, metrics: newMetrics(ReadBuild())}
	d.failed, d.fail = context.WithCancelCause(context.Background())
	if err := d.open(ctx, s); err != nil {
		return nil, errors.Join(err, d.close())
	}
	d.note(s)
	d.serve()
	return d, nil
}

// open opens all that can fail, in the order in which it is needed.
func (d *Daemon) open(ctx context.Context, s settings) (err error) {
	store, err := s.store.open(ctx)
	if err != nil {
		return err
	}
	d.store = d.metrics.measure(store)
	d.metrics.store.lost = d.lose
	if onDisk, ok := store.(*pebblestore.Store); ok {
		if d.steward, err = openSteward(onDisk, s.store.file.Dir, d.log); err != nil {
			d.log.Warn("the sessions can't be checked or backed up while this program runs", "err", err)
		}
	}
	if d.manager, err = session.OpenManager(ctx, d.store, s.manager); err != nil {
		return err
	}
	d.metrics.watch(d.manager)
	s.handler.Observe = d.metrics.observe
	if d.handler, err = remoteapp.NewHandler(d.manager, s.handler); err != nil {
		return err
	}
	d.prepare(s)
	return d.listen(ctx, s)
}

// prepare makes the servers.
func (d *Daemon) prepare(s settings) {
	wrong := &wrongPaths{log: d.log, served: s.path, count: d.metrics.wrongPaths.Inc}
	d.sessions = &http.Server{
		Handler:  atPath(s.path, d.handler, wrong.note),
		ErrorLog: newServerLog(d.log),
	}
	if s.certificate != nil {
		d.sessions.TLSConfig = s.certificate.config()
		d.metrics.watchCertificate(s.certificate)
	}
	remoteapp.PrepareServer(d.sessions)
	d.admin = newAdminServer(d.adminHandler(), d.log)
}

// listen opens all listeners, or none.
func (d *Daemon) listen(ctx context.Context, s settings) error {
	for _, a := range s.listen {
		l, err := a.open(ctx, "listen")
		if err != nil {
			return err
		}
		d.listeners = append(d.listeners, l)
	}
	if s.admin.text == "" {
		return nil
	}
	l, err := s.admin.open(ctx, "admin.listen")
	if err != nil {
		return err
	}
	d.adminListeners = []listener{l}
	return nil
}

// serve starts to accept connections.
func (d *Daemon) serve() {
	for _, l := range d.listeners {
		d.accept(d.sessions, l)
	}
	for _, l := range d.adminListeners {
		d.accept(d.admin, l)
	}
}

// accept accepts the connections of one listener until its server is closed.
// If it ends otherwise, the daemon does.
func (d *Daemon) accept(server *http.Server, l listener) {
	d.serving.Go(func() {
		serve := server.Serve
		if l.tls {
			serve = func(l net.Listener) error { return server.ServeTLS(l, "", "") }
		}
		if err := serve(l.Listener); !errors.Is(err, http.ErrServerClosed) {
			d.fail(fmt.Errorf("the listener at %s failed: %w", l.url, err))
		}
	})
}

// URLs returns the origins of the session listeners, in the order of their
// settings.
func (d *Daemon) URLs() []string {
	var urls []string
	for _, l := range d.listeners {
		urls = append(urls, l.url)
	}
	return urls
}

// AdminURL returns the origin of the listener for health and metrics, or "".
func (d *Daemon) AdminURL() string {
	for _, l := range d.adminListeners {
		return l.url
	}
	return ""
}

// Announce writes a line "ready URL" for each session listener, and one more,
// "ready URL admin", for the other.
func (d *Daemon) Announce(w io.Writer) error {
	var lines []byte
	for _, url := range d.URLs() {
		lines = fmt.Appendf(lines, "ready %s\n", url)
	}
	if url := d.AdminURL(); url != "" {
		lines = fmt.Appendf(lines, "ready %s admin\n", url)
	}
	if _, err := w.Write(lines); err != nil {
		return fmt.Errorf("telling that the daemon is ready: %w", err)
	}
	return nil
}

// Wait waits until ctx is done, or until a listener or the store fails for good,
// which is an error.
// Then it stops the daemon.
func (d *Daemon) Wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
	case <-d.failed.Done():
	}
	return d.Stop()
}

// Stop stops the daemon and returns when nothing of it is left. The error tells
// whether it has served until now.
func (d *Daemon) Stop() error {
	d.log.Info("shutting down", "delay", d.delay, "grace", d.grace)
	d.draining.Store(true)
	d.linger()
	d.drain()
	err := errors.Join(context.Cause(d.failed), d.close())
	if err == nil {
		d.log.Info("stopped")
	}
	return err
}

// linger serves as before, until load balancers have seen that it is draining:
// who comes by their mistake would be sent away. If a listener or the store has
// failed, that would help nobody.
func (d *Daemon) linger() {
	timer := time.NewTimer(d.delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-d.failed.Done():
	}
}

// lose ends the daemon, whose store can't go on. The next process can open it.
func (d *Daemon) lose(err error) {
	d.fail(fmt.Errorf("the store of this process is lost to it: %w", err))
}

// drain lets sessions that are held be committed. The listeners stay open: a
// PUT may come on a new connection. Where nothing can be committed any more, it
// is over at once: those who hold sessions may still do it at the next process.
func (d *Daemon) drain() {
	ctx, cancel := context.WithTimeout(context.Background(), d.grace)
	defer cancel()
	if errors.Is(context.Cause(d.failed), pebblestore.ErrStopped) {
		cancel()
		d.manager.Close() // else commits go on asking what has become of them
	}
	if err := d.handler.Shutdown(ctx); err != nil {
		d.log.Warn("the grace period is over", "grace", d.grace, "err", err)
	}
}

// lastAnswers is how long connections have to take the rest of their answers.
const lastAnswers = 2 * time.Second

// close closes what is open, in the opposite order of open.
func (d *Daemon) close() error {
	d.closeServer(d.sessions, d.listeners)
	d.closeServer(d.admin, d.adminListeners)
	d.serving.Wait()
	if d.manager != nil {
		d.manager.Close()
	}
	if d.steward != nil {
		d.steward.close()
	}
	if d.store != nil {
		return d.store.Close()
	}
	return nil
}

// closeServer closes the listeners, lets answers that are under way leave, and
// closes the connections.
func (d *Daemon) closeServer(server *http.Server, listeners []listener) {
	if server == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), lastAnswers)
	defer cancel()
	if server.Shutdown(ctx) != nil {
		server.Close() // an error would be that of a listener, which is closed
	}
	for _, l := range listeners {
		l.Close() // it is the server's only if it was served
	}
}

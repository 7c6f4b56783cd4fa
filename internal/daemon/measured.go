// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/pebblestore"
)

// A measured store is one whose calls are timed, and whose failures are counted.
// What a call is about is not told.
type measured struct {
	session.Store
	calls    *prometheus.HistogramVec // by call
	failures *prometheus.CounterVec   // by call and cause
	lost     func(error)              // called when the store can't go on; nil: nobody is told
}

func newMeasured() *measured {
	return &measured{
		calls: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "sessionbridge_store_call_duration_seconds",
			Help:    "Time that calls of the session store took, by call, failures among them.",
			Buckets: storeLatencies(),
		}, []string{"call"}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "sessionbridge_store_failures_total",
			Help: "Calls of the session store that failed, by call and cause (full, damaged, timeout, failed). That a session is not there or is held is no failure.",
		}, []string{"call", "cause"}),
	}
}

// storeLatencies are the bounds of buckets, in seconds: from a read in memory to
// a call that is given up.
func storeLatencies() []float64 {
	return []float64{10e-6, 50e-6, 100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 50e-3, 100e-3, 250e-3, 500e-3, 1, 2.5, 5}
}

// observe notes a call that is over. It is deferred, with the time when the call
// began and the error that it will return.
func (m *measured) observe(call string, began time.Time, err *error) {
	m.calls.WithLabelValues(call).Observe(time.Since(began).Seconds())
	if cause := failure(*err); cause != "" {
		m.failures.WithLabelValues(call, cause).Inc()
	}
	if errors.Is(*err, pebblestore.ErrStopped) && m.lost != nil {
		m.lost(*err)
	}
}

// failure returns why a store has failed; "" if it has not.
func failure(err error) string {
	var locked *session.LockedError
	switch {
	case err == nil, errors.Is(err, session.ErrNotFound), errors.Is(err, session.ErrLockLost), errors.As(err, &locked):
		return ""
	case errors.Is(err, context.Canceled): // whoever asked has gone
		return ""
	case errors.Is(err, session.ErrFull):
		return "full"
	case errors.Is(err, session.ErrDamaged):
		return "damaged"
	case errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	}
	return "failed"
}

func (m *measured) Get(ctx context.Context, id string, o session.GetOptions) (_ session.Item, err error) {
	defer m.observe("get", time.Now(), &err)
	return m.Store.Get(ctx, id, o)
}

func (m *measured) Lock(ctx context.Context, id string, o session.LockOptions) (_ session.Item, err error) {
	defer m.observe("lock", time.Now(), &err)
	return m.Store.Lock(ctx, id, o)
}

func (m *measured) Base(ctx context.Context, id string, token uint64) (_ session.Item, err error) {
	defer m.observe("base", time.Now(), &err)
	return m.Store.Base(ctx, id, token)
}

func (m *measured) Put(ctx context.Context, id string, token uint64, data []byte, o session.PutOptions) (err error) {
	defer m.observe("put", time.Now(), &err)
	return m.Store.Put(ctx, id, token, data, o)
}

func (m *measured) Delete(ctx context.Context, id string, token uint64) (err error) {
	defer m.observe("delete", time.Now(), &err)
	return m.Store.Delete(ctx, id, token)
}

func (m *measured) Unlock(ctx context.Context, id string, token uint64, o session.UnlockOptions) (err error) {
	defer m.observe("unlock", time.Now(), &err)
	return m.Store.Unlock(ctx, id, token, o)
}

func (m *measured) Watch(ctx context.Context, id string) (_ <-chan struct{}, _ func(), err error) {
	defer m.observe("watch", time.Now(), &err)
	return m.Store.Watch(ctx, id)
}

func (m *measured) Beat(ctx context.Context, node string, ttl time.Duration) (_ []string, err error) {
	defer m.observe("beat", time.Now(), &err)
	return m.Store.Beat(ctx, node, ttl)
}

func (m *measured) Expire(ctx context.Context, limit int) (_ []string, _ time.Duration, err error) {
	defer m.observe("expire", time.Now(), &err)
	return m.Store.Expire(ctx, limit)
}

func (m *measured) Learn(ctx context.Context, client string, keys []string) (_ []string, err error) {
	defer m.observe("learn", time.Now(), &err)
	return m.Store.Learn(ctx, client, keys)
}

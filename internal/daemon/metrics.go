// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"cmp"
	"log/slog"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/remoteapp"
)

// metrics are the figures of a daemon, in a registry of their own.
type metrics struct {
	registry  *prometheus.Registry
	exchanges *prometheus.CounterVec
	durations *prometheus.HistogramVec
	lockWaits prometheus.Histogram

	wrongPaths prometheus.Counter
	store      *measured
}

// latencies are the bounds of buckets, in seconds: from a read in memory to a
// writer that waits for its turn as long as it may.
func latencies() []float64 {
	return []float64{50e-6, 100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 50e-3, 100e-3, 250e-3, 500e-3, 1, 2.5, 5, 10, 30, 60}
}

func newMetrics(b Build) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		exchanges: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "sessionbridge_exchanges_total",
			Help: "Exchanges that are over, by kind, client (none: it had no valid key) and outcome.",
		}, []string{"kind", "client", "outcome"}),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "sessionbridge_exchange_duration_seconds",
			Help:    "Time from a request to its end. That of a get or post has the client's page in it.",
			Buckets: latencies(),
		}, []string{"kind"}),
		lockWaits: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "sessionbridge_lock_wait_seconds",
			Help:    "Time that writers waited until they had the session.",
			Buckets: latencies(),
		}),
	}
	m.store = newMeasured()
	m.wrongPaths = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "sessionbridge_wrong_path_total",
		Help: "Requests for another path than the one that is served.",
	})
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "sessionbridge_build_info", Help: "What this program was built from. Always 1.",
		ConstLabels: prometheus.Labels{"version": b.Version, "revision": b.Revision, "goversion": b.Go},
	})
	build.Set(1)
	m.registry.MustRegister(m.exchanges, m.durations, m.lockWaits, m.wrongPaths, m.store.calls, m.store.failures, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// observe counts an exchange.
func (m *metrics) observe(x remoteapp.Exchange) {
	m.exchanges.WithLabelValues(x.Kind, cmp.Or(x.Client, "none"), x.Outcome).Inc()
	m.durations.WithLabelValues(x.Kind).Observe(x.Took.Seconds())
	if writes := x.Kind == "get" || x.Kind == "post"; writes && x.Sent > 0 {
		m.lockWaits.Observe(x.Waited.Seconds())
	}
}

// measure returns the store with its calls measured. A store that knows how
// many sessions it has is asked for that.
func (m *metrics) measure(store session.Store) session.Store {
	if counted, ok := store.(interface{ Len() int }); ok {
		m.gauge("sessionbridge_sessions", "Sessions in the store.", func() float64 { return float64(counted.Len()) })
	}
	if weighed, ok := store.(interface{ Bytes() int64 }); ok {
		m.gauge("sessionbridge_store_bytes", "Bytes that the sessions take in the store.", func() float64 { return float64(weighed.Bytes()) })
	}
	m.store.Store = store
	return m.store
}

// gauge has a figure collected that goes up and down.
func (m *metrics) gauge(name, help string, value func() float64) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value))
}

// watch has the figures of a manager collected.
func (m *metrics) watch(manager *session.Manager) {
	counter := func(name, help string, value func() float64) {
		m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, value))
	}
	m.gauge("sessionbridge_holds", "Sessions that are held for writing.",
		func() float64 { return float64(manager.Stats().Holds) })
	m.gauge("sessionbridge_waiters", "Writers that wait for a session.",
		func() float64 { return float64(manager.Stats().Waiters) })
	counter("sessionbridge_steals_total", "Holds that were taken away from their writers.",
		func() float64 { return float64(manager.Stats().Steals) })
	counter("sessionbridge_late_commits_total", "Commits of writers that had lost their hold, and that were made all the same.",
		func() float64 { return float64(manager.Stats().LateCommits) })
	counter("sessionbridge_late_conflicts_total", "Commits of writers that had lost their hold, refused because somebody else had changed the same keys.",
		func() float64 { return float64(manager.Stats().LateConflicts) })
	counter("sessionbridge_sessions_expired_total", "Sessions that were removed because their time was over.",
		func() float64 { return float64(manager.Stats().Expired) })
}

// watchCertificate has the end of a certificate collected.
func (m *metrics) watchCertificate(c *certificate) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "sessionbridge_certificate_expiry_timestamp_seconds",
		Help: "When the certificate that is in use expires, in seconds since 1970.",
	}, func() float64 { return float64(c.expiry().Unix()) }))
}

// handler serves the figures.
func (m *metrics) handler(log *slog.Logger) http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelError),
		Registry: m.registry,
	})
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package daemon_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sessionbridge/session/internal/daemon"
	"github.com/sessionbridge/session/internal/redistest"
	"github.com/sessionbridge/session/wire"
)

// overRedis returns a configuration whose sessions are in a Redis.
func overRedis(t *testing.T, s *redistest.Server) daemon.Config {
	t.Helper()
	c := config(t)
	c.Store, c.Redis.URL = "redis", strings.Replace(s.URL(), "://", "://:s3cret@", 1)
	return c
}

// startRedis starts a Redis that wants a password.
func startRedis(t *testing.T) *redistest.Server {
	t.Helper()
	return redistest.Start(t, "--requirepass", "s3cret", "--appendonly", "yes", "--appendfsync", "always")
}

func TestTwoNodesShareSessionsInRedis(t *testing.T) {
	var log bytes.Buffer
	redis := startRedis(t)
	a, b := started(t, overRedis(t, redis), slog.New(slog.NewTextHandler(&log, nil))), started(t, overRedis(t, redis), testLog(t))
	s, rest := a.hold(t)
	s.Items = []wire.Item{{Key: "visits", Value: []byte("1")}}
	b.put(t, s, http.StatusOK) // any node takes it
	if _, err := io.Copy(io.Discard, rest); err != nil {
		t.Errorf("the held GET ended with %v", err)
	}
	_, figures := fetch(t, b.AdminURL()+"/metrics")
	for _, want := range []string{
		`sessionbridge_store_call_duration_seconds_count{call="put"} 1`,
		`sessionbridge_store_call_duration_seconds_bucket{call="beat",le="+Inf"} `,
	} {
		if !strings.Contains(figures, want) {
			t.Errorf("no %s in the metrics:\n%s", want, grep(figures, "^sessionbridge_store"))
		}
	}
	if strings.Contains(figures, s.ID) {
		t.Error("the metrics have a session id in them")
	}
	a.stop()
	a.wait(t)
	if text := log.String(); strings.Contains(text, "s3cret") || !strings.Contains(text, `msg="sessions are kept in Redis" at=`+redis.Addr()+" prefix=session") {
		t.Errorf("the log has the password in it, or lacks where the sessions are:\n%s", text)
	}
}

// TestStoppedBeforeItServes stops a daemon that waits for its store: it was asked
// to, so nothing has failed.
func TestStoppedBeforeItServes(t *testing.T) {
	redis := redistest.Start(t)
	redis.Freeze(t)
	defer redis.Thaw(t)
	c := config(t)
	c.Store, c.Redis.URL = "redis", redis.URL()
	var log, out bytes.Buffer
	ctx, stop := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer stop()
	if err := daemon.Run(ctx, c, &out, slog.New(slog.NewTextHandler(&log, nil))); err != nil || out.Len() > 0 {
		t.Errorf("it ended with %v and announced %q", err, out.String())
	}
	if !strings.Contains(log.String(), `level=INFO msg="stopped before it served" err="redisstore: connect: `) {
		t.Errorf("the log does not tell how it ended:\n%s", log.String())
	}
	c.Redis.URL = ""
	var config *daemon.ConfigError
	if err := daemon.Run(ctx, c, &out, slog.New(slog.DiscardHandler)); !errors.As(err, &config) {
		t.Errorf("with a setting that lacks it ended with %v", err)
	}
}

func TestStoreThatIsGone(t *testing.T) {
	t.Parallel() // it waits for answers that don't come
	for _, test := range []struct {
		name       string
		spoil, fix func(*redistest.Server, *testing.T)
	}{
		{"ended", func(s *redistest.Server, _ *testing.T) { s.Kill() }, func(s *redistest.Server, t *testing.T) { s.Run(t) }},
		{"hanging", func(s *redistest.Server, t *testing.T) { s.Freeze(t) }, func(s *redistest.Server, t *testing.T) { s.Thaw(t) }},
		{
			"a replica", func(s *redistest.Server, t *testing.T) { s.Do(t, "REPLICAOF", "127.0.0.1", "1") },
			func(s *redistest.Server, t *testing.T) { s.Do(t, "REPLICAOF", "NO", "ONE") },
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			redis := redistest.Start(t, "--appendonly", "yes", "--appendfsync", "always", "--replica-serve-stale-data", "no")
			c := config(t)
			c.Store, c.Redis.URL = "redis", redis.URL()
			d := started(t, c, testLog(t))
			d.read(t, key)
			began := time.Now()
			test.spoil(redis, t)
			d.wantGone(t)
			// A check takes 2 s at most, a read 10, a write 5.
			if took := time.Since(began); took > 30*time.Second {
				t.Errorf("the answers took %s", took)
			}
			test.fix(redis, t)
			redistest.Eventually(t, "the node is well again", func() error {
				status, body := fetch(t, d.AdminURL()+"/healthz")
				if status != http.StatusOK {
					return errors.New(body)
				}
				return nil
			})
			s, _ := d.hold(t)
			d.put(t, s, http.StatusOK)
			if _, figures := fetch(t, d.AdminURL()+"/metrics"); !strings.Contains(figures, `sessionbridge_store_failures_total{call="get",cause="`) {
				t.Errorf("no failures in the metrics:\n%s", grep(figures, "^sessionbridge_store"))
			}
		})
	}
}

// TestPartOfClusterThatIsGone asks a node for its health while sessions of one part
// of a cluster can't be had: it serves those of the others.
func TestPartOfClusterThatIsGone(t *testing.T) {
	t.Parallel() // it waits for answers that don't come
	cluster := redistest.StartCluster(t, "--cluster-require-full-coverage", "no")
	c := config(t)
	c.Store, c.Redis.URL = "redis", cluster.URL()
	d := started(t, c, testLog(t))
	cluster.Servers[3].Kill() // the replica of the first
	cluster.Servers[0].Kill()
	for range 5 {
		if status, body := fetch(t, d.AdminURL()+"/healthz"); status != http.StatusOK {
			t.Errorf("healthz is %d %q, want 200", status, body)
		}
	}
	for _, server := range cluster.Servers {
		server.Kill()
	}
	if status, body := fetch(t, d.AdminURL()+"/healthz"); status != http.StatusServiceUnavailable {
		t.Errorf("healthz is %d %q with all of the cluster gone, want 503", status, body)
	}
}

// wantGone checks what a node answers while its store is gone.
func (r *running) wantGone(t *testing.T) {
	t.Helper()
	if status, body := fetch(t, r.AdminURL()+"/healthz"); status != http.StatusServiceUnavailable || body != "the store does not answer\n" {
		t.Errorf("healthz is %d %q, want 503", status, body)
	}
	if status, _ := fetch(t, r.AdminURL()+"/livez"); status != http.StatusOK {
		t.Errorf("livez is %d, want 200: a new process would help nobody", status)
	}
	for _, mode := range []string{"true", "false"} {
		req := request(t, http.MethodGet, r.URLs()[0]+path, nil)
		req.Header.Set("Cookie", "ASP.NET_SessionId=abcdefghijklmnopqrstuvwx")
		req.Header.Set(readOnly, mode)
		answer := send(t, req, http.StatusServiceUnavailable)
		body, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Error(err)
		}
		if answer.Header.Get("Retry-After") == "" || !strings.Contains(string(body), "problem:store-failed") {
			t.Errorf("a GET (read-only %s) is answered with Retry-After %q and %s", mode, answer.Header.Get("Retry-After"), body)
		}
	}
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/memstore"
	"github.com/sessionbridge/session/pebblestore"
	"github.com/sessionbridge/session/redisstore"
)

// A keeping says in which store sessions are kept. The options of the other
// stores are not set.
type keeping struct {
	store  string // as in the file
	memory memstore.Options
	file   pebblestore.Options
	redis  redisstore.Options
}

// keeping reads what the settings say of the store.
func (c *Config) keeping(log *slog.Logger, say *complaints) keeping {
	k := keeping{store: c.Store}
	switch {
	case c.Store == "memory":
		k.memory = memstore.Options{MaxBytes: int64(c.Memory.MaxBytes), MaxItems: c.Memory.MaxSessions}
	case c.Store == "file":
		k.file = c.File.options(log, say)
	case c.Store == "redis":
		k.redis = c.Redis.options(log, say)
		return k
	case strings.Contains(c.Store, ":"): // it may be a URL with a password
		say.add("store: want file, redis or memory; where Redis is belongs in redis.url")
		return k
	default:
		say.add("store: %q is not available; there are file, redis and memory", c.Store)
	}
	if c.Redis.URL != "" || c.Redis.URLFile != "" {
		say.add("redis: it says where Redis is, but store is %s; set store to redis, or leave redis.url and redis.url_file out", c.Store)
	}
	return k
}

// options are what the package wants.
func (f File) options(log *slog.Logger, say *complaints) pebblestore.Options {
	o := pebblestore.Options{Dir: f.Dir, MaxBytes: int64(f.MaxBytes), Logger: log}
	if o.Dir == "" {
		o.Dir = stateDir(say)
	}
	if path, err := filepath.Abs(o.Dir); o.Dir != "" && err == nil {
		o.Dir = path // the log tells it, to who is somewhere else
	}
	switch f.Sync {
	case "always":
	case "interval":
		o.SyncEvery = time.Duration(f.SyncEvery)
		if o.SyncEvery <= 0 {
			say.add("file.sync_every is %s, want more than 0; file.sync: always is without an interval", f.SyncEvery)
		}
	default:
		say.add("file.sync: %q is not always or interval", f.Sync)
	}
	return o
}

// options are what the package wants. No complaint has the URL in it, because
// that may have a password in it.
func (r Redis) options(log *slog.Logger, say *complaints) redisstore.Options {
	o := redisstore.Options{Prefix: r.Prefix, AllowEviction: r.AllowEviction, Logger: log}
	before := len(*say)
	o.URL = r.url(say)
	o.TLS = authorities(r.CA, say)
	if len(*say) > before {
		return o
	}
	var wrong complaints
	wrong.join(o.Check())
	for _, w := range wrong {
		say.add("redis: %s", w)
	}
	return o
}

// url returns the URL from where it stands.
func (r Redis) url(say *complaints) string {
	switch {
	case r.URL != "" && r.URLFile != "":
		say.add("redis: there are both url and url_file; want one of them")
	case r.URL != "":
		return r.URL
	case r.URLFile == "":
		say.add("redis: it is not said where Redis is; set redis.url, redis.url_file or SESSIONBRIDGE_REDIS_URL")
	case regexp.MustCompile(`(?i)(redis|rediss|valkey|valkeys|unix):/`).MatchString(r.URLFile): // filepath.Join has made one slash of two
		say.add("redis: url_file is a URL, want the name of a file; the URL itself belongs in url")
	default:
		return urlFromFile(r.URLFile, say)
	}
	return ""
}

// urlFromFile returns the one line of a file.
func urlFromFile(name string, say *complaints) string {
	text, err := os.ReadFile(name)
	if err != nil {
		say.add("redis: url_file: %v", err)
		return ""
	}
	at := strings.TrimSpace(strings.TrimPrefix(string(text), "\ufeff"))
	if at == "" || strings.ContainsAny(at, "\r\n") {
		say.add("redis: url_file: %s has not one line with a URL in it", name)
		return ""
	}
	return at
}

// authorities returns how to check a certificate by the authorities in a file;
// nil without one.
func authorities(name string, say *complaints) *tls.Config {
	if name == "" {
		return nil
	}
	text, err := os.ReadFile(name)
	if err != nil {
		say.add("redis: ca: %v", err)
		return nil
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		say.add("redis: ca: %s has no certificate in it, want PEM", name)
		return nil
	}
	return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
}

// open opens the store.
func (k keeping) open(ctx context.Context) (session.Store, error) {
	switch k.store {
	case "memory":
		return memstore.New(k.memory)
	case "file":
		return pebblestore.Open(ctx, k.file)
	case "redis":
		return redisstore.Open(ctx, k.redis)
	}
	return nil, fmt.Errorf("store: %q is not available", k.store)
}

// note logs where sessions are kept. Of a URL it tells the address only.
func (k keeping) note(log *slog.Logger) {
	switch k.store {
	case "memory":
		log.Info("sessions are kept in memory: they are lost when this program ends",
			"max_bytes", k.memory.MaxBytes, "max_sessions", k.memory.MaxItems)
	case "file":
		lost := "nothing that was acknowledged"
		if k.file.SyncEvery > 0 {
			lost = "what was acknowledged in the last " + Duration(k.file.SyncEvery).String()
		}
		log.Info("sessions are kept on disk", "dir", k.file.Dir, "lost_if_the_machine_crashes", lost)
	case "redis":
		log.Info("sessions are kept in Redis", "at", addressIn(k.redis.URL), "prefix", k.redis.Prefix)
	}
}

// addressIn returns the address in a URL that is valid, and nothing else of it.
func addressIn(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	return u.Host + u.Path
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sessionbridge/session/pebblestore"
	"github.com/sessionbridge/session/redisstore"
)

const redisURL = "rediss://bridge:s3cret@redis.example:6380/2"

// write writes a file and returns its name.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRedisSettingsReachTheirPackage(t *testing.T) {
	pem, err := os.ReadFile(WriteCertificate(t, t.TempDir(), "redis.example").Cert)
	if err != nil {
		t.Fatal(err)
	}
	c := Config{Store: "redis", Redis: Redis{
		URLFile: write(t, "url", "\ufeff"+redisURL+"\r\n"), Prefix: "shop", AllowEviction: true, CA: write(t, "ca", string(pem)),
	}}
	var say complaints
	got := c.keeping(slog.New(slog.DiscardHandler), &say)
	if len(say) > 0 {
		t.Fatal(say)
	}
	want := keeping{store: "redis", redis: redisstore.Options{URL: redisURL, Prefix: "shop", AllowEviction: true}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(keeping{}), cmpopts.IgnoreFields(redisstore.Options{}, "TLS", "Logger")); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if got.redis.TLS == nil || got.redis.TLS.RootCAs == nil {
		t.Error("the authorities of the file are not used")
	}
}

func TestWrongStoresAreToldWithoutTheirSecrets(t *testing.T) {
	for name, test := range map[string]struct {
		store string
		redis Redis
		want  string
	}{
		"no URL":              {"redis", Redis{}, "redis: it is not said where Redis is; set redis.url, redis.url_file or SESSIONBRIDGE_REDIS_URL"},
		"two URLs":            {"redis", Redis{URL: redisURL, URLFile: "x"}, "redis: there are both url and url_file; want one of them"},
		"a bad URL":           {"redis", Redis{URL: "redis://bridge:s3cret#@host"}, "redis: the URL is not of the form redis://user"},
		"a bad prefix":        {"redis", Redis{URL: redisURL, Prefix: "{shop}"}, `redis: the prefix is "{shop}"`},
		"a URL as file":       {"redis", Redis{URLFile: filepath.Join("etc", redisURL)}, "redis: url_file is a URL, want the name of a file; the URL itself belongs in url"},
		"no file":             {"redis", Redis{URLFile: "missing.url"}, "redis: url_file: open missing.url: "},
		"an empty file":       {"redis", Redis{URLFile: write(t, "url", "\n")}, "has not one line with a URL in it"},
		"a file of two":       {"redis", Redis{URLFile: write(t, "url", redisURL+"\n"+redisURL)}, "has not one line with a URL in it"},
		"no authorities":      {"redis", Redis{URL: redisURL, CA: "missing.pem"}, "redis: ca: open missing.pem: "},
		"bad authorities":     {"redis", Redis{URL: redisURL, CA: write(t, "ca", "s3cret")}, "has no certificate in it, want PEM"},
		"a URL as store":      {redisURL, Redis{}, "store: want file, redis or memory; where Redis is belongs in redis.url"},
		"an unknown store":    {"postgres", Redis{}, `store: "postgres" is not available; there are file, redis and memory`},
		"Redis not asked for": {"memory", Redis{URL: redisURL}, "redis: it says where Redis is, but store is memory; set store to redis, or leave redis.url and redis.url_file out"},
	} {
		t.Run(name, func(t *testing.T) {
			var say complaints
			c := Config{Store: test.store, Redis: test.redis}
			c.keeping(slog.New(slog.DiscardHandler), &say)
			got := strings.Join(say, "; ")
			if len(say) != 1 || !strings.Contains(got, test.want) || strings.Contains(got, "s3cret") {
				t.Errorf("it complains %q, want %q and no secret", got, test.want)
			}
		})
	}
}

func TestFileSettingsReachTheirPackage(t *testing.T) {
	here, err := filepath.Abs("d")
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		file File
		want pebblestore.Options
		say  string
	}{
		"always":   {File{Dir: "d", Sync: "always", SyncEvery: Duration(time.Second)}, pebblestore.Options{Dir: here}, ""},
		"interval": {File{Dir: "d", Sync: "interval", SyncEvery: Duration(time.Minute), MaxBytes: 7}, pebblestore.Options{Dir: here, SyncEvery: time.Minute, MaxBytes: 7}, ""},
		"never":    {File{Dir: "d", Sync: "never"}, pebblestore.Options{Dir: here}, `file.sync: "never" is not always or interval`},
		"no interval": {
			File{Dir: "d", Sync: "interval"}, pebblestore.Options{Dir: here},
			"file.sync_every is 0s, want more than 0; file.sync: always is without an interval",
		},
	} {
		t.Run(name, func(t *testing.T) {
			var say complaints
			c := Config{Store: "file", File: test.file}
			got := c.keeping(slog.New(slog.DiscardHandler), &say)
			if diff := cmp.Diff(test.want, got.file, cmpopts.IgnoreFields(pebblestore.Options{}, "Logger")); diff != "" || got.store != "file" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if said := strings.Join(say, "; "); said != test.say {
				t.Errorf("it complains %q, want %q", said, test.say)
			}
		})
	}
}

func TestStateDirectory(t *testing.T) {
	home := t.TempDir()
	abs := func(parts ...string) string { return filepath.Join(append([]string{home}, parts...)...) }
	for _, test := range []struct {
		name, state, base string
		want              string
	}{
		{"of systemd", abs("lib") + string(filepath.ListSeparator) + abs("more"), abs("state"), abs("lib", "sessions")},
		{"of the user", "", abs("state"), abs("state", "sessionbridge", "sessions")},
		{"of a user who has no such variable", "", "", abs(".local", "state", "sessionbridge", "sessions")},
		{"of a user whose variable is relative", "", "here", abs(".local", "state", "sessionbridge", "sessions")},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("STATE_DIRECTORY", test.state)
			t.Setenv("XDG_STATE_HOME", test.base)
			t.Setenv("LocalAppData", test.base)
			t.Setenv("HOME", home)
			t.Setenv("USERPROFILE", home)
			var say complaints
			if got := stateDir(&say); got != test.want || len(say) > 0 {
				t.Errorf("the directory is %q (%q), want %q", got, say, test.want)
			}
		})
	}
}

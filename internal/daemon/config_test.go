// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package daemon_test

import (
	"errors"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sessionbridge/session/internal/daemon"
)

// parse reads a configuration as the serve command does.
func parse(t *testing.T, file string, args ...string) (daemon.Config, error) {
	t.Helper()
	var cli struct {
		Set daemon.Config `embed:""`
	}
	parser, err := kong.New(&cli, daemon.Groups(), daemon.Env())
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := parser.Parse(args)
	if err != nil {
		return cli.Set, err
	}
	if file != "" {
		err = cli.Set.ReadFile(file, parsed)
	}
	return cli.Set, err
}

// refused starts a daemon that must not start, and returns why.
func refused(t *testing.T, c daemon.Config) string {
	t.Helper()
	d, err := daemon.Start(t.Context(), c, slog.New(slog.DiscardHandler))
	if err == nil {
		t.Fatalf("the daemon started, want an error; it stopped with %v", d.Stop())
	}
	var config *daemon.ConfigError
	if !errors.As(err, &config) {
		t.Errorf("the error is a %T, want a *ConfigError: %v", err, err)
	}
	return err.Error()
}

func TestFile(t *testing.T) {
	got, err := parse(t, filepath.FromSlash("testdata/good.yml"))
	if err != nil {
		t.Fatal(err)
	}
	want := daemon.Config{
		Listen:    daemon.List{"127.0.0.1:0", "http://127.0.0.1:0"},
		TLS:       daemon.TLS{Cert: filepath.FromSlash("testdata/server.pem"), Key: "/etc/bridge/server.key"},
		Path:      "/shop/systemweb-adapters/session",
		KeyHeader: "X-Key",
		Admin:     daemon.Admin{Listen: "off"},
		Clients: []daemon.Client{
			{Name: "shop", Key: daemon.List{"5b3a9c1e-7d24-4f60-8a19-c2d3e4f5a6b7"}, Keys: []string{"user", "cart*"}},
			{Name: "reports", KeyFile: filepath.FromSlash("testdata/reports.key"), Unknown: "replace"},
			{Name: "jobs", Key: daemon.List{"0e7bb0a3-4f1c-4a43-9a2e-6a6e2f0a9d10", "1f8cc1b4-5a2d-4b54-8b3f-7b7f3a1bae21"}, KeyEnv: "JOBS_KEY"},
		},
		Cookie: daemon.Cookie{Name: "shop_session", Path: "/shop", Domain: "example.com", Secure: true, SameSite: daemon.SameSite(http.SameSiteStrictMode)},
		Session: daemon.Session{
			Timeout: duration(30 * time.Minute), LockWait: duration(45 * time.Second), MaxWaiters: 7, MaxHolds: 70,
			DuplexHoldLimit: duration(11 * time.Second), GetHoldLimit: duration(51 * time.Second), StrictIDs: true,
		},
		Limits:   daemon.Limits{Session: 8 << 20, Value: 65536, Keys: 100, Key: 512},
		Store:    "memory",
		Memory:   daemon.Memory{MaxBytes: 512 << 20, MaxSessions: 1000},
		Shutdown: daemon.Shutdown{Grace: duration(5 * time.Second)},
		Log:      daemon.Log{Level: daemon.Level(slog.LevelDebug), Format: "json"},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(daemon.Client{})); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func duration(d time.Duration) daemon.Duration { return daemon.Duration(d) }

func TestDefaultsAreThoseOfTheFlags(t *testing.T) {
	got, err := daemon.DefaultConfig()
	if err != nil {
		t.Fatal(err)
	}
	want, err := parse(t, "")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-flags +DefaultConfig:\n%s", diff)
	}
	if got.Session.Timeout != duration(20*time.Minute) || got.Path != "/systemweb-adapters/session" {
		t.Errorf("the timeout is %s and the path %q, want 20m and Microsoft's", got.Session.Timeout, got.Path)
	}
}

func TestFlagsGoOverEnvironmentOverFile(t *testing.T) {
	t.Setenv("SESSIONBRIDGE_SESSION_TIMEOUT", "40m")
	t.Setenv("SESSIONBRIDGE_LOCK_WAIT", "41s")
	t.Setenv("SESSIONBRIDGE_LISTEN", "127.0.0.1:1,127.0.0.1:2")
	t.Setenv("SystemWebAdapters__Remote__ApiKey", "from-env")
	got, err := parse(t, filepath.FromSlash("testdata/good.yml"), "--session-timeout=50m", "--tls-cert=here.pem", "--no-cookie-secure",
		"--client={name: a, key: [k1, k2]}", "--client={name: b, key_file: b.key, keys: [x, y]}")
	if err != nil {
		t.Fatal(err)
	}
	type facts struct {
		Timeout, LockWait, Read time.Duration
		Listen, Key             daemon.List
		Cert                    string
		Secure                  bool
		Clients                 []daemon.Client
	}
	want := facts{
		Timeout: 50 * time.Minute, LockWait: 41 * time.Second, Read: 0,
		Listen: daemon.List{"127.0.0.1:1", "127.0.0.1:2"}, Key: daemon.List{"from-env"},
		Cert: "here.pem",
		Clients: []daemon.Client{
			{Name: "a", Key: daemon.List{"k1", "k2"}},
			{Name: "b", KeyFile: "b.key", Keys: []string{"x", "y"}},
		},
	}
	s := got.Session
	diff := cmp.Diff(want, facts{
		time.Duration(s.Timeout), time.Duration(s.LockWait), time.Duration(s.ReadWait),
		got.Listen, got.Key, got.TLS.Cert, got.Cookie.Secure, got.Clients,
	}, cmpopts.IgnoreUnexported(daemon.Client{}))
	if diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestFileNamesOfFlagsAreNotBesideTheFile: only those in the file are.
func TestFileNamesOfFlagsAreNotBesideTheFile(t *testing.T) {
	got, err := parse(t, filepath.FromSlash("testdata/nokey.bad.yml"), "--client={name: a, key_file: a.key}", "--tls-cert=a.pem")
	if err != nil {
		t.Fatal(err)
	}
	if got.Clients[0].KeyFile != "a.key" || got.TLS.Cert != "a.pem" {
		t.Errorf("the files are %s and %s, want a.key and a.pem", got.Clients[0].KeyFile, got.TLS.Cert)
	}
}

// TestBadFiles says of each file what an operator reads.
func TestBadFiles(t *testing.T) {
	for name, want := range map[string][]string{
		"syntax":    {"testdata/syntax.bad.yml:3: did not find expected node content"},
		"twice":     {`testdata/twice.bad.yml:2: mapping key "store" already defined at line 1`},
		"documents": {"testdata/documents.bad.yml: there is a second document, after a line ---; want one"},
		"unknown": {
			`testdata/unknown.bad.yml:2: unknown setting "timeout"`,
			`testdata/unknown.bad.yml:3: unknown setting "timout"`,
			`testdata/unknown.bad.yml:6: unknown setting "kees"`,
		},
		"types": {
			"testdata/types.bad.yml:1: want a list such as [a, b]",
			"testdata/types.bad.yml:2: want true or false",
			`testdata/types.bad.yml:2: "relaxed" is not lax, strict or none`,
			"testdata/types.bad.yml:3: want a list of mappings such as - {name: shop, key_file: shop.key}",
			`testdata/types.bad.yml:4: "20" is no duration such as 250ms, 20m or 1h30m`,
			"testdata/types.bad.yml:4: want a whole number",
			`testdata/types.bad.yml:5: "4MB" is no size such as 4096, 64KiB, 512MiB or 1GiB`,
			`testdata/types.bad.yml:6: "loud" is not debug, info, warn or error`,
		},
		"nokey":           {"no API key: list clients in the file, or set SESSIONBRIDGE_KEY or --key-file; sessionbridge keygen makes one"},
		"certificate":     {"tls.cert testdata/missing.pem: stat testdata/missing.pem: no such file or directory"},
		"halfcertificate": {"tls.key is missing: tls.cert needs its private key"},
		"keys": {
			`client "file": key_file: open testdata/missing.key: no such file or directory`,
			`client "env": key_env: the environment variable SESSIONBRIDGE_TEST_UNSET is not set`,
			`client "empty": key_file: testdata/empty.key has no key in it`,
			`client "policy": unknown is "keep", want preserve or replace`,
		},
		"clients": {
			`client "shop": key pattern 2 is empty`,
			`client "shop" stands there twice`,
			`clients "shop" and "copy" have the same API key`,
			`client "weak": API key has 6 characters, want a GUID such as 32 hex digits with or without hyphens`,
			`client "zero": API key is the GUID of zeros, which both ends refuse`,
			`client "none" has no API key`,
			"a client has no name",
		},
		"values": {
			`listen: "127.0.0.1" is no address such as 127.0.0.1:7100`,
			`listen: "127.0.0.1:70000": the port is "70000", want 0 to 65535`,
			`listen: "ftp://127.0.0.1:21": the scheme is "ftp", want http or https`,
			`listen: "https://127.0.0.1:0" needs a certificate: set tls.cert and tls.key`,
			`admin.listen: "https://127.0.0.1:0": this listener is plain http only`,
			`path: "session" is no path such as /systemweb-adapters/session`,
			`key_header: "X Key" is no name of a header`,
			`store: "redis" is not available; there is memory`,
			`log.format: "xml" is not text or json`,
			"session.lock_wait: want more than 0",
			"session.max_waiters: want more than 0",
			"limits.keys: want more than 0",
			"memory.max_bytes: want more than 0",
			"session timeout is 1m30s, want whole minutes from 1m to 8760h0m0s",
			"cookie with same_site none must be secure, or browsers refuse it",
		},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := parse(t, filepath.FromSlash("testdata/"+name+".bad.yml"))
			var got string
			if err == nil {
				got = refused(t, c)
			} else {
				got = err.Error()
			}
			got = strings.ReplaceAll(filepath.ToSlash(got), "The system cannot find the file specified.", "no such file or directory")
			if diff := cmp.Diff(strings.Join(want, "; "), got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestBadFlags(t *testing.T) {
	for name, c := range map[string]struct{ arg, want string }{
		"duration": {"--read-wait=soon", `--read-wait: "soon" is no duration such as 250ms, 20m or 1h30m`},
		"negative": {"--read-wait=-1s", `--read-wait: "-1s" is no duration such as 250ms, 20m or 1h30m`},
		"size":     {"--limit-key=9999999999GiB", `--limit-key: "9999999999GiB" is no size such as 4096, 64KiB, 512MiB or 1GiB`},
		"unknown":  {"--read-weight=1s", "unknown flag --read-weight"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := parse(t, "", c.arg); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("the error is %v, want %s", err, c.want)
			}
		})
	}
}

// TestBadClientFlagHidesItsKey: kong prints the text of what it can't read.
func TestBadClientFlagHidesItsKey(t *testing.T) {
	t.Setenv("SESSIONBRIDGE_CLIENT", "{name: shop, kee: 5b3a9c1e-7d24-4f60-8a19-c2d3e4f5a6b7}")
	c, err := parse(t, "")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := refused(t, c), `--client:1: unknown setting "kee"`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestKeysOfAFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(file, []byte("\ufeff"+key+" \r\n\n\t"+secondKey+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := config(t)
	c.Key, c.KeyFile = nil, file
	d := started(t, c, slog.New(slog.DiscardHandler))
	for _, k := range []string{key, secondKey} {
		if got := d.read(t, k); got != http.StatusOK {
			t.Errorf("a key of the file was answered with %d, want 200", got)
		}
	}
	if got := d.read(t, strings.Repeat("1234", 8)); got != http.StatusUnauthorized {
		t.Errorf("a key that is not in the file was answered with %d, want 401", got)
	}
}

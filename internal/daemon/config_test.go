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
			LateCommits: "refuse", LastWins: daemon.List{"seen", "stats*"},
		},
		Limits: daemon.Limits{Session: 8 << 20, Value: 65536, Keys: 100, Key: 512},
		Store:  "memory",
		Memory: daemon.Memory{MaxBytes: 512 << 20, MaxSessions: 1000},
		File:   daemon.File{Dir: filepath.FromSlash("testdata/sessions"), Sync: "interval", SyncEvery: duration(2 * time.Second), MaxBytes: 10 << 30},
		Redis: daemon.Redis{
			URLFile: filepath.FromSlash("testdata/redis.url"), Prefix: "shop",
			CA: filepath.FromSlash("testdata/redis.pem"), AllowEviction: true,
		},
		Shutdown: daemon.Shutdown{Delay: duration(2 * time.Second), Grace: duration(5 * time.Second)},
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
	t.Setenv("SESSIONBRIDGE_KEY_FILE", "from-env")
	got, err := parse(t, filepath.FromSlash("testdata/good.yml"), "--session-timeout=50m", "--tls-cert=here.pem", "--no-cookie-secure",
		"--client={name: a, key: [k1, k2]}", "--client={name: b, key_file: b.key, keys: [x, y]}")
	if err != nil {
		t.Fatal(err)
	}
	type facts struct {
		Timeout, LockWait, Read time.Duration
		Listen                  daemon.List
		KeyFile                 string
		Cert                    string
		Secure                  bool
		Clients                 []daemon.Client
	}
	want := facts{
		Timeout: 50 * time.Minute, LockWait: 41 * time.Second, Read: 0,
		Listen: daemon.List{"127.0.0.1:1", "127.0.0.1:2"}, KeyFile: "from-env",
		Cert: "here.pem",
		Clients: []daemon.Client{
			{Name: "a", Key: daemon.List{"k1", "k2"}},
			{Name: "b", KeyFile: "b.key", Keys: []string{"x", "y"}},
		},
	}
	s := got.Session
	diff := cmp.Diff(want, facts{
		time.Duration(s.Timeout), time.Duration(s.LockWait), time.Duration(s.ReadWait),
		got.Listen, got.KeyFile, got.TLS.Cert, got.Cookie.Secure, got.Clients,
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
		"syntax": {"testdata/syntax.bad.yml:3: did not find expected node content"},
		"twice": {
			"testdata/twice.bad.yml:2: store: it stands there twice, first in line 1",
			"testdata/twice.bad.yml:3: client 1: key: it stands there twice, first in line 3",
		},
		"documents": {"testdata/documents.bad.yml: there is a second document, after a line ---; want one"},
		"unknown": {
			`testdata/unknown.bad.yml:2: unknown setting "timeout", did you mean session.timeout?`,
			`testdata/unknown.bad.yml:3: unknown setting "session.timout", did you mean session.timeout?`,
			`testdata/unknown.bad.yml:3: unknown setting "session.patience"`,
			"testdata/unknown.bad.yml:6: client 1: unknown setting, did you mean keys?",
			"testdata/unknown.bad.yml:7: client 1: unknown setting; want name, key, key_file, key_env, keys, unknown",
			`testdata/unknown.bad.yml:8: unknown setting "pth", did you mean path?`,
			`testdata/unknown.bad.yml:9: memory: a space is missing behind "max_bytes:"`,
			"testdata/unknown.bad.yml:10: unknown setting",
			`testdata/unknown.bad.yml:11: unknown setting "key"; an API key belongs to a client: clients: [{name: shop, key_file: shop.key}]`,
			`testdata/unknown.bad.yml:12: unknown setting "key_file"; an API key belongs to a client: clients: [{name: shop, key_file: shop.key}]`,
		},
		"types": {
			"testdata/types.bad.yml:1: listen: want a value or a list such as [a, b], not a mapping",
			`testdata/types.bad.yml:2: cookie.secure: want true or false, not "maybe"`,
			`testdata/types.bad.yml:2: cookie.same_site: "relaxed" is not lax, strict or none`,
			"testdata/types.bad.yml:3: clients: want a list of mappings such as - {name: shop, key_file: shop.key}, not a mapping",
			`testdata/types.bad.yml:4: session.timeout: "20" is no duration such as 250ms, 20m or 1h30m`,
			`testdata/types.bad.yml:4: session.max_waiters: want a whole number, not "many"`,
			`testdata/types.bad.yml:5: limits.session: "4MB" is no size such as 4096, 64KiB, 512MiB or 1GiB`,
			"testdata/types.bad.yml:5: limits.value: want a size such as 4096, 64KiB, 512MiB or 1GiB, not a list",
			`testdata/types.bad.yml:6: log.level: "loud" is not debug, info, warn or error`,
			"testdata/types.bad.yml:6: log.format: it has no value; give it one, or leave it out",
			"testdata/types.bad.yml:7: session: it stands there twice, first in line 4",
			"testdata/types.bad.yml:8: tls: want a mapping such as {name: value}, not a single value",
			"testdata/types.bad.yml:9: path: tags, which begin with !, have no meaning here",
			"testdata/types.bad.yml:10: store: want a single value, not a mapping",
			"testdata/types.bad.yml:11: shutdown.grace: want a duration such as 250ms, 20m or 1h30m, not a list",
		},
		"nokey": {"no API key: list clients in the file, or set SESSIONBRIDGE_KEY or --key-file; sessionbridge keygen makes one"},
		"certificate": {
			"tls.cert: testdata/missing.pem: no such file or directory",
			"tls.key: testdata/missing.key: no such file or directory",
		},
		"halfcertificate": {"tls.key is missing: tls.cert needs its private key"},
		"keys": {
			`client "file": key_file: open testdata/missing.key: no such file or directory`,
			`client "env": key_env: the environment variable SESSIONBRIDGE_TEST_UNSET is not set`,
			`client "empty": key_file: testdata/empty.key has no key in it`,
			`client "policy": unknown: want preserve or replace`,
			`client "swapped": key_file is an API key, want the name of a file; the key itself belongs in key`,
			`client "swapped too": key_env is an API key, want the name of an environment variable; the key itself belongs in key`,
			`client "scope": keys has an API key in it, want patterns of session keys; the API key belongs in key`,
			"the name of a client has an API key in it; names stand in logs",
			`client "open": keys: want at least one pattern; leave keys out to let the client see all keys`,
		},
		"clients": {
			`client "shop": key pattern 2 is empty`,
			`client "shop" stands there twice`,
			`clients "shop" and "copy" have the same API key`,
			`client "weak": API key has 6 characters, want a GUID such as 32 hex digits with or without hyphens`,
			`client "zero": API key is the GUID of zeros, which both ends refuse`,
			`client "keyless" has no API key`,
			"a client has no name",
			`client "twice" has the same API key twice`,
			`client "none": that name stands for requests without a valid API key`,
		},
		"values": {
			`listen: "127.0.0.1" is no address such as 127.0.0.1:7100`,
			`listen: "127.0.0.1:70000": the port is "70000", want 0 to 65535`,
			`listen: "ftp://127.0.0.1:21": the scheme is "ftp", want http or https`,
			`listen: "https://127.0.0.1:0" needs a certificate: set tls.cert and tls.key`,
			`admin.listen: "https://127.0.0.1:0": this listener is plain http only`,
			`store: "postgres" is not available; there are file, redis and memory`,
			`path: "session" is no path such as /systemweb-adapters/session`,
			`log.format: "xml" is not text or json`,
			`session.late_commits: "never" is not merge or refuse`,
			"session.timeout is 1m30s, want whole minutes from 1m to 525600m",
			"session.lock_wait is 0s, want more than 0",
			"session.heartbeat is 10ms, want 1s or more, or 0 for none",
			"session.max_waiters is -1, want more than 0",
			"limits.keys is -1, want more than 0",
			"memory.max_bytes is 0, want more than 0",
			"limits.value is 8MiB, want no more than limits.session, which is 4MiB",
			"session.last_wins: key pattern 1 is empty",
			`key header "X Key" is no name of a header`,
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
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"duration": {[]string{"--read-wait=soon"}, `--read-wait: "soon" is no duration such as 250ms, 20m or 1h30m`},
		"negative": {[]string{"--read-wait=-1s"}, `--read-wait: "-1s" is no duration such as 250ms, 20m or 1h30m`},
		"minus":    {[]string{"--session-timeout", "-5m"}, `--session-timeout: "-5m" is no duration such as 250ms, 20m or 1h30m`},
		"missing":  {[]string{"--session-timeout"}, "--session-timeout: its value is missing"},
		"next":     {[]string{"--memory-max-bytes", "--listen=:0"}, "--memory-max-bytes: its value is missing"},
		"size":     {[]string{"--limit-key=9999999999GiB"}, `--limit-key: "9999999999GiB" is no size such as 4096, 64KiB, 512MiB or 1GiB`},
		"unknown":  {[]string{"--read-weight=1s"}, "unknown flag --read-weight"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := parse(t, "", c.args...); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("the error is %v, want %s", err, c.want)
			}
		})
	}
}

// TestNoComplaintShowsAKey: an operator copies complaints into tickets. Each text
// stands in a file and in --client.
func TestNoComplaintShowsAKey(t *testing.T) {
	for _, test := range []struct{ client, want string }{ // KEY is a key
		{"{name: a, key:KEY}", `a space is missing behind "key:"`},
		{"{name: a, key_file:KEY}", `a space is missing behind "key_file:"`},
		{"{name: a key:KEY}", `name: it has "key:" in it: a space is missing behind that`},
		{"{name: a, keys: [user key:KEY]}", `keys: entry 1: it has "key:" in it: a space is missing behind that`},
		{"key:KEY", `a space is missing behind "key:"`},
		{"KEY", "want a mapping such as {name: value}, not a single value"},
		{"[KEY]", "want a mapping such as {name: value}, not a list"},
		{"{name: a, kee: KEY}", "unknown setting, did you mean key?"},
		{"{name: a, KEY}", "unknown setting; want name, key, key_file, key_env, keys, unknown"},
		{"{name: a, KEY: KEY}", "unknown setting; want name, key, key_file, key_env, keys, unknown"},
		{"{name: a, KEY: b, KEY: c}", "unknown setting; want name, key, key_file, key_env, keys, unknown"},
		{"{name: a, [KEY]: c}", "unknown setting; want name, key, key_file, key_env, keys, unknown"},
		{"{name: a, key: !!int KEY}", "key: tags, which begin with !, have no meaning here"},
		{"{name: a, key: !KEY b}", "key: tags, which begin with !, have no meaning here"},
		{"{name: a, key: *KEY}", "a text that begins with * must stand in quotes"},
		{"{name: a, key: {KEY: KEY}}", "key: want a value or a list such as [a, b], not a mapping"},
		{"{name: a, key: [[KEY]]}", "key: entry 1: want a single value, not a list"},
		{"{name: a, key: [KEY, ~]}", "key: entry 2: it has no value; give it one, or leave it out"},
		{"{name: a, key: &b [KEY, *b]}", "key: entry 2: want a single value, not a list"},
		{"{name: a, key: KEY, keys: KEY}", "keys: want a list such as [a, b], not a single value"},
		{"{name: a, key: KEY, keys: }", "keys: want at least one pattern; leave keys out to let the client see all keys"},
		{"{name: a, key: KEY, keys: [~]}", "keys: entry 1: it has no value; give it one, or leave it out"},
		{"{name: a, key: KEY, key: KEY}", "key: it stands there twice, first in line 1"},
		{"{name: a, key: 'KEY}", "found unexpected end of stream"},
		{"{name: a, key: @KEY}", "found character that cannot start any token"},
		{"{name: a, key: KEY]", "did not find expected ',' or '}'"},
		{"{name: a, key: \"\\KEY\"}", "found unknown escape character"},
		{"{name: a, key: !a!KEY b}", "found undefined tag handle"},
		{"{name: a, key: KEY, keys: []}", "keys: want at least one pattern; leave keys out to let the client see all keys"},
		{"{name: a, key_file: KEY}", "key_file is an API key, want the name of a file; the key itself belongs in key"},
		{"{name: a, key: KEY, unknown: KEY}", "unknown: want preserve or replace"},
		{"{name: KEY, key: KEY}", "the name of a client has an API key in it; names stand in logs"},
		{"{name: a, key: KEYKEY}", "API key has 72 characters"},
	} {
		text := strings.ReplaceAll(test.client, "KEY", key)
		file := filepath.Join(t.TempDir(), "c.yaml")
		if err := os.WriteFile(file, []byte("clients: ["+text+"]\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		for where, said := range map[string]func() (daemon.Config, error){
			"the file": func() (daemon.Config, error) { return parse(t, file) },
			"--client": func() (daemon.Config, error) { return parse(t, "", "--client="+text) },
		} {
			c, err := said()
			if err == nil {
				err = errors.New(refused(t, c))
			}
			inList := where == "the file" && strings.Contains(test.want, "did not find")
			if !strings.Contains(err.Error(), test.want) && !inList {
				t.Errorf("%s in %s: got %v, want %s", test.client, where, err, test.want)
			}
			if strings.Contains(err.Error(), key[:8]) {
				t.Errorf("%s in %s shows the key: %v", test.client, where, err)
			}
		}
	}
}

// TestNoComplaintShowsAKeyFile: --config takes a file with a key by mistake.
func TestNoComplaintShowsAKeyFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "shop.key")
	if err := os.WriteFile(file, []byte(key+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := parse(t, file)
	if want := file + ":1: want a mapping such as {name: value}, not a single value"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestFileWithoutSettings(t *testing.T) {
	for _, text := range []string{"", "# nothing\n", "---\n", "session:\n  # timeout: 20m\nclients:\n"} {
		file := filepath.Join(t.TempDir(), "c.yaml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := parse(t, file)
		if err != nil {
			t.Errorf("%q: %v", text, err)
		}
		want, err := daemon.DefaultConfig()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q: -want +got:\n%s", text, diff)
		}
	}
}

// TestAnchors: what clients have in common may be written once.
func TestAnchors(t *testing.T) {
	file := filepath.Join(t.TempDir(), "c.yaml")
	text := "clients:\n  - {name: a, key: " + key + ", keys: &both [user, cart]}\n  - {name: b, key: " + secondKey + ", keys: *both}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := parse(t, file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"user", "cart"}, got.Clients[1].Keys); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestSettingsThatCannotWork has those whose complaint needs a row only.
func TestSettingsThatCannotWork(t *testing.T) {
	for _, test := range []struct{ arg, want string }{
		{"--path=/x/", `path: "/x/" is not as clients ask for it, want /x`},
		{"--path=/a/../b", `path: "/a/../b" is not as clients ask for it, want /b`},
		{"--path=//a", `path: "//a" is not as clients ask for it, want /a`},
		{"--path=/a b", `path: "/a b" is no path such as /systemweb-adapters/session`},
		{"--path=/a%20b", `path: "/a%20b" is no path such as /systemweb-adapters/session`},
		{"--path=/a?b", `path: "/a?b" is no path such as /systemweb-adapters/session`},
		{"--key-header=cookie", "key_header: cookie has a meaning of its own and can't carry a key"},
		{"--key-header=Host", "key_header: Host has a meaning of its own and can't carry a key"},
		{"--key-header=Content-Length", "key_header: Content-Length has a meaning of its own and can't carry a key"},
		{"--key-header=" + readOnly, "key_header: " + readOnly + " has a meaning of its own and can't carry a key"},
		{"--max-waiters=-1", "session.max_waiters is -1, want more than 0"},
		{"--session-timeout=525601m", "session.timeout is 8760h1m, want whole minutes from 1m to 525600m"},
		{"--heartbeat=999ms", "session.heartbeat is 999ms, want 1s or more, or 0 for none"},
		{"--limit-session=2GiB", "limits.session is 2GiB, want no more than memory.max_bytes, which is 1GiB"},
		{"--limit-value=4194305", "limits.value is 4194305, want no more than limits.session, which is 4MiB"},
		{"--cookie-domain=https://example.com", `cookie domain "https://example.com" is no host name such as example.com, without a scheme, port or path, so browsers refuse the cookie`},
		{"--client={name: default, key: " + secondKey + "}", `client "default" stands there twice ("default" is the client of --key)`},
		{"--client={name: shop, key: " + key + "}", `clients "shop" and "default" have the same API key ("default" is the client of --key)`},
	} {
		c, err := parse(t, "", test.arg, "--key="+key)
		if err != nil {
			t.Fatal(err)
		}
		c.Store = "memory"
		if got := refused(t, c); got != test.want {
			t.Errorf("%s: got %s, want %s", test.arg, got, test.want)
		}
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

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package daemon_test

import (
	"bytes"
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"

	"github.com/sessionbridge/session/internal/daemon"
)

// microsoftKey is the variable of Microsoft's client.
const microsoftKey = "SystemWebAdapters__Remote__ApiKey"

func TestCheckEnvironment(t *testing.T) {
	var cli struct {
		Set daemon.Config `embed:""`
	}
	parser, err := kong.New(&cli, daemon.Groups(), daemon.Env())
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := parser.Parse([]string{"--client={name: a, key_env: SESSIONBRIDGE_KEY2}"})
	if err != nil {
		t.Fatal(err)
	}
	noEffect := func(name string) string {
		return "the environment variable " + name + " is no setting and has no effect"
	}
	noSetting := func(name, near string) string {
		return "the environment variable " + name + " is no setting, did you mean " + near + "?"
	}
	for variable, want := range map[string]struct{ warning, wrong string }{
		"PATH=/bin":                                                {},
		"SESSIONBRIDGE=x":                                          {},
		"SESSIONBRIDGE_LISTEN=:1":                                  {},
		"SESSIONBRIDGE_KEY2=x":                                     {}, // the client's
		"SESSIONBRIDGE_LISTN=:1":                                   {wrong: noSetting("SESSIONBRIDGE_LISTN", "SESSIONBRIDGE_LISTEN")},
		"SESSIONBRIDGE_KEYS=x":                                     {wrong: noSetting("SESSIONBRIDGE_KEYS", "SESSIONBRIDGE_KEY")},
		"SESSIONBRIDGE_KEY3=x":                                     {wrong: noSetting("SESSIONBRIDGE_KEY3", "SESSIONBRIDGE_KEY")},
		"SESSIONBRIDGE_LOG_LEVLE=x":                                {wrong: noSetting("SESSIONBRIDGE_LOG_LEVLE", "SESSIONBRIDGE_LOG_LEVEL")},
		"SESSIONBRIDGE_SOMETHING=x":                                {warning: noEffect("SESSIONBRIDGE_SOMETHING")},
		"SESSIONBRIDGE_PORT=8080":                                  {warning: noEffect("SESSIONBRIDGE_PORT")},
		"SESSIONBRIDGE_SERVICE_HOST=10.1":                          {},
		"SESSIONBRIDGE_SERVICE_PORT=7100":                          {},
		"SESSIONBRIDGE_SERVICE_PORT_HTTP_ADMIN=7100":               {},
		"SESSIONBRIDGE_PORT=tcp://10.0.0.1:7100":                   {},
		"SESSIONBRIDGE_PORT_7100_TCP=tcp://10.0.0.1:7100":          {},
		"SESSIONBRIDGE_PORT_7100_TCP_PROTO=tcp":                    {},
		"SESSIONBRIDGE_PORT_7100_TCP_PORT=7100":                    {},
		"SESSIONBRIDGE_PORT_7100_TCP_ADDR=10.0.0.1":                {},
		"SESSIONBRIDGE_ADMIN_SERVICE_HOST=10.0.0.1":                {}, // of a service sessionbridge-admin
		"SESSIONBRIDGE_ADMIN_PORT_7101_TCP=tcp://10.0.0.1:7101":    {},
		"SESSIONBRIDGE_SERVICE_PORTS=5b3a9c1e-7d24-4f60-8a19-c2d3": {warning: noEffect("SESSIONBRIDGE_SERVICE_PORTS")},
	} {
		warnings, err := cli.Set.CheckEnvironment([]string{variable}, parsed)
		if got := strings.Join(warnings, "; "); got != want.warning {
			t.Errorf("%s: the warning is %q, want %q", variable, got, want.warning)
		}
		wrong := ""
		if err != nil {
			wrong = err.Error()
		}
		if wrong != want.wrong {
			t.Errorf("%s: the error is %q, want %q", variable, wrong, want.wrong)
		}
	}
}

// TestEmptyVariablesAreNotSet: they neither make a client nor hide what the file
// says.
func TestEmptyVariablesAreNotSet(t *testing.T) {
	t.Setenv("SESSIONBRIDGE_CLIENT", "")
	t.Setenv("SESSIONBRIDGE_KEY", "")
	t.Setenv("SESSIONBRIDGE_PATH", "")
	t.Setenv(microsoftKey, "")
	if err := daemon.DropEmptyVariables(); err != nil {
		t.Fatal(err)
	}
	if _, ok := os.LookupEnv(microsoftKey); ok {
		t.Error("the variable of Microsoft's client is still there")
	}
	got, err := parse(t, "testdata/good.yml")
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Clients) != 3 || got.Key != nil || got.Path != "/shop/systemweb-adapters/session" {
		t.Errorf("there are %d clients, the keys %q and the path %s, want those of the file", len(got.Clients), got.Key, got.Path)
	}
}

// clientsOf returns the names of the clients with which a daemon starts.
func clientsOf(t *testing.T, c daemon.Config) []string {
	t.Helper()
	var log bytes.Buffer
	d := started(t, c, slog.New(slog.NewTextHandler(&log, nil)))
	d.stop()
	if err := d.wait(t); err != nil {
		t.Fatal(err)
	}
	var names []string
	for line := range strings.Lines(log.String()) {
		if _, client, ok := strings.Cut(line, "msg=client client="); ok {
			names = append(names, strings.Fields(client)[0])
		}
	}
	return names
}

// TestKeyOfMicrosoftsClient counts only if nobody says who the clients are: it
// may be there for an application that is started with the same environment.
func TestKeyOfMicrosoftsClient(t *testing.T) {
	t.Setenv(microsoftKey, secondKey)
	alone, flag, clients := config(t), config(t), config(t)
	alone.Key, clients.Key = nil, nil
	clients.Clients = []daemon.Client{{Name: "shop", Key: daemon.List{secondKey}}}
	if diff := cmp.Diff([]string{"default"}, clientsOf(t, alone)); diff != "" {
		t.Errorf("without clients, -want +got:\n%s", diff)
	}
	if diff := cmp.Diff([]string{"shop"}, clientsOf(t, clients)); diff != "" {
		t.Errorf("with a client, -want +got:\n%s", diff)
	}
	d := started(t, flag, testLog(t))
	if got := d.read(t, secondKey); got != 401 {
		t.Errorf("beside --key, the key of the variable was answered with %d, want 401", got)
	}
}

// TestComplaintsTellWhereDefaultComesFrom: nobody has written that name.
func TestComplaintsTellWhereDefaultComesFrom(t *testing.T) {
	shop := daemon.Client{Name: "shop", Key: daemon.List{key}}
	same := `clients "shop" and "default" have the same API key ("default" is the client of `
	weak := `client "default": API key has 4 characters, want a GUID such as 32 hex digits with or without hyphens ("default" is the client of `
	for name, test := range map[string]struct {
		variable, value string
		config          daemon.Config
		want            string
	}{
		"flag":      {config: daemon.Config{Clients: []daemon.Client{shop}, Key: daemon.List{key}}, want: same + "--key)"},
		"variable":  {"SESSIONBRIDGE_KEY", key, daemon.Config{Clients: []daemon.Client{shop}, Key: daemon.List{key}}, same + "the environment variable SESSIONBRIDGE_KEY)"},
		"microsoft": {microsoftKey, "weak", daemon.Config{}, weak + "the environment variable " + microsoftKey + ")"},
		"file": {config: daemon.Config{Clients: []daemon.Client{{Name: "default", Key: daemon.List{"weak"}}}},
			want: `client "default": API key has 4 characters, want a GUID such as 32 hex digits with or without hyphens`},
		"empty file": {"SESSIONBRIDGE_KEY_FILE", "testdata/empty.key", daemon.Config{KeyFile: "testdata/empty.key"},
			`client "default": key_file: testdata/empty.key has no key in it ("default" is the client of the environment variable SESSIONBRIDGE_KEY_FILE)`},
	} {
		t.Run(name, func(t *testing.T) {
			if test.variable != "" {
				t.Setenv(test.variable, test.value)
			}
			c := config(t)
			c.Clients, c.Key, c.KeyFile = test.config.Clients, test.config.Key, test.config.KeyFile
			if got := refused(t, c); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

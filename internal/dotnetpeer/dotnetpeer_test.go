// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package dotnetpeer_test

import (
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/sessionbridge/session/internal/dotnetpeer"
)

func TestOracleDecodesSession(t *testing.T) {
	oracle := dotnetpeer.Oracle(t)
	// Version 1, id "id", new, 20 minutes, "k" = 7, no unknown keys.
	got := oracle.Ask("session 01" + "026964" + "010000" + "14" + "01" + "016b" + "0137" + "00")
	want := `ok {"id":"id","isNew":true,"isAbandoned":false,"isReadOnly":false,"timeoutMinutes":20,` +
		`"items":[{"key":"k","data":"37"}],"unknown":[],"rest":0}`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := oracle.Ask("session 02"); !strings.HasPrefix(got, "error ") {
		t.Errorf("wrong version: got %q, want an error", got)
	}
	if got, want := oracle.Ask("value int 37"), "ok 37"; got != want {
		t.Errorf("value: got %q, want %q", got, want)
	}
}

func TestAppAnswersUntilStopped(t *testing.T) {
	peer := dotnetpeer.Start(t, "app")
	if got, want := get(t, peer.URL+"/mode"), "double"; got != want {
		t.Errorf("mode: got %q, want %q", got, want)
	}
	peer.Stop()
	peer.Stop()
	if _, err := http.Get(peer.URL + "/mode"); err == nil {
		t.Error("the peer answers after Stop")
	}
}

func TestListenIsKept(t *testing.T) {
	peer := dotnetpeer.Start(t, "app", "--single", "--listen", "https://127.0.0.1:0")
	if !strings.HasPrefix(peer.URL, "https://") {
		t.Errorf("got %s, want an https URL", peer.URL)
	}
	peer.Kill()
}

func TestPeerThatDiesSaysWhy(t *testing.T) {
	dotnetpeer.Oracle(t) // there is a peer, or the test is skipped
	r := record(t, func(tb testing.TB) { dotnetpeer.Start(tb, "app", "--bogus") })
	for _, want := range []string{"ended before it was ready", "--bogus wants a value"} {
		if !strings.Contains(r.fatal, want) {
			t.Errorf("got %q, want it to say %q", r.fatal, want)
		}
	}
}

func TestDeadOracleIsFatal(t *testing.T) {
	dotnetpeer.Oracle(t)
	r := record(t, func(tb testing.TB) {
		oracle := dotnetpeer.Oracle(tb)
		oracle.Stop()
		oracle.Ask("value int 37")
	})
	if !strings.Contains(r.fatal, "oracle asked") {
		t.Errorf("got %q, want a complaint of the oracle", r.fatal)
	}
}

func TestNoPeer(t *testing.T) {
	t.Setenv(dotnetpeer.EnvPath, filepath.Join(t.TempDir(), "absent"))

	t.Setenv("CI", "")
	r := record(t, func(tb testing.TB) { dotnetpeer.Oracle(tb) })
	if !strings.Contains(r.skip, dotnetpeer.EnvPath) || r.fatal != "" {
		t.Errorf("got skip %q and fatal %q, want a skip that names %s", r.skip, r.fatal, dotnetpeer.EnvPath)
	}

	t.Setenv("CI", "true")
	r = record(t, func(tb testing.TB) { dotnetpeer.Oracle(tb) })
	if !strings.Contains(r.fatal, dotnetpeer.EnvPath) || r.skip != "" {
		t.Errorf("CI: got skip %q and fatal %q, want a failure that names %s", r.skip, r.fatal, dotnetpeer.EnvPath)
	}
}

func get(t *testing.T, url string) string {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// A recorder is a test that notes how it ended.
type recorder struct {
	testing.TB
	skip, fatal string
}

func record(t *testing.T, test func(testing.TB)) *recorder {
	r := &recorder{TB: t}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		test(r)
	}()
	<-ended
	return r
}

func (r *recorder) Skipf(format string, args ...any) {
	r.skip = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.fatal = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

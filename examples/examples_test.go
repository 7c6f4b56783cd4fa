// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package examples_test

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sessionbridge/session/internal/dotnetpeer"
)

const (
	apiKey   = "00000000-0000-0000-0000-000000000001"
	patience = 30 * time.Second
)

// TestExamples runs the programs beside those on .NET.
func TestExamples(t *testing.T) {
	bin := build(t, "./join", "./own", "./leave")
	t.Run("join", func(t *testing.T) { testJoin(t, filepath.Join(bin, "join")) })
	t.Run("own", func(t *testing.T) { testOwn(t, filepath.Join(bin, "own")) })
	t.Run("leave", func(t *testing.T) { testLeave(t, filepath.Join(bin, "leave")) })
}

// build builds programs and returns the directory that they are in.
func build(t *testing.T, packages ...string) string {
	t.Helper()
	dir := t.TempDir()
	args := append([]string{"build", "-o", dir + string(filepath.Separator)}, packages...)
	out, err := exec.CommandContext(t.Context(), "go", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return dir
}

// A program is an example that runs.
type program struct {
	t    *testing.T
	url  string
	stop func()
}

// start runs a program until the test ends, and returns when it is ready.
func start(t *testing.T, path string, env ...string) *program {
	t.Helper()
	command := exec.Command(path)
	command.Env = append(os.Environ(), append(env, "LISTEN=127.0.0.1:0")...)
	var log bytes.Buffer
	command.Stderr = &log
	out, err := command.StdoutPipe()
	must(t, err)
	must(t, command.Start())
	stopped := false
	stop := func() {
		if !stopped {
			command.Process.Kill()
			command.Wait() // says that it was killed
		}
		stopped = true
	}
	t.Cleanup(stop)
	late := time.AfterFunc(patience, func() { command.Process.Kill() })
	defer late.Stop()
	line, err := bufio.NewReader(out).ReadString('\n')
	url, ok := strings.CutPrefix(strings.TrimSpace(line), "ready ")
	if err != nil || !ok {
		stop()
		t.Fatalf("%s is not ready: %q, %v\n%s", filepath.Base(path), line, err, log.String())
	}
	return &program{t, url, stop}
}

// remote is the environment of a client of an owner.
func remote(url string) []string {
	return []string{"SystemWebAdapters__Remote__RemoteAppUrl=" + url, "SystemWebAdapters__Remote__ApiKey=" + apiKey}
}

// A browser keeps its cookies, whichever program it asks.
type browser struct {
	t      *testing.T
	client *http.Client
}

func newBrowser(t *testing.T) browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	must(t, err)
	client := &http.Client{Jar: jar, Timeout: patience, Transport: &http.Transport{}}
	t.Cleanup(client.CloseIdleConnections)
	return browser{t, client}
}

// wants asks for a page, which must say this.
func (b browser) wants(want, method, url string) {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, url, nil)
	must(b.t, err)
	res, err := b.client.Do(r)
	must(b.t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	must(b.t, err)
	if got := strings.TrimSpace(string(body)); got != want || res.StatusCode != http.StatusOK {
		b.t.Errorf("%s %s: %s: %q, want %q", method, url, res.Status, got, want)
	}
}

// testJoin adds the Go page to an old and a new application on .NET that share
// sessions already.
func testJoin(t *testing.T, path string) {
	old := dotnetpeer.Start(t, "legacy", "--poll", "10", "--keys", "user:string;visits:int")
	core := dotnetpeer.Start(t, "app", "--commit-first", "--remote", old.URL, "--keys", "user:string;visits:int")
	page := start(t, path, remote(old.URL)...)
	b := newBrowser(t)
	b.wants("", "POST", old.URL+"/legacy/set?k=visits&v=40")
	b.wants("", "POST", old.URL+"/legacy/set?k=user&v=%22ada%22")
	b.wants("visits: 41", "GET", page.url+"/visit")
	b.wants("42", "POST", core.URL+"/incr?k=visits")
	b.wants("visits: 43", "GET", page.url+"/visit")
	b.wants("43", "GET", old.URL+"/legacy/get?k=visits")
	b.wants(`"ada"`, "GET", old.URL+"/legacy/get?k=user")
}

// testOwn lets the Go program own the sessions of an application on .NET, also
// after a restart.
func testOwn(t *testing.T, path string) {
	dir := "SESSION_DIR=" + t.TempDir()
	owner := start(t, path, "SESSION_KEY="+apiKey, dir)
	core := dotnetpeer.Start(t, "app", "--remote", owner.url, "--keys", "user:string;visits:int")
	b := newBrowser(t)
	b.wants("visits: 1", "GET", owner.url+"/visit")
	b.wants("2", "POST", core.URL+"/incr?k=visits")
	b.wants("visits: 3", "GET", owner.url+"/visit")
	owner.stop()
	b.wants("visits: 4", "GET", start(t, path, "SESSION_KEY="+apiKey, dir).url+"/visit")
}

// testLeave starts the program again without the old application, with another
// program on .NET as its client.
func testLeave(t *testing.T, path string) {
	old := dotnetpeer.Start(t, "legacy", "--poll", "10")
	b := newBrowser(t)
	before := start(t, path, remote(old.URL)...)
	b.wants("visits: 1", "GET", before.url+"/visit")
	b.wants("1", "GET", old.URL+"/legacy/get?k=visits")
	before.stop()
	old.Stop()

	after := start(t, path, append(remote(""), "SESSION_DIR="+t.TempDir())...)
	core := dotnetpeer.Start(t, "app", "--remote", after.url)
	b.wants("visits: 1", "GET", after.url+"/visit") // under the id that the browser has; its values ended with the old application
	b.wants("2", "POST", core.URL+"/incr?k=visits")
	b.wants("visits: 3", "GET", after.url+"/visit")
}

// TestProgramsAreShort keeps each in one screen.
func TestProgramsAreShort(t *testing.T) {
	for _, name := range []string{"join", "own", "leave"} {
		source, err := os.ReadFile(filepath.Join(name, "main.go"))
		must(t, err)
		if lines := bytes.Count(source, []byte("\n")); lines >= 60 {
			t.Errorf("%s has %d lines, want less than 60", name, lines)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

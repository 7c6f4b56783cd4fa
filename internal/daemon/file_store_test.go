// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package daemon_test

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/sessionbridge/session/internal/daemon"
	"github.com/sessionbridge/session/wire"
)

// onDisk returns a configuration whose sessions are on disk.
func onDisk(t *testing.T) daemon.Config {
	t.Helper()
	c := config(t)
	c.Store, c.File.Dir = "file", t.TempDir()
	return c
}

func TestSessionsOutliveARestart(t *testing.T) {
	c := onDisk(t)
	first := started(t, c, testLog(t))
	s, _ := first.hold(t)
	s.Items = []wire.Item{{Key: "visits", Value: []byte("1")}}
	first.put(t, s, http.StatusOK)
	first.stop()
	if err := first.wait(t); err != nil {
		t.Fatal(err)
	}
	second := started(t, c, testLog(t))
	if got := second.stored(t, s.ID); len(got.Items) != 1 || string(got.Items[0].Value) != "1" {
		t.Errorf("after a restart the session is %+v", got)
	}
}

// stored reads a session.
func (r *running) stored(t *testing.T, id string) wire.Session {
	t.Helper()
	req := request(t, http.MethodGet, r.URLs()[0]+path, nil)
	req.Header.Set("Cookie", "ASP.NET_SessionId="+id)
	req.Header.Set(readOnly, "true")
	got, err := wire.Read(send(t, req, http.StatusOK).Body, wire.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// TestSessionThatCantBeRead spoils the record of a session: an operator can tell
// it from a store that does not answer.
func TestSessionThatCantBeRead(t *testing.T) {
	c := onDisk(t)
	first := started(t, c, testLog(t))
	s, _ := first.hold(t)
	first.put(t, s, http.StatusOK)
	first.stop()
	if err := first.wait(t); err != nil {
		t.Fatal(err)
	}
	db, err := pebble.Open(filepath.Join(c.File.Dir, "pebble"), &pebble.Options{Logger: quietPebble{}})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Set([]byte("i"+s.ID), []byte("nonsense"), pebble.Sync), db.Close()); err != nil {
		t.Fatal(err)
	}
	second := started(t, c, testLog(t))
	for call, mode := range map[string]string{"get": "true", "lock": "false"} {
		req := request(t, http.MethodGet, second.URLs()[0]+path, nil)
		req.Header.Set("Cookie", "ASP.NET_SessionId="+s.ID)
		req.Header.Set(readOnly, mode)
		answer := send(t, req, http.StatusInternalServerError)
		body, err := io.ReadAll(answer.Body)
		if err != nil || answer.Header.Get("Retry-After") != "" || !strings.Contains(string(body), "problem:store-damaged") {
			t.Errorf("a GET (read-only %s) is answered with Retry-After %q and %s, error %v", mode, answer.Header.Get("Retry-After"), body, err)
		}
		if _, figures := fetch(t, second.AdminURL()+"/metrics"); !strings.Contains(figures, `sessionbridge_store_failures_total{call="`+call+`",cause="damaged"} 1`) {
			t.Errorf("no damage in the metrics:\n%s", grep(figures, "^sessionbridge_store"))
		}
	}
}

// quietPebble says nothing.
type quietPebble struct{}

func (quietPebble) Infof(string, ...any)  {}
func (quietPebble) Errorf(string, ...any) {}
func (quietPebble) Fatalf(format string, args ...any) {
	panic(fmt.Sprintf(format, args...))
}

func TestDirectoryHasOneProcess(t *testing.T) {
	c := onDisk(t)
	started(t, c, testLog(t))
	d, err := daemon.Start(t.Context(), c, slog.New(slog.DiscardHandler))
	if err == nil {
		t.Fatalf("a second one started; it stopped with %v", d.Stop())
	}
	if want := fmt.Sprintf("%s is in use by process %d", c.File.Dir, os.Getpid()); !strings.Contains(err.Error(), want) {
		t.Errorf("the error is %v, want %s", err, want)
	}
}

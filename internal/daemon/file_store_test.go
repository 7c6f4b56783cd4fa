// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package daemon_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"

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
	req := request(t, http.MethodGet, second.URLs()[0]+path, nil)
	req.Header.Set("Cookie", "ASP.NET_SessionId="+s.ID)
	req.Header.Set(readOnly, "true")
	got, err := wire.Read(send(t, req, http.StatusOK).Body, wire.Limits{})
	if err != nil || len(got.Items) != 1 || string(got.Items[0].Value) != "1" {
		t.Errorf("after a restart the session is %+v: %v", got, err)
	}
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

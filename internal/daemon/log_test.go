// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestLogWritesDurationsWithTheirUnit(t *testing.T) {
	for format, want := range map[string]string{"json": `"grace":"30s","timeout":"20m"`, "text": "grace=30s timeout=20m"} {
		var out bytes.Buffer
		Log{Format: format}.Logger(&out).Info("x", "grace", 30*time.Second, "timeout", 20*time.Minute)
		if !strings.Contains(out.String(), want) {
			t.Errorf("%s: got %s, want %s", format, out.String(), want)
		}
	}
}

// TestLogOfTheServer: who only looks whether a port is open is no news.
func TestLogOfTheServer(t *testing.T) {
	for line, want := range map[string]string{
		"http: TLS handshake error from 10.0.0.1:5000: EOF":                                                           "DEBUG",
		"http: TLS handshake error from 10.0.0.1:5000: read tcp 10.0.0.2:1->10.0.0.1:5000: connection reset by peer":  "DEBUG",
		"http: TLS handshake error from 10.0.0.1:5000: read tcp 10.0.0.2:1->10.0.0.1:5000: i/o timeout":               "DEBUG",
		"http: TLS handshake error from 10.0.0.1:5000: remote error: tls: bad certificate":                            "WARN",
		"http: TLS handshake error from 10.0.0.1:5000: client sent an HTTP request to an HTTPS server":                "WARN",
		"http: Accept error: accept tcp 10.0.0.2:1: accept4: too many open files; retrying in 5ms; the reason is EOF": "WARN",
	} {
		var out bytes.Buffer
		newServerLog(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))).Println(line)
		if !strings.Contains(out.String(), "level="+want+" ") || strings.Contains(out.String(), `\n`) {
			t.Errorf("%s: logged as %s, want %s", line, out.String(), want)
		}
	}
}

// TestLogOfTheServerIsNotFlooded: a stranger who can't even say hello must not
// fill a disk, nor hide that there are no descriptors left.
func TestLogOfTheServerIsNotFlooded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		log := newServerLog(slog.New(slog.NewTextHandler(&out, nil)))
		for range 1000 {
			log.Print("http: TLS handshake error from 10.0.0.1:5000: unexpected EOF")
			log.Print("http2: server connection error from 10.0.0.1:5000: PROTOCOL_ERROR")
		}
		log.Print("http: Accept error: too many open files; retrying in 5ms")
		time.Sleep(serverComplainEvery)
		log.Print("http: TLS handshake error from 10.0.0.1:5000: unexpected EOF")
		got := out.String()
		if lines := strings.Count(got, "\n"); lines != 4 || !strings.Contains(got, "too many open files") || !strings.Contains(got, "more_before=999") {
			t.Errorf("%d lines are logged, want 4, the last of which tells of 999 more:\n%.2000s", lines, got)
		}
	})
}

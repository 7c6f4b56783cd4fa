// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"bytes"
	"context"
	"io"
	"log"
	"log/slog"
	"regexp"
)

// Logger returns the log that the settings ask for.
func (l Log) Logger(w io.Writer) *slog.Logger {
	o := &slog.HandlerOptions{Level: slog.Level(l.Level), ReplaceAttr: withUnits}
	if l.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}

// withUnits writes durations as settings are written. In JSON they would be
// numbers, and nobody could tell of what.
func withUnits(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindDuration {
		a.Value = slog.StringValue(Duration(a.Value.Duration()).String())
	}
	return a
}

// A serverLog takes the lines that an http.Server logs.
type serverLog struct{ log *slog.Logger }

func newServerLog(to *slog.Logger) *log.Logger { return log.New(serverLog{to}, "", 0) }

// goneInHandshake match what is logged of peers that leave before they have
// said anything, such as those that only look whether the port is open.
var goneInHandshake = regexp.MustCompile(`^http: TLS handshake error from .*(: EOF|connection reset by peer|forcibly closed by the remote host\.|broken pipe|i/o timeout)$`)

func (l serverLog) Write(line []byte) (int, error) {
	text, level := bytes.TrimSpace(line), slog.LevelWarn
	if goneInHandshake.Match(text) {
		level = slog.LevelDebug
	}
	l.log.Log(context.Background(), level, string(text))
	return len(line), nil
}

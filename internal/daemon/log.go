// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"bytes"
	"io"
	"log"
	"log/slog"
	"regexp"
	"strings"
	"time"

	"github.com/sessionbridge/session/internal/seldom"
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

// A serverLog takes the lines that an http.Server logs. Most of them strangers
// can cause as often as they like, so of each kind one is logged now and then.
type serverLog struct {
	log *slog.Logger

	handshakes, accepts, others seldom.Gate
}

func newServerLog(to *slog.Logger) *log.Logger { return log.New(&serverLog{log: to}, "", 0) }

// serverComplainEvery is how often a line of a kind is logged, at most.
const serverComplainEvery = 10 * time.Second

// goneInHandshake match what is logged of peers that leave before they have
// said anything, such as those that only look whether the port is open.
var goneInHandshake = regexp.MustCompile(`^http: TLS handshake error from .*(: EOF|connection reset by peer|forcibly closed by the remote host\.|broken pipe|i/o timeout)$`)

func (l *serverLog) Write(line []byte) (int, error) {
	text := string(bytes.TrimSpace(line))
	if goneInHandshake.MatchString(text) {
		l.log.Debug(text)
		return len(line), nil
	}
	if say, more := l.gate(text).Pass(serverComplainEvery); say {
		l.log.Warn(text, "more_before", more)
	}
	return len(line), nil
}

// gate returns the gate of the lines of a kind.
func (l *serverLog) gate(text string) *seldom.Gate {
	switch {
	case strings.HasPrefix(text, "http: TLS handshake error"):
		return &l.handshakes
	case strings.HasPrefix(text, "http: Accept error"):
		return &l.accepts
	}
	return &l.others
}

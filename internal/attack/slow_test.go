// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package attack_test

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"golang.org/x/net/http2"

	"github.com/sessionbridge/session/internal/attack"
)

// byByte sends a text, a byte at a time, until the server has enough.
func byByte(ctx context.Context, w io.Writer, text string, pause time.Duration) {
	for i := range len(text) {
		if _, err := io.WriteString(w, text[i:i+1]); err != nil {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

// trickle sends a text byte by byte on a connection of its own, which the server
// must end.
func (a *arena) trickle(ctx context.Context, text string, limit time.Duration) error {
	conn, err := attack.DialPlain(ctx, a.Plain)
	if err != nil {
		return err
	}
	defer conn.Close()
	ctx, cancel := context.WithCancel(ctx)
	sent := make(chan struct{})
	go func() { defer close(sent); byByte(ctx, conn, text, time.Second) }()
	err = awaitEnd(conn, limit)
	cancel()
	<-sent
	return err
}

func headByByte(ctx context.Context, a *arena) (string, error) {
	return "ended", a.trickle(ctx, attack.Request{Method: "GET", Key: attackerKey}.HTTP1(), headTimeout)
}

// prefaceByByte is bounded twice: until the first line is whole by the limit of
// any head, then by a limit of net/http for the rest.
func prefaceByByte(ctx context.Context, a *arena) (string, error) {
	return "ended", a.trickle(ctx, http2.ClientPreface+strings.Repeat("\x00", 60), 2*headTimeout)
}

// headByByteHTTP2 sends a head in CONTINUATION frames of a byte. No ping can be
// answered amid a head (RFC 9113, 6.10), so the ping ends it.
func headByByteHTTP2(ctx context.Context, a *arena) (string, error) {
	c, err := a.http2(ctx)
	if err != nil {
		return "", err
	}
	defer c.Close()
	if err := pong(ctx, c); err != nil { // amid a head no settings could be acknowledged
		return "", err
	}
	s, block := c.Next(), c.Block(attack.Request{Method: "GET", Key: attackerKey, More: many(20)})
	began := time.Now()
	err = c.Frames(func(f *http2.Framer) error {
		return f.WriteHeaders(http2.HeadersFrameParam{StreamID: s.ID, BlockFragment: block[:1]})
	})
	if err != nil {
		return "", err
	}
	for i := 1; i < len(block); i++ {
		c.Conn.SetWriteDeadline(time.Now().Add(slack))
		if c.Frames(func(f *http2.Framer) error { return f.WriteContinuation(s.ID, false, block[i:i+1]) }) != nil {
			break
		}
		select {
		case <-c.Ended():
			return "ended", within(time.Since(began), sendTimeout)
		case <-time.After(time.Second):
		}
	}
	<-c.Ended()
	return "ended", within(time.Since(began), sendTimeout)
}

// putByByte sends a byte a second of a PUT to a held session. Its full minute is
// also in TestSlowBodyIsGivenAMinute of remoteapp, where no time passes.
func putByByte(ctx context.Context, a *arena) (string, error) {
	const id = "pppppppppppppppppppppppp"
	h, err := a.hold(ctx, attack.Request{Method: "GET", Key: attackerKey, ID: id})
	if err != nil {
		return "", err
	}
	defer h.Close()
	p, err := a.send(ctx, attack.Request{Method: "PUT", Key: attackerKey, ID: id, More: [][2]string{{"Content-Length", "1000"}}}.HTTP1())
	if err != nil {
		return "", err
	}
	defer p.Close()
	go func() { defer p.Close(); patiently(ctx, p) }()
	line, err := p.in.ReadString('\n')
	if *full && !strings.HasPrefix(line, "HTTP/1.1 408 ") {
		return "", fmt.Errorf("%w: %q, %v, want 408", errWrong, line, err)
	}
	if !*full && line != "" {
		return "", fmt.Errorf("%w: %q before the minute is over", errWrong, line)
	}
	if *full {
		return "408", nil
	}
	return "connection closed by the peer", nil
}

// patiently sends a byte a second for a while, or until the server has enough if
// the test is to be full.
func patiently(ctx context.Context, w io.Writer) {
	bytes := 15
	if *full {
		bytes = 90
	}
	byByte(ctx, w, strings.Repeat("\x00", bytes), time.Second)
}

// bodyWriter sends each write as a frame of data.
type bodyWriter struct{ *attack.Stream }

func (w bodyWriter) Write(p []byte) (int, error) { return len(p), w.Send(p, false) }

// postByByte is putByByte for a POST.
func postByByte(ctx context.Context, a *arena) (string, error) {
	c, err := a.http2(ctx)
	if err != nil {
		return "", err
	}
	defer c.Close()
	s, err := opened(ctx, c, "oooooooooooooooooooooooo")
	if err != nil {
		return "", err
	}
	if !*full {
		patiently(ctx, bodyWriter{s})
		return "reset by the peer", s.Reset(http2.ErrCodeCancel)
	}
	go patiently(ctx, bodyWriter{s})
	if got := s.Wait(ctx); !strings.Contains(string(got.Body), `{"s":false,"m":"Request Timeout`) {
		return "", fmt.Errorf("%w: %q, %v", errWrong, got.Body, got.Err)
	}
	return `{"s":false}`, nil
}

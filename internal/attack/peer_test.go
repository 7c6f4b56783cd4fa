// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package attack_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/sessionbridge/session/internal/attack"
)

const (
	victimID   = "vvvvvvvvvvvvvvvvvvvvvvvv"
	otherID    = "wwwwwwwwwwwwwwwwwwwwwwww"
	largeID    = "llllllllllllllllllllllll"
	robbedID   = "rrrrrrrrrrrrrrrrrrrrrrrr"
	conflictID = "tttttttttttttttttttttttt"
	churnID    = "cccccccccccccccccccccccc"
)

// A peer is an HTTP/1.1 connection of an attacker.
type peer struct {
	net.Conn
	in *bufio.Reader
}

// dial opens a connection that ends with ctx.
func (a *arena) dial(ctx context.Context) (*peer, error) {
	conn, err := attack.DialPlain(ctx, a.Plain)
	if err != nil {
		return nil, err
	}
	if deadline, ok := ctx.Deadline(); ok {
		conn.SetDeadline(deadline)
	}
	return &peer{conn, bufio.NewReader(conn)}, nil
}

// send opens a connection and writes to it.
func (a *arena) send(ctx context.Context, text string) (*peer, error) {
	p, err := a.dial(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := io.WriteString(p, text); err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

// answer reads an answer with its body.
func (p *peer) answer(method string) (attack.Answer, string, error) {
	res, err := http.ReadResponse(p.in, &http.Request{Method: method})
	if err != nil {
		return attack.Answer{}, "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	h := make(map[string]string)
	for name := range res.Header {
		h[strings.ToLower(name)] = res.Header.Get(name)
	}
	return attack.Answer{Status: res.StatusCode, Header: h, Body: body, Err: err}, res.Status, err
}

// onceWith sends a request with a body of known length on a connection of its own
// and returns the status of the answer.
func (a *arena) onceWith(ctx context.Context, r attack.Request, body []byte) (string, error) {
	r.More = append(r.More, [2]string{"Content-Length", fmt.Sprint(len(body))})
	return a.once(ctx, r, body)
}

// once is onceWith for a request that says itself what follows.
func (a *arena) once(ctx context.Context, r attack.Request, body []byte) (string, error) {
	p, err := a.send(ctx, r.HTTP1()+string(body))
	if err != nil {
		return "", err
	}
	defer p.Close()
	_, status, err := p.answer(r.Method)
	return status, err
}

// hold holds a session by GET and returns when its bytes have arrived.
func (a *arena) hold(ctx context.Context, r attack.Request) (*peer, error) {
	p, err := a.send(ctx, r.HTTP1())
	if err != nil {
		return nil, err
	}
	res, err := http.ReadResponse(p.in, nil)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%w: hold: %s", errWrong, res.Status)
	}
	if err != nil {
		p.Close()
		return nil, err
	}
	one := make([]byte, 1)
	_, err = io.ReadFull(res.Body, one)
	p.in = bufio.NewReader(res.Body)
	return p, err
}

// withLength returns a request with a body of known length.
func withLength(r attack.Request, body []byte) string {
	r.More = append(r.More, [2]string{"Content-Length", fmt.Sprint(len(body))})
	return r.HTTP1() + string(body)
}

// mustPut commits a session that a GET holds.
func (a *arena) mustPut(ctx context.Context, r attack.Request, body []byte) error {
	return a.expect(ctx, r, body, "200 OK")
}

// expect sends a request with a body of known length, and returns an error
// unless it is answered so.
func (a *arena) expect(ctx context.Context, r attack.Request, body []byte, want string) error {
	got, err := a.onceWith(ctx, r, body)
	if err != nil || got != want {
		return fmt.Errorf("%w: %s %.60q: %q, %v, want %q", errWrong, r.Method, body, got, err, want)
	}
	return nil
}

// http2 opens an HTTP/2 connection without TLS.
func (a *arena) http2(ctx context.Context) (*attack.Conn, error) {
	conn, err := attack.DialPlain(ctx, a.Plain)
	if err != nil {
		return nil, err
	}
	if deadline, ok := ctx.Deadline(); ok {
		conn.SetDeadline(deadline)
	}
	return attack.NewConn(conn)
}

// isFree returns an error unless the session can be held within a while.
func (a *arena) isFree(ctx context.Context, id string, within time.Duration) error {
	began := time.Now()
	p, err := a.hold(ctx, attack.Request{Method: "GET", Key: attackerKey, ID: id})
	if err != nil {
		return err
	}
	p.Close()
	if took := time.Since(began); took > within {
		return fmt.Errorf("the session was free only after %s", took)
	}
	return nil
}

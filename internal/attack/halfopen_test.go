// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package attack_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"time"

	"github.com/sessionbridge/session/internal/attack"
)

// halfOpen lets holders vanish: what is sent to them is dropped, and nothing says
// that they are gone. Two of them are waited for. The exchanges of all must end
// when TCP's or HTTP/2's probes have found nobody.
func halfOpen(ctx context.Context, a *arena) (string, error) {
	if runtime.GOOS != "linux" {
		return "NOT TESTED: only Linux drops packets by a filter on a socket", nil
	}
	began := time.Now()
	for _, id := range []string{"111111111111111111111111", "222222222222222222222222"} {
		p, err := a.hold(ctx, attack.Request{Method: "GET", Key: goneKey, ID: id})
		if err != nil {
			return "", err
		}
		defer p.Close()
		if err := attack.Deafen(p.Conn.(*net.TCPConn)); err != nil {
			return "", err
		}
	}
	for _, id := range []string{"333333333333333333333333", "444444444444444444444444"} {
		c, err := a.http2(ctx)
		if err != nil {
			return "", err
		}
		defer c.Close()
		if _, err := openedBy(ctx, c, goneKey, id); err != nil {
			return "", err
		}
		if err := attack.Deafen(c.Conn.(*net.TCPConn)); err != nil {
			return "", err
		}
	}
	err := each(2, func(i int) error {
		id, limit := "111111111111111111111111", getLimit
		if i == 1 {
			id, limit = "333333333333333333333333", postLimit
		}
		if err := a.isFree(ctx, id, limit+slack); err != nil {
			return fmt.Errorf("a writer that waits for a vanished one: %w", err)
		}
		return nil
	})
	ctx, cancel := context.WithDeadlineCause(ctx, began.Add(sendTimeout+slack), errors.New("the server has not noticed that its peers are gone"))
	defer cancel()
	return "released; handed over within the hold limit", errors.Join(err, a.areOver(ctx, "gone", "get", 2), a.areOver(ctx, "gone", "post", 2))
}

// areOver waits until so many exchanges of a client are over.
func (a *arena) areOver(ctx context.Context, client, kind string, want int) error {
	for {
		n, err := attack.Over(ctx, a.Admin, client, kind)
		if n == want {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d of %d %s exchanges are over, %w: %w", n, want, kind, err, context.Cause(ctx))
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// halfOpenIdle lets peers vanish that hold nothing, after one answer. That they
// are found is in the census: nothing may be left of them.
func halfOpenIdle(ctx context.Context, a *arena) (string, error) {
	if runtime.GOOS != "linux" {
		return "NOT TESTED: only Linux drops packets by a filter on a socket", nil
	}
	for range 20 {
		p, err := a.send(ctx, attack.Request{Method: "GET", Key: goneKey, ID: victimID, ReadOnly: true}.HTTP1())
		if err != nil {
			return "", err
		}
		if _, _, err := p.answer("GET"); err != nil {
			return "", err
		}
		if err := attack.Deafen(p.Conn.(*net.TCPConn)); err != nil {
			return "", err
		}
		a.t.Cleanup(func() { p.Close() }) // not before the census: closing tells the server
	}
	return "nothing left", nil
}

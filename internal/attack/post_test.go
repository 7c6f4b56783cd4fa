// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package attack_test

import (
	"context"
	"fmt"
	"strings"
	"time"

	"golang.org/x/net/http2"

	"github.com/sessionbridge/session/internal/attack"
)

// post is the head of an attacker's POST.
func post(id string) attack.Request {
	return attack.Request{Method: "POST", Key: attackerKey, ID: id}
}

// resetPosts resets a POST at each stage at which one can be reset, and wants the
// session free after each.
func resetPosts(ctx context.Context, a *arena) (string, error) {
	c, err := a.http2(ctx)
	if err != nil {
		return "", err
	}
	defer c.Close()
	for _, stage := range []struct {
		name string
		do   func(context.Context, *arena, *attack.Conn) error
	}{
		{"after its head", resetAfterHead}, {"when the session is there", resetAfterSession},
		{"amid its body", resetAmidBody}, {"after its end", resetAfterEnds}, {"in the queue", resetInQueue},
	} {
		if err := stage.do(ctx, a, c); err != nil {
			return "", fmt.Errorf("reset %s: %w", stage.name, err)
		}
		if err := a.isFree(ctx, victimID, 5*time.Second); err != nil {
			return "", fmt.Errorf("reset %s: %w", stage.name, err)
		}
	}
	return "released; committed if it was whole", resetBeforeHead(ctx, a)
}

// resetBeforeHead resets a stream that was never opened, which is an error of the
// connection (RFC 9113, 6.4).
func resetBeforeHead(ctx context.Context, a *arena) error {
	c, err := a.http2(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.Next().Reset(http2.ErrCodeCancel); err != nil {
		return err
	}
	return wantGoAway(ctx, c, http2.ErrCodeProtocol)
}

// wantGoAway returns an error unless the connection ends, for one of these
// reasons.
func wantGoAway(ctx context.Context, c *attack.Conn, codes ...http2.ErrCode) error {
	select {
	case <-c.Ended():
	case <-ctx.Done():
		return fmt.Errorf("the connection did not end: %w", context.Cause(ctx))
	}
	got, ok := c.GoAway()
	for _, code := range codes {
		if ok && got == code {
			return nil
		}
	}
	return fmt.Errorf("%w: the connection ended with GOAWAY %t %s, want %v", errWrong, ok, got, codes)
}

func resetAfterHead(ctx context.Context, a *arena, c *attack.Conn) error {
	s, err := c.Open(post(victimID), false)
	if err != nil {
		return err
	}
	return s.Reset(http2.ErrCodeCancel)
}

// opened opens a POST and returns it when the session has come.
func opened(ctx context.Context, c *attack.Conn, id string) (*attack.Stream, error) {
	return openedBy(ctx, c, attackerKey, id)
}

func openedBy(ctx context.Context, c *attack.Conn, key, id string) (*attack.Stream, error) {
	s, err := c.Open(attack.Request{Method: "POST", Key: key, ID: id}, false)
	if err != nil {
		return nil, err
	}
	if status, err := s.Headed(ctx); err != nil || status != 200 {
		return nil, fmt.Errorf("%w: POST: %d, %v", errWrong, status, err)
	}
	return s, nil
}

func resetAfterSession(ctx context.Context, a *arena, c *attack.Conn) error {
	s, err := opened(ctx, c, victimID)
	if err != nil {
		return err
	}
	return s.Reset(http2.ErrCodeCancel)
}

func resetAmidBody(ctx context.Context, a *arena, c *attack.Conn) error {
	s, err := opened(ctx, c, victimID)
	if err != nil {
		return err
	}
	if err := s.Send(attack.Update(victimID, 20, "n", "1")[:20], false); err != nil {
		return err
	}
	return s.Reset(http2.ErrCodeInternal)
}

// resetAfterEnds repeats resetAfterEnd: the reset may come before the server knows
// that its answer has left.
func resetAfterEnds(ctx context.Context, a *arena, c *attack.Conn) error {
	for range 30 {
		if err := resetAfterEnd(ctx, a, c); err != nil {
			return err
		}
	}
	return nil
}

// resetAfterEnd sends a whole session and resets at once, as Microsoft's client
// does when its browser has left: it is a commit.
func resetAfterEnd(ctx context.Context, a *arena, c *attack.Conn) error {
	s, err := opened(ctx, c, victimID)
	if err != nil {
		return err
	}
	value := fmt.Sprint(time.Now().UnixNano())
	if err := s.Send(attack.Update(victimID, 20, "n", value), true); err != nil {
		return err
	}
	if err := s.Reset(http2.ErrCodeCancel); err != nil {
		return err
	}
	if err := a.isFree(ctx, victimID, 5*time.Second); err != nil {
		return err
	}
	p, err := a.send(ctx, attack.Request{Method: "GET", Key: attackerKey, ID: victimID, ReadOnly: true}.HTTP1())
	if err != nil {
		return err
	}
	defer p.Close()
	got, _, err := p.answer("GET")
	if err != nil || !strings.Contains(string(got.Body), value) {
		return fmt.Errorf("%w: what was committed is not there: %q, %v", errWrong, got.Body, err)
	}
	return nil
}

func resetInQueue(ctx context.Context, a *arena, c *attack.Conn) error {
	h, err := opened(ctx, c, victimID)
	if err != nil {
		return err
	}
	defer h.Reset(http2.ErrCodeCancel)
	s, err := c.Open(post(victimID), false)
	if err != nil {
		return err
	}
	if err := a.await(ctx, func(c attack.Census) bool { return c.Waiters == 1 }); err != nil {
		return err
	}
	if err := s.Reset(http2.ErrCodeCancel); err != nil {
		return err
	}
	return a.await(ctx, func(c attack.Census) bool { return c.Waiters == 0 })
}

// postNothing ends a POST without a byte.
func postNothing(ctx context.Context, a *arena) (string, error) {
	c, err := a.http2(ctx)
	if err != nil {
		return "", err
	}
	defer c.Close()
	for range 20 {
		s, err := opened(ctx, c, victimID)
		if err != nil {
			return "", err
		}
		if err := s.Send(nil, true); err != nil {
			return "", err
		}
		const want = `{"s":false,"m":"No session data was supplied for commit"}`
		if got := s.Wait(ctx); got.Err != nil || !strings.HasSuffix(string(got.Body), want) {
			return "", fmt.Errorf("%w: %q, %v", errWrong, got.Body, got.Err)
		}
		time.Sleep(2 * time.Millisecond)
	}
	return `{"s":false}`, nil
}

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

// rapidReset opens streams and resets each at once (CVE-2023-44487): a stranger's,
// a reader's and a writer's.
func rapidReset(ctx context.Context, a *arena) (string, error) {
	c, err := a.http2(ctx)
	if err != nil {
		return "", err
	}
	defer c.Close()
	requests := []attack.Request{
		{Method: "GET", Key: strangerKey, ID: victimID},
		{Method: "GET", Key: attackerKey, ID: victimID, ReadOnly: true},
		{Method: "GET", Key: attackerKey, ID: victimID},
		post(victimID),
	}
	const resets = 1000
	for i := range resets {
		r := requests[i%len(requests)]
		s, err := c.Open(r, r.Method == "GET")
		if err == nil {
			err = s.Reset(http2.ErrCodeCancel)
		}
		if err != nil {
			return "", err
		}
		if i%10 == 9 {
			time.Sleep(5 * time.Millisecond)
		}
	}
	if err := pong(ctx, c); err != nil {
		return "", err
	}
	return fmt.Sprintf("%d released", resets), a.isFree(ctx, victimID, 5*time.Second)
}

// pong waits until all that was sent before is taken.
func pong(ctx context.Context, c *attack.Conn) error {
	before := c.Acks()
	if err := c.Frames(func(f *http2.Framer) error { return f.WritePing(false, [8]byte{1}) }); err != nil {
		return err
	}
	for c.Acks() == before {
		select {
		case <-ctx.Done():
			return fmt.Errorf("a ping was not answered: %w", context.Cause(ctx))
		case <-c.Ended():
			code, _ := c.GoAway()
			return fmt.Errorf("%w: the connection ended, %s", errWrong, code)
		case <-time.After(time.Millisecond):
		}
	}
	return nil
}

// floodContinuation sends a head that does not end (CVE-2023-45288).
func floodContinuation(ctx context.Context, a *arena) (string, error) {
	c, err := a.http2(ctx)
	if err != nil {
		return "", err
	}
	defer c.Close()
	block, id := c.Block(attack.Request{Method: "GET", Key: attackerKey, More: many(100)}), c.Next().ID
	err = c.Frames(func(f *http2.Framer) error {
		return f.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: block})
	})
	const most = 8 << 20
	more, sent, left := c.Block(attack.Request{Method: "GET", More: many(1000)}), 0, false
	for ; err == nil && !left && sent < most; sent += len(more) {
		err = c.Frames(func(f *http2.Framer) error { return f.WriteContinuation(id, false, more) })
		time.Sleep(time.Millisecond)
		_, left = c.GoAway()
	}
	if sent >= most {
		return "", fmt.Errorf("%w: the server took a head of %d bytes", errWrong, sent)
	}
	<-c.Ended()
	return fmt.Sprintf("GOAWAY after %d KiB, closed a second later", (sent+1023)>>10), nil
}

// bombHeaders sends heads that are small on the wire and large when they are
// read, or large in other ways.
func bombHeaders(ctx context.Context, a *arena) (string, error) {
	long := [2]string{"x-bomb", strings.Repeat("a", 3000)}
	bombs := []struct {
		name string
		more [][2]string
	}{
		{"a field of 3,000 bytes, 5,000 times from the table", repeated(long, 5000)},
		{"20,000 fields", many(20_000)},
		{"a field of 1 MiB", [][2]string{{"x-bomb", strings.Repeat("\x00", 1<<20)}}},
		{"a cookie in 5,000 crumbs", repeated([2]string{"Cookie", "a=b"}, 5000)},
	}
	err := each(len(bombs), func(i int) error {
		if err := a.bomb(ctx, attack.Request{Method: "GET", Key: attackerKey, ReadOnly: true, More: bombs[i].more}); err != nil {
			return fmt.Errorf("%s: %w", bombs[i].name, err)
		}
		return nil
	})
	return "431, or the connection ends", err
}

func repeated(header [2]string, n int) [][2]string {
	all := make([][2]string, n)
	for i := range all {
		all[i] = header
	}
	return all
}

// bomb sends a head in as many frames as it needs. It must not succeed.
func (a *arena) bomb(ctx context.Context, r attack.Request) error {
	c, err := a.http2(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	block, s := c.Block(r), c.Next()
	const frame = 16 << 10
	first := true
	for len(block) > 0 && err == nil {
		piece := block[:min(frame, len(block))]
		block = block[len(piece):]
		err = c.Frames(func(f *http2.Framer) error {
			if first {
				return f.WriteHeaders(http2.HeadersFrameParam{StreamID: s.ID, BlockFragment: piece, EndHeaders: len(block) == 0, EndStream: true})
			}
			return f.WriteContinuation(s.ID, len(block) == 0, piece)
		})
		first = false
	}
	got := s.Wait(ctx)
	if got.Status == 431 || got.Status == 0 && ctx.Err() == nil {
		return nil
	}
	return fmt.Errorf("%w: %d, %v, want 431 or the connection's end", errWrong, got.Status, got.Err)
}

// floodControl sends many frames that want an answer, and takes the answers.
func floodControl(ctx context.Context, a *arena) (string, error) {
	c, err := a.http2(ctx)
	if err != nil {
		return "", err
	}
	defer c.Close()
	const frames = 4000
	for i := range frames {
		err := c.Frames(func(f *http2.Framer) error {
			switch i % 4 {
			case 0:
				return f.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: uint32(1<<16 + i)})
			case 1:
				return f.WritePing(false, [8]byte{})
			case 2:
				return f.WritePriority(uint32(i/4*2+1001), http2.PriorityParam{Weight: 1})
			}
			return f.WriteWindowUpdate(0, 1)
		})
		if err != nil {
			return "", err
		}
		if i%50 == 49 {
			time.Sleep(5 * time.Millisecond)
		}
	}
	return fmt.Sprintf("%d frames answered or ignored", frames), pong(ctx, c)
}

// floodEmpty sends a body of many empty frames on a POST (CVE-2019-9518), and
// then what is no frame of a body.
func floodEmpty(ctx context.Context, a *arena) (string, error) {
	c, err := a.http2(ctx)
	if err != nil {
		return "", err
	}
	defer c.Close()
	s, err := opened(ctx, c, victimID)
	if err != nil {
		return "", err
	}
	for i := range 2000 {
		if err := s.Send(nil, false); err != nil {
			return "", err
		}
		if i%50 == 49 {
			time.Sleep(5 * time.Millisecond)
		}
	}
	if err := s.Send(attack.Update(victimID, 20, "n", "1"), true); err != nil {
		return "", err
	}
	if got := s.Wait(ctx); !strings.HasSuffix(string(got.Body), `{"s":true}`) {
		return "", fmt.Errorf("%w: %q, %v", errWrong, got.Body, got.Err)
	}
	// Data on a stream that is idle is an error of the connection (RFC 9113, 5.1).
	if err := c.Next().Send([]byte("a"), false); err != nil {
		return "", err
	}
	return "committed; then GOAWAY PROTOCOL_ERROR", wantGoAway(ctx, c, http2.ErrCodeProtocol)
}

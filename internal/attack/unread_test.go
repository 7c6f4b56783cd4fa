// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package attack_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"golang.org/x/net/http2"

	"github.com/sessionbridge/session/internal/attack"
)

// dialNarrow opens a connection whose end here takes a few KiB and no more,
// unless they are read.
func (a *arena) dialNarrow(ctx context.Context) (net.Conn, error) {
	d := net.Dialer{Control: func(_, _ string, raw syscall.RawConn) error {
		var failed error
		err := raw.Control(func(fd uintptr) { failed = setReceiveBuffer(fd, 2048) })
		return errors.Join(err, failed)
	}}
	return d.DialContext(ctx, "tcp", a.Plain)
}

// readNothing asks for a large session, to read and to hold, and does not take
// the answer. The one that it holds must not be kept from others.
func readNothing(ctx context.Context, a *arena) (string, error) {
	began := time.Now()
	for _, r := range []attack.Request{
		{Method: "GET", Key: sluggardKey, ID: largeID, ReadOnly: true},
		{Method: "GET", Key: sluggardKey, ID: largeID},
	} {
		conn, err := a.dialNarrow(ctx)
		if err != nil {
			return "", err
		}
		defer conn.Close()
		if _, err := io.WriteString(conn, r.HTTP1()); err != nil {
			return "", err
		}
	}
	time.Sleep(time.Second)
	free := a.isFree(ctx, largeID, getLimit+slack)
	ctx, cancel := context.WithDeadlineCause(ctx, began.Add(sendTimeout+slack), errors.New("the server still waits for its peer to read"))
	defer cancel()
	return "released; handed over within the hold limit", errors.Join(free, a.areOver(ctx, "sluggard", "read", 1), a.areOver(ctx, "sluggard", "get", 1))
}

// readNoAnswers sends small requests, one behind the other, and reads no answer.
func readNoAnswers(ctx context.Context, a *arena) (string, error) {
	requests := []attack.Request{
		{Method: "GET", Key: strangerKey},
		{Method: "GET", Key: attackerKey, ID: victimID, ReadOnly: true},
		{Method: "GET", Path: "/", Key: strangerKey},
	}
	stop := time.Now().Add(sendTimeout + slack)
	return "connection ended", each(len(requests), func(i int) error {
		conn, err := a.dialNarrow(ctx)
		if err != nil {
			return err
		}
		defer conn.Close()
		conn.SetDeadline(stop)
		for n := 0; err == nil; n++ {
			if _, err = io.WriteString(conn, strings.Repeat(requests[i].HTTP1(), 20)); n < 100 {
				time.Sleep(40 * time.Millisecond)
			} else { // the server has not taken the last ones
				time.Sleep(time.Second)
			}
		}
		if os.IsTimeout(err) {
			return fmt.Errorf("%s %s: the server still waits for its peer to read", requests[i].Method, requests[i].Path)
		}
		return nil
	})
}

// readNothingHTTP2 gives no window to the server's answers.
func readNothingHTTP2(ctx context.Context, a *arena) (string, error) {
	const streams = 500
	conn, err := attack.DialPlain(ctx, a.Plain)
	if err != nil {
		return "", err
	}
	c, err := attack.NewConn(conn, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0})
	if err != nil {
		return "", err
	}
	defer c.Close()
	var opened []*attack.Stream
	for i := range streams {
		r := attack.Request{Method: "GET", Key: strangerKey}
		if i%2 == 0 {
			r = attack.Request{Method: "GET", Key: attackerKey, ID: largeID, ReadOnly: true}
		}
		s, err := c.Open(r, true)
		if err != nil {
			return "", err
		}
		opened = append(opened, s)
		time.Sleep(4 * time.Millisecond)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, sendTimeout+slack, errors.New("the server still waits for a window"))
	defer cancel()
	for _, s := range opened {
		if got := s.Wait(ctx); got.Err == nil || ctx.Err() != nil {
			return "", fmt.Errorf("%w: %d, %v, want a reset", errWrong, got.Status, got.Err)
		}
	}
	return fmt.Sprintf("%d streams reset", streams), nil
}

// pingUnread sends pings and reads no acknowledgment (CVE-2019-9512).
func pingUnread(ctx context.Context, a *arena) (string, error) {
	conn, err := a.dialNarrow(ctx)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(sendTimeout + slack))
	var pings bytes.Buffer
	framer := http2.NewFramer(&pings, nil)
	pings.WriteString(http2.ClientPreface)
	err = framer.WriteSettings()
	for err == nil { // 10,000 a second
		for range 500 {
			framer.WritePing(false, [8]byte{}) // into memory
		}
		_, err = pings.WriteTo(conn)
		time.Sleep(50 * time.Millisecond)
	}
	if os.IsTimeout(err) {
		return "", errors.New("the server still collects acknowledgments")
	}
	return "connection ended", nil
}

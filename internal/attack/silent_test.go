// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package attack_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/sessionbridge/session/internal/attack"
)

// within returns an error if it took longer than a limit, by far.
func within(took, limit time.Duration) error {
	if took > limit+slack {
		return fmt.Errorf("it took %s, the limit is %s", took, limit)
	}
	return nil
}

// awaitEnd reads from a connection until the server ends it, and returns an error
// unless it does within a limit.
func awaitEnd(conn net.Conn, limit time.Duration) error {
	conn.SetDeadline(time.Now().Add(limit + slack))
	if _, err := io.Copy(io.Discard, conn); os.IsTimeout(err) {
		return fmt.Errorf("the connection did not end within %s", limit)
	}
	return nil
}

// silent is how many connections say nothing; a tenth of them are for TLS.
const silent = 10_000

// sitSilently opens connections over which nothing is said.
func sitSilently(ctx context.Context, a *arena) (string, error) {
	n, note := silent, ""
	limit, err := descriptorLimit()
	if err != nil {
		return "", err
	}
	if most := limit - 1000; n > most {
		n = most
		note = fmt.Sprintf("; ONLY %d CONNECTIONS: ulimit -n is %d", n, limit)
	}
	conns := make([]net.Conn, 0, n)
	defer func() {
		for _, conn := range conns {
			conn.Close()
		}
	}()
	began := time.Now()
	for i := range n {
		at := a.Plain
		if i%10 == 0 {
			at = a.TLS
		}
		conn, err := attack.DialPlain(ctx, at)
		if err != nil {
			return "", err
		}
		conns = append(conns, conn)
		time.Sleep(time.Until(began.Add(time.Duration(i) * 600 * time.Microsecond))) // 1,667 a second
	}
	opened := time.Now()
	now, err := attack.Take(ctx, a.Admin)
	if err != nil {
		return "", err
	}
	for _, conn := range conns {
		if err := awaitEnd(conn, headTimeout-time.Since(opened)); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("ended; at most %d MiB of heap%s", now.Heap>>20, note), nil
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package remoteapp_test

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptest"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sessionbridge/session/remoteapp"
)

// TestSilentConnectionsAreBounded asks the sockets: that half a minute is kept is
// among the attacks on serve.
func TestSilentConnectionsAreBounded(t *testing.T) {
	for _, secure := range []bool{false, true} {
		accepted := make(chan net.Conn, 1)
		s := httptest.NewUnstartedServer(http.NotFoundHandler())
		s.Config.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
			accepted <- c
			return ctx
		}
		remoteapp.PrepareServer(s.Config)
		start := s.Start
		if secure {
			start = s.StartTLS
		}
		start()
		defer s.Close()
		res, err := s.Client().Get(s.URL)
		must(t, err)
		res.Body.Close()
		if got := userTimeout(t, <-accepted); got != 30_000 {
			t.Errorf("TLS %t: TCP_USER_TIMEOUT is %d ms, want 30 s", secure, got)
		}
	}
}

// userTimeout returns for how many milliseconds TCP lets a peer be silent.
func userTimeout(t *testing.T, c net.Conn) int {
	t.Helper()
	if secure, ok := c.(*tls.Conn); ok {
		c = secure.NetConn()
	}
	raw, err := c.(syscall.Conn).SyscallConn()
	must(t, err)
	var ms int
	var failed error
	must(t, raw.Control(func(fd uintptr) {
		ms, failed = unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT)
	}))
	must(t, failed)
	return ms
}

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
type connKey struct{}

func TestSilentConnectionsAreBounded(t *testing.T) {
	for _, secure := range []bool{false, true} {
		var got int
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			got = userTimeout(t, r.Context().Value(connKey{}).(net.Conn))
		}))
		s.Config.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, connKey{}, c)
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
		if got != 30_000 {
			t.Errorf("TLS %t: TCP_USER_TIMEOUT is %d ms, want 30 s", secure, got)
		}
	}
}

func userTimeout(t *testing.T, c net.Conn) int {
	t.Helper()
	if secure, ok := c.(*tls.Conn); ok {
		c = secure.NetConn()
	}
	raw, err := c.(syscall.Conn).SyscallConn()
	if err != nil {
		t.Error(err)
		return 0
	}
	var ms int
	var failed error
	err = raw.Control(func(fd uintptr) {
		ms, failed = unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT)
	})
	if err != nil || failed != nil {
		t.Errorf("the option can't be read: %v, %v", err, failed)
	}
	return ms
}

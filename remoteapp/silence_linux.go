// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package remoteapp

import (
	"crypto/tls"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// boundSilence lets TCP end a connection whose peer has not acknowledged what it
// was sent, or has taken none of it, for sendTimeout. Keep-alive probes don't: none
// is sent while anything is unacknowledged, such as a heartbeat, so a held GET
// whose peer had vanished was kept for a quarter of an hour (tcp_retries2), and a
// peer that acknowledges but never reads is probed for ever (RFC 9293, 3.8.6.1).
// It also bounds what net/http sends when the Handler has returned.
func boundSilence(c net.Conn) {
	if secure, ok := c.(*tls.Conn); ok {
		c = secure.NetConn()
	}
	socket, ok := c.(syscall.Conn)
	if !ok {
		return
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return
	}
	raw.Control(func(fd uintptr) {
		// An error means that this is no TCP, or TCP that can't: nothing is lost.
		unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(sendTimeout.Milliseconds()))
	})
}

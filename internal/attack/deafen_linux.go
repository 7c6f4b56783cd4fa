// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package attack

import (
	"net"

	"golang.org/x/sys/unix"
)

// Deafen lets this host drop whatever arrives for a connection, without an
// acknowledgment, as if its cable was cut: a filter on the socket refuses each
// packet before TCP sees it. The peer hears nothing more unless something is
// written, not even of its retransmissions or keep-alive probes. Closing the
// connection would still tell it.
func Deafen(conn *net.TCPConn) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Control(func(fd uintptr) {
		// The one instruction of the program is: return 0, take no byte.
		none := unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K}
		failed = unix.SetsockoptSockFprog(int(fd), unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: 1, Filter: &none})
	})
	if err != nil {
		return err
	}
	return failed
}

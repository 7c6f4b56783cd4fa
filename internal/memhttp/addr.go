// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package memhttp

import (
	"net"
	"net/netip"
)

// The made-up addresses are of the blocks that RFC 5737 keeps for examples.
const (
	host      = "memhttp.test"
	plainPort = 80
	tlsPort   = 443
	firstPort = 40000 // of the clients
)

func clientAddr(n int) net.Addr { return addr("192.0.2.1", firstPort+n) }

func serverAddr(port int) net.Addr { return addr("198.51.100.1", port) }

func addr(ip string, port int) net.Addr {
	return net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(ip), uint16(port)))
}

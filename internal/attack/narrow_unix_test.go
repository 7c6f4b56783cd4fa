// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

//go:build unix

package attack_test

import (
	"math"
	"syscall"
)

// setReceiveBuffer bounds what a socket takes without being read.
func setReceiveBuffer(fd uintptr, bytes int) error {
	return syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, bytes)
}

// descriptorLimit returns how many descriptors this process may have, and so the
// servers that it starts.
func descriptorLimit() (int, error) {
	var limit syscall.Rlimit
	err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit)
	return int(min(limit.Cur, math.MaxInt32)), err
}

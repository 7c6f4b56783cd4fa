// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package attack

import (
	"errors"
	"net"
)

// Deafen is there on Linux only.
func Deafen(*net.TCPConn) error { return errors.ErrUnsupported }

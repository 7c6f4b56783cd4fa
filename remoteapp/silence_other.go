// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package remoteapp

import "net"

// boundSilence does nothing here: TCP has its own limits.
func boundSilence(net.Conn) {}

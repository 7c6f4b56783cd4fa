// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

//go:build !unix

package redistest

import "testing"

// Freeze skips the test where a process can't be stopped.
func (s *Server) Freeze(t testing.TB) { t.Skip("no process can be stopped here") }

// Thaw does nothing.
func (s *Server) Thaw(testing.TB) {}

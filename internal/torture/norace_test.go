// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

//go:build !race

package torture_test

import "testing"

// oneAtATime is for the race detector.
func oneAtATime(*testing.T) {}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

//go:build race

package torture_test

import (
	"runtime"
	"testing"
)

// oneAtATime lets one goroutine run at a time until the test ends. Go 1.26 has one
// context of the race detector for all timers of a bubble, and crashes about once in
// five thousand bubbles in which two threads receive from tickers at the same
// moment.
func oneAtATime(t *testing.T) {
	before := runtime.GOMAXPROCS(1)
	t.Cleanup(func() { runtime.GOMAXPROCS(before) })
}

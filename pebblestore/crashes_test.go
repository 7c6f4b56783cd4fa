// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package pebblestore

import (
	"testing"
	"time"
)

// TestCrashLoop kills a process again and again before it has written its clock
// down: what was used before an earlier crash does not expire early.
func TestCrashLoop(t *testing.T) {
	c := clock{base: 15 * time.Minute}
	c.crashed()
	c.base = 30 * time.Minute
	for range 2 * mostCrashes {
		c.crashed()
	}
	if got := c.slid(0, 20*time.Minute); got != 30*time.Minute {
		t.Errorf("what may have been used at 15 and at 30 minutes counts as used at %s", got)
	}
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package seldom_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/sessionbridge/session/internal/seldom"
)

func TestGateLetsOneThroughInATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g seldom.Gate
		for i, want := range []struct {
			ok      bool
			skipped int
		}{{true, 0}, {false, 0}, {false, 0}, {true, 2}, {false, 0}} {
			if i == 3 {
				time.Sleep(time.Minute)
			}
			if ok, skipped := g.Pass(time.Minute); ok != want.ok || skipped != want.skipped {
				t.Errorf("call %d: %t, %d, want %t, %d", i, ok, skipped, want.ok, want.skipped)
			}
		}
	})
}

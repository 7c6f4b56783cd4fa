// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package pebblestore

import (
	"errors"
	"strings"
	"testing"
)

// TestPanicIsAnError has the engine panic with anything: what it was doing must
// not look as if it were done.
func TestPanicIsAnError(t *testing.T) {
	for _, p := range []any{"pebble: invalid", errors.New("pebble: invalid"), fatalError{"pebble: invalid"}} {
		err := guarded(func() error { panic(p) })
		if err == nil || !strings.Contains(err.Error(), "pebble: invalid") {
			t.Errorf("after a panic with %T, the error is %v", p, err)
		}
	}
}

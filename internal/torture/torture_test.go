// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package torture_test

import (
	"testing"
	"time"

	"github.com/sessionbridge/session/internal/torture"
	"github.com/sessionbridge/session/wire"
)

func scope(t *testing.T, patterns ...string) wire.Scope {
	t.Helper()
	s, err := wire.ParseScope(patterns)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestTortureInBubbles(t *testing.T) {
	counts := new(torture.Counts)
	for seed := range uint64(20) {
		b := bubble{seed: seed, counts: counts}
		start := time.Now()
		h := b.play(t)
		played := time.Since(start)
		if err := b.check(h); err != nil {
			t.Errorf("seed %d: %v", seed, err)
		}
		t.Log(played, time.Since(start))
	}
	t.Log(counts)
}

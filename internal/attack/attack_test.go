// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package attack_test

import (
	"testing"

	"github.com/sessionbridge/session/internal/attack"
)

// TestAttacks attacks real servers. Those attacks that only wait for a limit go
// on together at one server, while the others, one after the other, have another
// one to themselves.
func TestAttacks(t *testing.T) {
	program, err := attack.Build(t.Context(), t.TempDir())
	must(t, err)
	var rows []row
	waiting := besiege(t, program, theSieges())
	a := newArena(t, program)
	for _, x := range assaults() {
		t.Run(x.name, func(t *testing.T) { rows = append(rows, a.measure(t, x)) })
	}
	rows = append(rows, waiting.lift()...)
	t.Logf("\n%s", table(rows))
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package lastcookie_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/sessionbridge/session/internal/lastcookie"
)

// FuzzValue: the value is the last one of its name, without what separates.
func FuzzValue(f *testing.F) {
	f.Add("sid=1; SID = 2 ;a=b", "sid=", "sid")
	f.Add(";;=;sid;=1", "\x00=\x80", "")
	f.Fuzz(func(t *testing.T, first, second, name string) {
		lines := []string{first, second}
		got := lastcookie.Value(http.Header{"Cookie": lines}, name)
		want := ""
		for _, pair := range strings.Split(strings.Join(lines, ";"), ";") {
			if at := strings.Index(pair, "="); at >= 0 && strings.EqualFold(strings.TrimSpace(pair[:at]), name) {
				want = strings.TrimSpace(pair[at+1:])
			}
		}
		if got != want {
			t.Errorf("%q, %q: %q, want %q", lines, name, got, want)
		}
	})
}

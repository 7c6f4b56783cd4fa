// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package lastcookie_test

import (
	"net/http"
	"testing"

	"github.com/sessionbridge/session/internal/lastcookie"
)

func TestValue(t *testing.T) {
	for _, test := range []struct {
		lines []string
		want  string
	}{
		{nil, ""},
		{[]string{"other=1"}, ""},
		{[]string{"sid=1"}, "1"},
		{[]string{"SID=1; a=b"}, "1"},
		{[]string{"sid=1; sid=2"}, "2"},
		{[]string{"sid=1", "a=b", " Sid = 3 "}, "3"},
		{[]string{"sid=1; sid="}, ""},
		{[]string{"sid=a=b"}, "a=b"},
		{[]string{";;=;sid;=1"}, ""},
	} {
		if got := lastcookie.Value(http.Header{"Cookie": test.lines}, "sid"); got != test.want {
			t.Errorf("%q: %q, want %q", test.lines, got, test.want)
		}
	}
}

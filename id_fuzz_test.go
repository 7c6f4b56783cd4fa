// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package session_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/sessionbridge/session"
)

func FuzzParseID(f *testing.F) {
	form := regexp.MustCompile(`^[0-9A-Za-z]{24}$`)
	for _, value := range []string{session.NewID(), strings.Repeat("Z", 24), strings.Repeat("9", 24), "", strings.Repeat("a", 25), strings.Repeat("é", 12)} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		id, ok := session.ParseID(value)
		if ok != form.MatchString(value) || ok && id != strings.ToLower(value) || !ok && id != "" {
			t.Errorf("%q is %q, %t", value, id, ok)
		}
		if again, ok := session.ParseID(id); ok && again != id {
			t.Errorf("%q is %q at second sight", id, again)
		}
	})
}

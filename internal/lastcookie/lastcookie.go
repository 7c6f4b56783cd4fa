// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

// Package lastcookie finds cookies as ASP.NET Core does: names compare without
// case, and of several cookies of a name the last one counts. net/http's Cookie
// does neither. What a value means it does not know.
package lastcookie

import (
	"net/http"
	"strings"
)

// Value returns the value of the cookie that counts, or "" if there is none.
func Value(h http.Header, name string) string {
	found := ""
	for _, line := range h["Cookie"] {
		for line != "" {
			var pair string
			pair, line, _ = strings.Cut(line, ";")
			key, value, ok := strings.Cut(pair, "=")
			if ok && strings.EqualFold(strings.TrimSpace(key), name) {
				found = strings.TrimSpace(value)
			}
		}
	}
	return found
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package daemon

import "testing"

func TestNearest(t *testing.T) {
	names := []string{"keys", "key", "key_file", "listen"}
	for word, want := range map[string]string{
		"kee": "key", "kees": "keys", "key-file": "key_file", "lsten": "listen", "listening": "", "x": "", "": "", "ky": "", "lis": "",
	} {
		if got, _ := nearest(word, names); got != want {
			t.Errorf("nearest to %q is %q, want %q", word, got, want)
		}
	}
}

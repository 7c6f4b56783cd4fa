// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"bytes"
	"unicode"
	"unicode/utf8"
)

// EqualKeys tells whether a and b name the same key: letter case aside, as in
// the SessionStateItemCollection of ASP.NET.
//
// Characters compare one by one by their upper case, as .NET's
// StringComparer.OrdinalIgnoreCase compares them. (The comparer of ASP.NET is
// InvariantCultureIgnoreCase, which treats such keys as equal too, and some more
// by linguistic rules that change from one Windows to the next: é in one
// character or two.) What is not UTF-8 compares as U+FFFD.
func EqualKeys(a, b string) bool { return equalKeys([]byte(a), []byte(b)) }

// FoldKey returns the form of key that all keys equal to it share: EqualKeys(a,
// b) is FoldKey(a) == FoldKey(b). It is lower case where that exists, and key
// itself, without allocating, if that has the form already.
func FoldKey(key string) string {
	if isFolded([]byte(key)) {
		return key
	}
	return string(appendFolded(make([]byte, 0, len(key)), []byte(key)))
}

func equalKeys(a, b []byte) bool {
	if bytes.Equal(a, b) {
		return true
	}
	for len(a) > 0 && len(b) > 0 {
		ra, na := nextFolded(a)
		rb, nb := nextFolded(b)
		if ra != rb {
			return false
		}
		a, b = a[na:], b[nb:]
	}
	return len(a) == len(b)
}

func isFolded(key []byte) bool {
	for i := 0; i < len(key); {
		folded, size := nextFolded(key[i:])
		if key[i] < utf8.RuneSelf {
			if rune(key[i]) != folded {
				return false
			}
		} else if r, n := utf8.DecodeRune(key[i:]); r != folded || n != size || n == 1 {
			return false
		}
		i += size
	}
	return true
}

func appendFolded(dst, key []byte) []byte {
	for len(key) > 0 {
		r, size := nextFolded(key)
		dst = utf8.AppendRune(dst, r)
		key = key[size:]
	}
	return dst
}

// nextFolded returns the folded first character of key, which is not empty, and
// the length of the original.
func nextFolded(key []byte) (r rune, size int) {
	b := key[0]
	if b < utf8.RuneSelf {
		if 'A' <= b && b <= 'Z' {
			b += 'a' - 'A'
		}
		return rune(b), 1
	}
	r, size = nextRune(key)
	return foldRune(r), size
}

// foldRune returns the lower case of r's upper case, or that upper case itself
// where another letter has the same lower case (the Kelvin sign and K).
func foldRune(r rune) rune {
	upper := upperRune(r)
	if lower := unicode.ToLower(upper); upperRune(lower) == upper {
		return lower
	}
	return upper
}

// upperRune is the simple upper case by which .NET compares ordinally. It
// leaves two letters alone whose upper case is ASCII.
func upperRune(r rune) rune {
	if r == 'ı' || r == 'ſ' {
		return r
	}
	return unicode.ToUpper(r)
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package dotnet

import (
	"unicode/utf16"
	"unicode/utf8"
)

// A Char is .NET's: a unit of UTF-16. Half a surrogate pair is written as
// U+FFFD, as .NET does.
type Char uint16

// String returns the character.
func (c Char) String() string { return string(rune(c)) }

// AppendText appends the character in UTF-8. It never fails.
func (c Char) AppendText(dst []byte) ([]byte, error) { return utf8.AppendRune(dst, rune(c)), nil }

// MarshalText returns the character in UTF-8.
func (c Char) MarshalText() ([]byte, error) { return c.AppendText(nil) }

// UnmarshalText reads one character, which must not need a surrogate pair.
func (c *Char) UnmarshalText(text []byte) error {
	r, size := utf8.DecodeRune(text)
	if len(text) == 0 || size < len(text) || r == utf8.RuneError && size < 3 || utf16.RuneLen(r) != 1 {
		return errText
	}
	*c = Char(r)
	return nil
}

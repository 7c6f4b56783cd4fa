// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package dotnet

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// appendString appends text in quotes, as JavaScriptEncoder.Default writes it:
// of the characters only printable ASCII stays, and of that not what has a
// meaning in HTML. The text is UTF-8.
func appendString[T string | []byte](dst []byte, text T) []byte {
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(text); {
		if c := text[i]; c < utf8.RuneSelf && isPlain(c) {
			i++
			continue
		}
		dst = append(dst, text[from:i]...)
		r, size := utf8.DecodeRuneInString(string(text[i:min(i+utf8.UTFMax, len(text))]))
		dst = appendEscape(dst, r)
		i += size
		from = i
	}
	return append(append(dst, text[from:]...), '"')
}

// isPlain tells whether an ASCII character is written as it is.
func isPlain(c byte) bool {
	return ' ' <= c && c < 0x7f && strings.IndexByte("\"&'+<>\\`", c) < 0
}

func appendEscape(dst []byte, r rune) []byte {
	switch r {
	case '\\':
		return append(dst, `\\`...)
	case '\b':
		return append(dst, `\b`...)
	case '\f':
		return append(dst, `\f`...)
	case '\n':
		return append(dst, `\n`...)
	case '\r':
		return append(dst, `\r`...)
	case '\t':
		return append(dst, `\t`...)
	}
	if r > 0xffff {
		high, low := utf16.EncodeRune(r)
		return appendUnit(appendUnit(dst, high), low)
	}
	return appendUnit(dst, r)
}

func appendUnit(dst []byte, unit rune) []byte {
	const hex = "0123456789ABCDEF"
	return append(dst, '\\', 'u', hex[unit>>12], hex[unit>>8&15], hex[unit>>4&15], hex[unit&15])
}

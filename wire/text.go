// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package wire

import "unicode/utf8"

// nextRune decodes the first character of b, which is not empty. Where b does
// not begin with one it returns U+FFFD and the length of what .NET replaces by
// it: the longest start of a character, at least one byte. (Package unicode/utf8
// would replace each byte by itself.)
func nextRune(b []byte) (r rune, size int) {
	r, size = utf8.DecodeRune(b)
	if r != utf8.RuneError || size != 1 {
		return r, size
	}
	for size < len(b) && !utf8.FullRune(b[:size+1]) {
		size++
	}
	return r, size
}

// appendValid appends text with U+FFFD in place of what is not UTF-8.
func appendValid(dst, text []byte) []byte {
	for len(text) > 0 {
		r, size := nextRune(text)
		dst = utf8.AppendRune(dst, r)
		text = text[size:]
	}
	return dst
}

// halfRune returns how many bytes at the end of text are the start of a
// character whose rest is missing.
func halfRune(text []byte) int {
	for n := min(utf8.UTFMax-1, len(text)); n > 0; n-- {
		if !utf8.FullRune(text[len(text)-n:]) {
			return n
		}
	}
	return 0
}

// A textReader turns the strings of one input into text as one BinaryReader
// does.
//
// BinaryReader.ReadString decodes a string of at most 128 bytes by itself. A
// longer one goes through a decoder that is never flushed: half a character at
// its end is held back, and comes out at the start of the next long string,
// whole if that has the other half. Odd as it is, this decides which keys a .NET
// peer sees in such bytes, so it must decide which ones we see.
type textReader struct {
	half []byte // held back from the last long string
}

const longText = 128 // BinaryReader.MaxCharBytesSize

func (t *textReader) text(raw []byte) string {
	if len(raw) > longText {
		if len(t.half) > 0 {
			raw = append(t.half, raw...)
		}
		whole := len(raw) - halfRune(raw)
		t.half = append([]byte(nil), raw[whole:]...)
		raw = raw[:whole]
	}
	if utf8.Valid(raw) {
		return string(raw)
	}
	return string(appendValid(nil, raw))
}

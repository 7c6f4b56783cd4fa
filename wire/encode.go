// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package wire

import "unicode/utf8"

// Append appends a whole session to dst. Items and unknown keys are written as
// they stand in s. A string that is not UTF-8 is written as .NET would read it,
// with U+FFFD in place of what is wrong.
func Append(dst []byte, s *Session) []byte {
	return AppendItems(AppendHeader(dst, &s.Header), s.Items, s.Unknown)
}

// AppendHeader appends the part of a session that precedes the items form.
func AppendHeader(dst []byte, h *Header) []byte {
	dst = append(dst, Version)
	dst = appendString(dst, h.ID)
	dst = append(dst, bit(h.New), bit(h.Abandoned), bit(h.ReadOnly))
	return appendInt(dst, int(h.Timeout))
}

// AppendItems appends the items form: all that follows the header.
func AppendItems(dst []byte, items []Item, unknown []string) []byte {
	dst = appendInt(dst, len(items))
	for i := range items {
		dst = appendString(dst, items[i].Key)
		dst = appendBytes(dst, items[i].Value)
	}
	dst = appendInt(dst, len(unknown))
	for _, key := range unknown {
		dst = appendString(dst, key)
	}
	return dst
}

// appendInt appends a number as BinaryWriter.Write7BitEncodedInt does: negative
// ones take five bytes.
func appendInt(dst []byte, n int) []byte {
	u := uint32(n)
	for ; u >= 0x80; u >>= 7 {
		dst = append(dst, byte(u)|0x80)
	}
	return append(dst, byte(u))
}

// sizeInt returns the number of bytes that appendInt appends.
func sizeInt(n int) int {
	size := 1
	for u := uint32(n); u >= 0x80; u >>= 7 {
		size++
	}
	return size
}

// appendBytes appends a value, or a key that is UTF-8.
func appendBytes(dst, b []byte) []byte {
	return append(appendInt(dst, len(b)), b...)
}

func appendString(dst []byte, s string) []byte {
	if !utf8.ValidString(s) {
		return appendBytes(dst, appendValid(nil, []byte(s)))
	}
	return append(appendInt(dst, len(s)), s...)
}

func bit(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package dotnet

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// quoted passes over a string and returns what is between its quotes, as it is.
func (r *reader) quoted() (raw []byte, escaped bool, err error) {
	r.peek()
	start := r.pos + 1
	for i := start; i < len(r.data); i++ {
		switch c := r.data[i]; {
		case c == '"':
			r.pos = i + 1
			return r.data[start:i], escaped, nil
		case c < ' ':
			return nil, false, &ReadError{Offset: i, Found: "a control character", Want: "its escape"}
		case c == '\\':
			size := escapeSize(r.data[i:])
			if size == 0 {
				return nil, false, &ReadError{Offset: i, Found: "a malformed escape", Want: `one of \" \\ \/ \b \f \n \r \t \uXXXX`}
			}
			i += size - 1
			escaped = true
		}
	}
	return nil, false, r.fail(len(r.data), "a closing quote")
}

// escapeSize returns the length of the escape that text begins with, 0 if it is
// none.
func escapeSize(text []byte) int {
	switch {
	case len(text) < 2:
		return 0
	case text[1] == 'u':
		if _, ok := hexUnit(text); ok {
			return 6
		}
		return 0
	case bytes.IndexByte([]byte(`"\/bfnrt`), text[1]) < 0:
		return 0
	}
	return 2
}

// text passes over a string and returns its characters, which are the reader's
// to keep only until the next call if they had no escapes.
func (r *reader) text(want string) ([]byte, error) {
	if r.peek() != '"' {
		return nil, r.fail(r.pos, want)
	}
	r.at = r.pos
	raw, escaped, err := r.quoted()
	if err != nil {
		return nil, err
	}
	return r.characters(r.at, raw, escaped)
}

// characters returns the characters of a string that begins at start, of which
// raw is the inside.
func (r *reader) characters(start int, raw []byte, escaped bool) ([]byte, error) {
	if !utf8.Valid(raw) {
		return nil, &ReadError{Offset: start, Found: "a string that is no UTF-8", Want: "UTF-8"}
	}
	if !escaped {
		return raw, nil
	}
	text, ok := unescape(raw)
	if !ok {
		return nil, &ReadError{Offset: start, Found: "half a surrogate pair", Want: "both halves"}
	}
	return text, nil
}

// unescape returns the characters of a string whose escapes are well-formed; ok
// is false if one stands for half a surrogate pair.
func unescape(raw []byte) (text []byte, ok bool) {
	text = make([]byte, 0, len(raw))
	for {
		at := bytes.IndexByte(raw, '\\')
		if at < 0 {
			return append(text, raw...), true
		}
		text = append(text, raw[:at]...)
		r, size := unescapeOne(raw[at:])
		if size == 0 {
			return nil, false
		}
		text = utf8.AppendRune(text, r)
		raw = raw[at+size:]
	}
}

// unescapeOne returns the character of the escape at the start of text, and its
// length: 0 for half a surrogate pair.
func unescapeOne(text []byte) (r rune, size int) {
	switch text[1] {
	case 'u':
		return unescapeUnit(text)
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	}
	return rune(text[1]), 2
}

func unescapeUnit(text []byte) (r rune, size int) {
	r, _ = hexUnit(text)
	if !utf16.IsSurrogate(r) {
		return r, 6
	}
	low, _ := hexUnit(text[6:])
	if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
		return 0, 0
	}
	return r, 12
}

// hexUnit returns the UTF-16 unit that text begins with as \uXXXX.
func hexUnit(text []byte) (unit rune, ok bool) {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return 0, false
	}
	for _, c := range text[2:6] {
		digit, ok := hexDigit(c)
		if !ok {
			return 0, false
		}
		unit = unit<<4 | rune(digit)
	}
	return unit, true
}

func hexDigit(c byte) (digit byte, ok bool) {
	switch {
	case isDigit(c):
		return c - '0', true
	case 'a' <= c|' ' && c|' ' <= 'f':
		return c | ' ' - 'a' + 10, true
	}
	return 0, false
}

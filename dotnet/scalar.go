// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package dotnet

import (
	"bytes"
	"encoding/base64"
	"errors"
	"reflect"
	"strings"
	"unicode/utf8"
)

// errText is what a parser says of a text that is not in its form.
var errText = errors.New("malformed")

// errNoUTF8 is better than U+FFFD in the place of what the string had.
var errNoUTF8 = errors.New("the string is no UTF-8, and .NET has no other; convert it, or use []byte")

// boolForm is bool.
type boolForm struct{}

func (boolForm) write(dst []byte, v reflect.Value, _ int) ([]byte, error) {
	if v.Bool() {
		return append(dst, "true"...), nil
	}
	return append(dst, "false"...), nil
}

func (boolForm) read(r *reader, v reflect.Value) error {
	switch r.peek() {
	case 't':
		v.SetBool(true)
		return r.literal("true")
	case 'f':
		v.SetBool(false)
		return r.literal("false")
	}
	return r.fail(r.pos, "true or false")
}

// As a name .NET writes a bool as its ToString does, with a capital, and reads
// it in any case.
func (boolForm) appendKey(dst []byte, v reflect.Value) ([]byte, error) {
	if v.Bool() {
		return append(dst, "True"...), nil
	}
	return append(dst, "False"...), nil
}

func (boolForm) parseKey(text []byte, v reflect.Value) error {
	is := strings.EqualFold(string(text), "true")
	if !is && !strings.EqualFold(string(text), "false") {
		return errText
	}
	v.SetBool(is)
	return nil
}

// stringForm is string. A null, which a .NET string can be, is read as "".
type stringForm struct{}

func (stringForm) write(dst []byte, v reflect.Value, _ int) ([]byte, error) {
	if !utf8.ValidString(v.String()) {
		return dst, errNoUTF8
	}
	return appendString(dst, v.String()), nil
}

func (stringForm) read(r *reader, v reflect.Value) error {
	if null, err := r.null(); null {
		v.SetString("")
		return err
	}
	text, err := r.text("a string")
	if err == nil {
		v.SetString(string(text))
	}
	return err
}

func (stringForm) appendKey(dst []byte, v reflect.Value) ([]byte, error) {
	if !utf8.ValidString(v.String()) {
		return dst, errors.New("the key is no UTF-8, so it could become the same as another")
	}
	return append(dst, v.String()...), nil
}

func (stringForm) parseKey(text []byte, v reflect.Value) error {
	v.SetString(string(text))
	return nil
}

// bytesForm is byte[]. .NET doesn't escape base64, not even its plus signs.
type bytesForm struct{}

func (bytesForm) write(dst []byte, v reflect.Value, _ int) ([]byte, error) {
	if v.IsNil() {
		return append(dst, "null"...), nil
	}
	dst = base64.StdEncoding.AppendEncode(append(dst, '"'), v.Bytes())
	return append(dst, '"'), nil
}

func (bytesForm) read(r *reader, v reflect.Value) error {
	if null, err := r.null(); null {
		v.SetZero()
		return err
	}
	const want = "a string of padded base64"
	text, err := r.text(want)
	if err != nil {
		return err
	}
	b, err := decodeBase64(text)
	if err != nil {
		return r.parsed(err, want)
	}
	v.SetBytes(b)
	return nil
}

// decodeBase64 passes over white space, as .NET does, and returns bytes that are
// not nil.
func decodeBase64(text []byte) ([]byte, error) {
	if bytes.ContainsAny(text, " \t\r\n") {
		text = bytes.Map(func(r rune) rune {
			if strings.ContainsRune(" \t\r\n", r) {
				return -1
			}
			return r
		}, text)
	}
	b := make([]byte, 0, base64.StdEncoding.DecodedLen(len(text)))
	return base64.StdEncoding.Strict().AppendDecode(b, text)
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package dotnet

import (
	"encoding"
	"reflect"
	"unicode/utf8"
)

// A form says how the values of one Go type cross. The values it is given are
// addressable. A form is made once and safe for concurrent use.
type form interface {
	// write appends the value; depth is how many arrays and objects are around it.
	write(dst []byte, v reflect.Value, depth int) ([]byte, error)
	// read sets the whole value, whatever it was.
	read(r *reader, v reflect.Value) error
}

// A keyForm is one whose values can be property names of a dictionary.
type keyForm interface {
	form
	// appendKey appends the name, without quotes and escapes.
	appendKey(dst []byte, v reflect.Value) ([]byte, error)
	parseKey(text []byte, v reflect.Value) error
}

// A textForm writes a type as a string, by the type's own methods.
type textForm struct{ want string }

func (f textForm) write(dst []byte, v reflect.Value, _ int) ([]byte, error) {
	var room [64]byte
	text, err := f.appendKey(room[:0], v)
	if err != nil {
		return dst, err
	}
	return appendString(dst, text), nil
}

func (f textForm) read(r *reader, v reflect.Value) error {
	text, err := r.text(f.want)
	if err != nil {
		return err
	}
	return r.parsed(f.parseKey(text, v), f.want)
}

// parsed makes an error of a parse one of the text that was just read. What the
// parser said may quote it, so it is not part of the error's own text.
func (r *reader) parsed(err error, want string) error {
	if err == nil {
		return nil
	}
	return &ReadError{Offset: r.at, Found: "a string of another form", Want: want, Err: err}
}

func (textForm) appendKey(dst []byte, v reflect.Value) (_ []byte, err error) {
	from := len(dst)
	switch text := v.Addr().Interface().(type) {
	case encoding.TextAppender:
		dst, err = text.AppendText(dst)
	case encoding.TextMarshaler: // it is one of the two: the compiler of types has looked
		var b []byte
		b, err = text.MarshalText()
		dst = append(dst, b...)
	}
	if err == nil && !utf8.Valid(dst[from:]) {
		err = errNoUTF8
	}
	return dst, err
}

func (textForm) parseKey(text []byte, v reflect.Value) error {
	v.SetZero()
	return v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText(text)
}

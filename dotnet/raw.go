// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package dotnet

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
)

var errJSON = errors.New("this is not JSON that .NET would read")

// rawForm is json.RawMessage: a JsonElement, or what a property of type object
// is read as. It is written as .NET does it: numbers as they are, strings with
// its escapes, no space.
type rawForm struct{}

func (rawForm) write(dst []byte, v reflect.Value, depth int) ([]byte, error) {
	if v.IsNil() {
		return append(dst, "null"...), nil
	}
	return rewrite(dst, v.Bytes(), depth)
}

func (rawForm) read(r *reader, v reflect.Value) error {
	raw, err := r.raw()
	if err != nil {
		return err
	}
	v.SetBytes(append([]byte(nil), raw...))
	return nil
}

// raw passes over a value and returns its text.
func (r *reader) raw() ([]byte, error) {
	r.peek()
	start := r.pos
	err := r.skip()
	return r.data[start:r.pos], err
}

// rewrite appends JSON as .NET writes it that has so many arrays and objects
// around it. An error is one of writing, so it is no ReadError.
func rewrite(dst, text []byte, depth int) ([]byte, error) {
	r := &reader{data: text, depth: depth}
	dst, err := r.rewrite(dst)
	if err == nil {
		err = r.end()
	}
	if read, ok := errors.AsType[*ReadError](err); ok {
		return dst, fmt.Errorf("%w: %s", errJSON, read.what())
	}
	return dst, err
}

func (r *reader) rewrite(dst []byte) ([]byte, error) {
	switch r.peek() {
	case '{':
		return r.rewriteAll(dst, '{', '}', true)
	case '[':
		return r.rewriteAll(dst, '[', ']', false)
	case '"':
		text, err := r.text("a string")
		return appendString(dst, text), err
	}
	raw, err := r.raw()
	return append(dst, raw...), err
}

// rewriteAll rewrites the elements of an array, or the members of an object.
func (r *reader) rewriteAll(dst []byte, open, end byte, named bool) ([]byte, error) {
	if err := r.open(open, "a JSON value"); err != nil {
		return dst, err
	}
	dst = append(dst, open)
	for first := true; ; first = false {
		more, err := r.more(first, end)
		switch {
		case err != nil:
			return dst, err
		case !more:
			return append(dst, end), nil
		case !first:
			dst = append(dst, ',')
		}
		if dst, err = r.rewriteOne(dst, named); err != nil {
			return dst, err
		}
	}
}

func (r *reader) rewriteOne(dst []byte, named bool) ([]byte, error) {
	if named {
		r.peek()
		start := r.pos
		raw, escaped, err := r.name()
		if err != nil {
			return dst, err
		}
		name, err := r.characters(start, raw, escaped)
		if err != nil {
			return dst, err
		}
		dst = append(appendString(dst, name), ':')
	}
	return r.rewrite(dst)
}

// numberForm is json.Number: any number, its text kept. As in encoding/json the
// empty one is 0.
type numberForm struct{}

func (numberForm) write(dst []byte, v reflect.Value, _ int) ([]byte, error) {
	text := v.String()
	if text == "" {
		text = "0"
	}
	if end, ok := scanNumber([]byte(text), 0); !ok || end < len(text) {
		return dst, errors.New("the json.Number is no number")
	}
	return append(dst, text...), nil
}

func (numberForm) read(r *reader, v reflect.Value) error {
	text, err := r.number("a number")
	if err == nil {
		v.Set(reflect.ValueOf(json.Number(text)))
	}
	return err
}

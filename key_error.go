// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
)

// A KeyError says that a value and the type of its key don't fit.
type KeyError struct {
	Key    string
	Type   string // the key's type
	Found  string // what kind of value was read; "" if none was
	Writer string // who wrote what was read, as far as it is known; "" if nothing was read
	Err    error
}

// What is known of who wrote a value.
const (
	writtenHere      = "this request"
	writtenElsewhere = "an earlier request, or another program"
)

func (e *KeyError) Error() string {
	if e.Found == "" {
		return fmt.Sprintf("session key %q as %s: %v", e.Key, e.Type, e.Err)
	}
	return fmt.Sprintf("session key %q: want %s, found %s, which %s wrote: %v", e.Key, e.Type, e.Found, e.Writer, e.Err)
}

// Unwrap returns what the codec said.
func (e *KeyError) Unwrap() error { return e.Err }

// A SizeError says that a value is larger than its key allows.
type SizeError struct {
	Size, Limit int // in bytes, as encoded
}

func (e *SizeError) Error() string {
	return fmt.Sprintf("the value has %d bytes, the limit of the key is %d", e.Size, e.Limit)
}

// fault returns the error for bytes that are no value of the key. s.mu is held.
func (k Key[T]) fault(s *Session, raw []byte, err error) error {
	e := &KeyError{Key: k.name, Type: typeName[T](), Found: kind(raw), Writer: writtenHere, Err: err}
	if was, ok := s.asOpened(k.folded); ok && bytes.Equal(was.Value, raw) {
		e.Writer = writtenElsewhere
	}
	return e
}

// typeName returns the name of a type, of an interface too.
func typeName[T any]() string { return reflect.TypeFor[T]().String() }

// kind says what a value is, without telling what is in it: an error may end in
// a log, and a session holds personal data.
func kind(raw []byte) string {
	kinds := map[byte]string{'{': "an object", '[': "an array", '"': "a string", 't': "a boolean", 'f': "a boolean", 'n': "null", '-': "a number"}
	text := bytes.TrimLeft(raw, " \t\r\n")
	switch {
	case len(raw) == 0:
		return "nothing"
	case !json.Valid(raw):
		return fmt.Sprintf("%d bytes that are no JSON", len(raw))
	case '0' <= text[0] && text[0] <= '9':
		return fmt.Sprintf("a number (%d bytes)", len(raw))
	}
	return fmt.Sprintf("%s (%d bytes)", kinds[text[0]], len(raw))
}

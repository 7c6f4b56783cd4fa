// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/sessionbridge/session/dotnet"
	"github.com/sessionbridge/session/wire"
)

// A Codec turns values into the bytes that cross the wire and back. It must be
// safe for concurrent use, and must not use the session it is called for.
//
// One that also has the method
//
//	Check(t reflect.Type) error
//
// is asked about the type of each key, and what it says against the type is what
// the key's methods fail with.
type Codec interface {
	Marshal(v any) ([]byte, error)
	Unmarshal(data []byte, v any) error
}

// JSON is encoding/json as a [Codec], without the escapes for HTML. It suits
// values that no .NET program shares.
type JSON struct{}

// Marshal returns v as JSON.
func (JSON) Marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// Unmarshal reads JSON into v.
func (JSON) Unmarshal(data []byte, v any) error { return json.Unmarshal(data, v) }

// A Key names a value of a session and its type. Keys are made once, as package
// variables, and are safe for concurrent use:
//
//	var visits = session.NewKey[int]("visits")
type Key[T any] struct {
	name   string
	folded string
	codec  Codec
	err    error // why the codec can't do with T
}

// NewKey returns a key whose values cross the wire as .NET's System.Text.Json
// writes them: see package dotnet for which Go type stands for which of .NET's,
// and how properties are named. Of a type that .NET could not read [Key.Err]
// tells why.
func NewKey[T any](name string) Key[T] {
	k := Key[T]{name: name, folded: wire.FoldKey(name)}
	return k.WithCodec(new(dotnet.Codec))
}

// WithCodec returns the key with another codec.
func (k Key[T]) WithCodec(c Codec) Key[T] {
	k.codec, k.err = c, nil
	if checker, ok := c.(interface{ Check(reflect.Type) error }); ok {
		k.err = checker.Check(reflect.TypeFor[T]())
	}
	return k
}

// Err returns why values of the key's type can't cross the wire, or nil. All
// uses of such a key fail with it, whether or not there is a value; a test of
// one line finds it sooner.
func (k Key[T]) Err() error {
	if k.err == nil {
		return nil
	}
	return &KeyError{Key: k.name, Type: reflect.TypeFor[T]().String(), Err: k.err}
}

// Name returns the key's name.
func (k Key[T]) Name() string { return k.name }

// Get returns the value, or the zero value of T where the session has none. All
// Gets of a request return the same decoded value. An error names the key, the
// type and what was found.
func (k Key[T]) Get(s *Session) (T, error) {
	v, _, err := k.Lookup(s)
	return v, err
}

// Lookup returns the value and whether the session has one. A null is none, as
// it is to .NET's reader of sessions.
func (k Key[T]) Lookup(s *Session) (v T, ok bool, err error) {
	if err := k.Err(); err != nil {
		return v, false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	i, ok := s.index[k.folded]
	if !ok {
		return v, false, nil
	}
	raw := s.values[i].Value
	if string(bytes.TrimSpace(raw)) == "null" {
		return v, false, nil
	}
	if known, ok := s.decoded[k.folded].(T); ok {
		return known, true, nil
	}
	if len(raw) == 0 {
		return v, true, &KeyError{Key: k.name, Type: fmt.Sprintf("%T", v), Err: errNoBytes}
	}
	if err := k.codec.Unmarshal(raw, &v); err != nil {
		var zero T
		return zero, true, &KeyError{Key: k.name, Type: fmt.Sprintf("%T", v), Found: kind(raw), Err: err}
	}
	s.decoded[k.folded] = v
	return v, true, nil
}

// Set sets the value. A value that can't be encoded is an error and changes
// nothing; ErrReadOnly if the session can't be changed.
func (k Key[T]) Set(s *Session, v T) error {
	if err := k.Err(); err != nil {
		return err
	}
	raw, err := k.codec.Marshal(v)
	if err == nil && len(raw) == 0 {
		err = errNoBytes
	}
	if err != nil {
		return &KeyError{Key: k.name, Type: fmt.Sprintf("%T", v), Err: err}
	}
	return s.change(func() {
		s.put(k.name, raw)
		s.decoded[k.folded] = v
	})
}

// Delete removes the value, if there is one.
func (k Key[T]) Delete(s *Session) error { return s.Delete(k.name) }

// A KeyError says that a value and the type of its key don't fit.
type KeyError struct {
	Key   string
	Type  string // the key's type
	Found string // what kind of value was read; "" if none was
	Err   error
}

func (e *KeyError) Error() string {
	if e.Found == "" {
		return fmt.Sprintf("session key %q as %s: %v", e.Key, e.Type, e.Err)
	}
	return fmt.Sprintf("session key %q: want %s, found %s: %v", e.Key, e.Type, e.Found, e.Err)
}

// Unwrap returns what the codec said.
func (e *KeyError) Unwrap() error { return e.Err }

// kind says what a value is, without telling what is in it: an error may end in
// a log, and a session holds personal data.
func kind(raw []byte) string {
	kinds := map[byte]string{'{': "an object", '[': "an array", '"': "a string", 't': "a boolean", 'f': "a boolean", 'n': "null", '-': "a number"}
	text := bytes.TrimLeft(raw, " \t\r\n")
	switch {
	case !json.Valid(raw):
		return fmt.Sprintf("%d bytes that are no JSON", len(raw))
	case '0' <= text[0] && text[0] <= '9':
		return fmt.Sprintf("a number (%d bytes)", len(raw))
	}
	return fmt.Sprintf("%s (%d bytes)", kinds[text[0]], len(raw))
}

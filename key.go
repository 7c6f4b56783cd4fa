// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"bytes"
	"encoding/json"
	"errors"
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
	name      string
	folded    string
	codec     Codec
	err       error // why the codec can't do with T
	limit     int   // bytes; 0 for none
	mutations Mutations
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
	return &KeyError{Key: k.name, Type: typeName[T](), Err: k.err}
}

// WithLimit returns the key with a limit on its encoded values: to set one of
// more bytes is a [*SizeError]. One that is in the session already can be read.
func (k Key[T]) WithLimit(bytes int) Key[T] {
	k.limit = bytes
	return k
}

// WithMutations returns the key with another way to deal with values that are
// changed in place.
func (k Key[T]) WithMutations(m Mutations) Key[T] {
	k.mutations = m
	return k
}

// Name returns the key's name.
func (k Key[T]) Name() string { return k.name }

// Get returns the value, or the zero value of T where the session has none. All
// Gets of a request by one key return the same decoded value: what they share,
// such as the elements of a map, is not to be changed, but by Update or Set; see
// [Mutations]. An error names the key, the type, what was found and whence it is,
// and says nothing about other keys: they can be used.
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
	return k.lookup(s)
}

// lookup is Lookup. s.mu is held.
func (k Key[T]) lookup(s *Session) (v T, ok bool, err error) {
	s.noteRead(k.folded)
	if !k.hasValue(s) {
		return v, false, nil
	}
	for d := s.decoded[k.folded]; d != nil; d = d.next {
		if k.takes(d) {
			v, _ = d.value.(T) // not ok: a nil of an interface
			return v, true, nil
		}
	}
	if v, err = k.decode(s, s.values[s.index[k.folded]].Value); err == nil {
		err = k.remember(s, v)
	}
	if err != nil {
		var zero T
		return zero, true, err
	}
	return v, true, nil
}

// takes reports whether a decoded value is what the key would make of the bytes,
// and is looked after as the key wants.
func (k Key[T]) takes(d *decoded) bool {
	return d.typ == reflect.TypeFor[T]() && sameCodec(d.codec, k.codec) &&
		(k.mutations == IgnoreMutations || d.encode != nil)
}

// sameCodec reports whether two codecs do the same. Those that can't be compared
// do if they are of one type.
func sameCodec(a, b Codec) bool {
	if x, ok := a.(*dotnet.Codec); ok { // each key has one
		y, ok := b.(*dotnet.Codec)
		return ok && x.Strict == y.Strict
	}
	return reflect.TypeOf(a) == reflect.TypeOf(b) && (!reflect.ValueOf(a).Comparable() || a == b)
}

// hasValue reports whether the session has a value, other than null. s.mu is held.
func (k Key[T]) hasValue(s *Session) bool {
	i, ok := s.index[k.folded]
	return ok && !isNull(s.values[i].Value)
}

// decode makes a value of bytes that the session has. s.mu is held.
func (k Key[T]) decode(s *Session, raw []byte) (v T, err error) {
	if len(raw) == 0 {
		return v, k.fault(s, raw, errNoBytes)
	}
	if err := k.codec.Unmarshal(raw, &v); err != nil {
		var zero T
		return zero, k.fault(s, raw, err)
	}
	return v, nil
}

// Set sets the value. A value that can't be encoded, or is larger than the key's
// limit, is an error and changes nothing; ErrReadOnly if the session can't be
// changed.
func (k Key[T]) Set(s *Session, v T) error {
	raw, err := k.encode(v)
	if err != nil {
		return err
	}
	return k.setEncoded(s, v, raw)
}

// setEncoded sets a value that is encoded already.
func (k Key[T]) setEncoded(s *Session, v T, raw []byte) error {
	if err := s.allows(k.name, raw); err != nil {
		return err
	}
	return s.change(func() { k.put(s, v, raw) })
}

// put sets a value that is encoded already. s.mu is held.
func (k Key[T]) put(s *Session, v T, raw []byte) {
	s.put(k.name, raw)
	k.keep(s, v, raw)
}

// Update changes the value: change gets it decoded anew, the zero value of T
// where the session has none, and what it makes of it is set. If change fails,
// its error is returned and the value is as it was; so it is, byte for byte, if
// nothing is changed. change must not use the session.
//
// Goroutines of one request may update one value, and none of it is lost: if
// another one has set it meanwhile, change is called again with what it is by
// then. So change should do nothing but that.
//
// It is the way to change what was read: nobody else has the copy that change
// gets, and nobody can forget to set it.
func (k Key[T]) Update(s *Session, change func(*T) error) error {
	if err := k.Err(); err != nil {
		return err
	}
	if err := s.writable(); err != nil {
		return err
	}
	for range updateTries {
		if done, err := k.tryUpdate(s, change); done || err != nil {
			return err
		}
	}
	return &KeyError{Key: k.name, Type: typeName[T](), Err: errUpdating}
}

// updateTries is more than all the goroutines of a request need: of those that
// update a value at once, one always comes through.
const updateTries = 1000

var errUpdating = errors.New("each Update of the value was overtaken by another change of it: the function that Update calls must not set the same key")

// tryUpdate is one attempt of Update. It reports whether nobody else has set the
// value meanwhile.
func (k Key[T]) tryUpdate(s *Session, change func(*T) error) (done bool, err error) {
	v, was, err := k.copyOf(s)
	if err != nil {
		return false, err
	}
	if err := change(&v); err != nil {
		return false, err
	}
	now, err := k.marshal(v)
	if err != nil {
		return false, err
	}
	if was.encoded != nil && bytes.Equal(was.encoded, now) {
		return true, nil
	}
	if err := k.fits(now); err != nil {
		return false, err
	}
	if err := s.allows(k.name, now); err != nil {
		return false, err
	}
	err = s.change(func() {
		if done = was.still(s, k.folded); done {
			k.put(s, v, now)
		}
	})
	return done, err
}

// An original is what Update began with.
type original struct {
	there   bool
	raw     []byte // as the session had it
	encoded []byte // as the codec writes it; nil where there was no value
}

// still reports whether the session has what it had. s.mu is held.
func (o original) still(s *Session, folded string) bool {
	i, there := s.index[folded]
	return there == o.there && (!there || bytes.Equal(s.values[i].Value, o.raw))
}

// copyOf returns a value of its own, and what it was made of. What another program
// wrote may look different and mean the same.
func (k Key[T]) copyOf(s *Session) (v T, was original, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.noteRead(k.folded)
	if s.sealed != nil {
		return v, was, s.sealed
	}
	i, there := s.index[k.folded]
	if was.there = there; there {
		was.raw = s.values[i].Value
	}
	if !k.hasValue(s) {
		return v, was, nil
	}
	raw, err := s.changedInPlace(k.folded, was.raw)
	if err != nil {
		return v, was, err
	}
	if v, err = k.decode(s, raw); err == nil {
		was.encoded, err = k.marshal(v)
	}
	return v, was, err
}

// Delete removes the value, if there is one.
func (k Key[T]) Delete(s *Session) error { return s.Delete(k.name) }

// encode returns the bytes of a value, if they can cross the wire.
func (k Key[T]) encode(v T) ([]byte, error) {
	if err := k.Err(); err != nil {
		return nil, err
	}
	raw, err := k.marshal(v)
	if err == nil {
		err = k.fits(raw)
	}
	if err != nil {
		return nil, err
	}
	return raw, nil
}

// marshal returns the bytes of a value, also of one that was read and is larger
// than the limit.
func (k Key[T]) marshal(v T) ([]byte, error) {
	raw, err := k.codec.Marshal(v)
	if err != nil {
		return nil, &KeyError{Key: k.name, Type: typeName[T](), Err: err}
	}
	return raw, nil
}

// fits reports whether bytes can be set.
func (k Key[T]) fits(raw []byte) (err error) {
	switch {
	case len(raw) == 0:
		err = errNoBytes
	case k.limit > 0 && len(raw) > k.limit:
		err = &SizeError{Size: len(raw), Limit: k.limit}
	default:
		return nil
	}
	return &KeyError{Key: k.name, Type: typeName[T](), Err: err}
}

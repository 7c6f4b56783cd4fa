// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/sessionbridge/session/wire"
)

// Mutations say what becomes of a value that a request got and then changed in
// place, without Set: an element of its map, or what a pointer in it leads to.
// An ASP.NET application that keeps its sessions in its own process saves that
// without being asked to; see [Key.WithMutations].
//
// All but IgnoreMutations encode the value when it is first got and once more at
// the commit, so the codec must give the same bytes for the same value. A key that
// ignores and one that does not, of the same name, may have a value each: what was
// got by the one that ignores is not looked after.
//
// What is changed after the commit is lost with all of them. Package httpsession
// looks once more when the handler has returned, and logs it; so no goroutine that
// outlives the handler may change such a value.
type Mutations int

// The ways to deal with values that were changed in place.
const (
	// IgnoreMutations costs nothing, and loses them.
	IgnoreMutations Mutations = iota

	// SaveMutations sets them at the commit. An Update of the value before that
	// begins with what it has become.
	SaveMutations

	// ReportMutations makes the commit fail with a *MutationError, or an Update
	// of the value before that: for tests, and for programs that want to find the
	// places.
	ReportMutations
)

// A MutationError says that values were changed in place, and that this was not
// to be saved, or could not be: in a session that can't be changed it never is.
// Nothing of the session was stored, unless it is Late.
type MutationError struct {
	Keys     []string
	ReadOnly bool // the session can't be changed
	Late     bool // they were changed after the commit: what was stored is as it was before
}

func (e *MutationError) Error() string {
	s := fmt.Sprintf("session values were changed in place, without Set or Update: %s", strings.Join(e.Keys, ", "))
	switch {
	case e.ReadOnly:
		s += "; the session is read-only, so they can't be saved"
	case e.Late:
		s += "; the session was committed before that, so they are not saved"
	}
	return s
}

// Is makes a MutationError of a read-only session an ErrReadOnly.
func (e *MutationError) Is(target error) bool { return e.ReadOnly && target == ErrReadOnly }

// A decoded is what a Key made of a value.
type decoded struct {
	next  *decoded // what other Keys made of it
	value any
	typ   reflect.Type // of the key
	codec Codec        // of the key

	mutations Mutations
	name      string                 // of the key
	encode    func() ([]byte, error) // the value as it is now; nil if it is not watched
	fits      func(now []byte) error // whether it may be that
	encoded   []byte                 // the value as it was got or set
}

// remember keeps what was decoded, for other Gets. s.mu is held.
func (k Key[T]) remember(s *Session, v T) error {
	if k.mutations == IgnoreMutations {
		k.keep(s, v, nil)
		return nil
	}
	// The bytes that came may be of another writer, who writes the same value
	// in another way.
	encoded, err := k.marshal(v)
	if err != nil {
		return err
	}
	k.keep(s, v, encoded)
	return nil
}

// keep keeps a value for other Gets, with its encoding. s.mu is held.
func (k Key[T]) keep(s *Session, v T, encoded []byte) {
	d := &decoded{value: v, typ: reflect.TypeFor[T](), codec: k.codec, mutations: k.mutations, name: k.name}
	if k.mutations != IgnoreMutations {
		d.encoded, d.encode = encoded, func() ([]byte, error) { return k.marshal(v) }
		d.fits = k.fits
		s.watched = true
	}
	if s.decoded == nil {
		s.decoded = make(map[string]*decoded)
	}
	d.next = s.decoded[k.folded]
	s.decoded[k.folded] = d
}

// Settle looks for values that were changed in place, and saves or reports them
// as their keys say. A [Source] calls it first when it commits a session; the
// sources of this module do. Once it has returned nil it saves nothing any more:
// to call it again tells of what was changed since, which is not stored.
func (s *Session) Settle() error {
	s.mu.Lock()
	late := s.settled
	s.mu.Unlock()
	mutated, err := s.mutated()
	if err != nil {
		return err
	}
	if keys := s.unsaved(mutated, late); len(keys) > 0 {
		return &MutationError{Keys: keys, ReadOnly: s.readOnly, Late: late}
	}
	return s.save(mutated)
}

// unsaved are the keys of values that are not to be saved, or can't be.
func (s *Session) unsaved(mutated []mutation, late bool) (keys []string) {
	for _, m := range mutated {
		if late || s.readOnly || m.of.mutations == ReportMutations {
			keys = append(keys, m.of.name)
		}
	}
	return keys
}

// save sets values that were changed in place, and goes on to look after them.
func (s *Session) save(mutated []mutation) error {
	if len(mutated) > 0 {
		if err := s.upgraded(); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settled = true
	for _, m := range mutated {
		s.put(m.of.name, m.now)
		m.of.encoded, m.of.next = m.now, nil
		s.decoded[wire.FoldKey(m.of.name)] = m.of
	}
	return nil
}

// A mutation is a value that was changed in place.
type mutation struct {
	of  *decoded
	now []byte // its encoding
}

// mutated returns the values that were changed in place, as they are now, in the
// order of the session.
func (s *Session) mutated() (all []mutation, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.abandoned || !s.watched {
		return nil, nil
	}
	var errs []error
	for _, item := range s.values {
		m, err := s.mutationOf(wire.FoldKey(item.Key))
		errs = append(errs, err)
		if m != nil {
			all = append(all, *m)
		}
	}
	return all, errors.Join(errs...)
}

// mutationOf returns how a value was changed in place, or nil if it was not. s.mu
// is held.
func (s *Session) mutationOf(folded string) (found *mutation, _ error) {
	for d := s.decoded[folded]; d != nil; d = d.next {
		if d.encode == nil {
			continue
		}
		now, err := d.encode()
		switch {
		case err != nil:
			return nil, err
		case bytes.Equal(now, d.encoded):
			continue
		case found != nil:
			return nil, &KeyError{Key: d.name, Type: d.typ.String(), Err: errTwoChanged}
		}
		if err := d.fits(now); err != nil {
			return nil, err
		}
		found = &mutation{d, now}
	}
	return found, nil
}

// changedInPlace returns the bytes that an Update begins with: those that the
// session has, or what they have become in place and would be saved as. s.mu is
// held.
func (s *Session) changedInPlace(folded string, raw []byte) ([]byte, error) {
	m, err := s.mutationOf(folded)
	switch {
	case err != nil || m == nil:
		return raw, err
	case m.of.mutations == ReportMutations:
		return nil, &MutationError{Keys: []string{m.of.name}}
	}
	return m.now, nil
}

// errTwoChanged: to save one of them would lose the other.
var errTwoChanged = errors.New("the value was changed in place as this type and as another one, and only one can be saved; use one key for it")

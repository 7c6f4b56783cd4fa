// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sessionbridge/session/wire"
)

// A Declaration is a [Key] or a [Pattern], as a program declares it in a
// [KeySet].
type Declaration interface {
	Name() string
	declared() declaration
}

// A declaration is what a KeySet knows of a key or a pattern.
type declaration struct {
	name    string
	pattern bool
	matches func(key string) bool
	check   func(s *Session, key string) error // whether its value can be read
}

func (k Key[T]) declared() declaration {
	return declaration{
		name:    k.name,
		matches: func(key string) bool { return wire.FoldKey(key) == k.folded },
		check:   func(s *Session, _ string) error { return k.check(s) },
	}
}

func (p Pattern[T]) declared() declaration {
	return declaration{
		name: p.name, pattern: true,
		matches: func(key string) bool { _, ok := p.part(key); return ok },
		check: func(s *Session, key string) error {
			part, _ := p.part(key)
			return p.Key(part).check(s)
		},
	}
}

// check reports whether the value can be read. s.mu is held.
func (k Key[T]) check(s *Session) error {
	if err := k.Err(); err != nil || !k.hasValue(s) {
		return err
	}
	_, err := k.decode(s, s.values[s.index[k.folded]].Value)
	return err
}

// A KeySet is what a program knows of its sessions. It may be used concurrently.
//
// Without one a program is lenient: a key that it does not know is none of its
// business, and stays byte for byte as it is. [KeySet.Strict] makes it as strict
// as an ASP.NET Core program is by default.
type KeySet struct{ keys []declaration }

// NewKeySet returns a set of keys and patterns. Where several match, a key counts
// before a pattern, and an earlier pattern before a later one. The error names
// all that were given twice.
func NewKeySet(keys ...Declaration) (*KeySet, error) {
	set := &KeySet{}
	var errs []error
	for _, key := range keys {
		d := key.declared()
		if slices.ContainsFunc(set.keys, func(other declaration) bool { return sameKey(other.name, d.name) }) {
			errs = append(errs, fmt.Errorf("session key %q is declared twice", d.name))
		}
		set.keys = append(set.keys, d)
	}
	slices.SortStableFunc(set.keys, func(a, b declaration) int {
		switch {
		case a.pattern == b.pattern:
			return 0
		case b.pattern:
			return -1
		}
		return 1
	})
	return set, errors.Join(errs...)
}

// Names returns the names and patterns of the set. They are what a client's scope
// has, in the setting "keys" of the program that owns the sessions.
func (k *KeySet) Names() []string {
	names := make([]string, len(k.keys))
	for i, d := range k.keys {
		names[i] = d.name
	}
	return names
}

// find returns the declaration of a key.
func (k *KeySet) find(key string) (declaration, bool) {
	i := slices.IndexFunc(k.keys, func(d declaration) bool { return d.matches(key) })
	if i < 0 {
		return declaration{}, false
	}
	return k.keys[i], true
}

// Check returns all that is wrong with the values of a session as far as this
// program knows them: an *[UnknownKeysError] for those that it does not know, and
// a *[KeyError] for each that is not of its type.
func (k *KeySet) Check(s *Session) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.noteReadAll()
	errs := []error{k.unknown(s)}
	for _, item := range s.values {
		if d, ok := k.find(item.Key); ok {
			errs = append(errs, d.check(s, item.Key))
		}
	}
	return errors.Join(errs...)
}

// unknown returns an error that names the keys that the set does not know, or
// nil. s.mu is held.
func (k *KeySet) unknown(s *Session) error {
	e := &UnknownKeysError{}
	for _, item := range s.values {
		if _, ok := k.find(item.Key); !ok {
			e.Keys = append(e.Keys, item.Key)
			e.Found = append(e.Found, kind(item.Value))
		}
	}
	if len(e.Keys) == 0 {
		return nil
	}
	return e
}

// Strict returns a source whose sessions have no keys but those of the set. To
// open one that has others is an *[UnknownKeysError], and so it is to set one. A
// value of a wrong type is no error before its key is used; see Check.
func (k *KeySet) Strict(source Source) Source { return strictSource{source, k} }

type strictSource struct {
	Source
	known *KeySet
}

// Open opens a session and checks its keys.
func (o strictSource) Open(ctx context.Context, id string, mode Mode) (Opened, error) {
	opened, err := o.Source.Open(ctx, id, mode)
	if err != nil {
		return nil, err
	}
	if err := opened.Session().restrict(o.known); err != nil {
		return nil, errors.Join(err, opened.Release(context.WithoutCancel(ctx)))
	}
	return opened, nil
}

// restrict allows the session no other keys than those of a set.
func (s *Session) restrict(known *KeySet) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known = known
	return known.unknown(s)
}

// allows returns an error if the session may not have a key.
func (s *Session) allows(key string, value []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil {
		return nil
	}
	if _, ok := s.known.find(key); ok {
		return nil
	}
	return &UnknownKeysError{Keys: []string{key}, Found: []string{kind(value)}, Set: true}
}

// An UnknownKeysError says that a session has, or was to be given, keys that the
// program does not declare, though it is to be strict.
type UnknownKeysError struct {
	Keys  []string
	Found []string // what kind of value each has; "nothing" if its owner could not write it
	Set   bool     // by this request, not by an earlier one or another program
}

func (e *UnknownKeysError) Error() string {
	var b strings.Builder
	b.WriteString("the session has keys that the program's KeySet does not declare, of an earlier request or another program: ")
	if e.Set {
		b.Reset()
		b.WriteString("not set, because the program's KeySet does not declare it: ")
	}
	for i, key := range e.Keys {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%q (%s)", key, e.Found[i])
	}
	return b.String()
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/sessionbridge/session/wire"
)

// A Pattern names values of one type whose keys are made at run time, of an id
// say, and differ in one part:
//
//	var carts = session.NewPattern[Cart]("cart:*")
//
//	cart, err := carts.Key(shop).Get(s)
type Pattern[T any] struct {
	key            Key[T] // without a name
	name           string
	prefix, suffix string
}

// NewPattern returns a pattern in which one * stands for the part that differs,
// which may be any text. It panics if there is not one *.
func NewPattern[T any](pattern string) Pattern[T] {
	if strings.Count(pattern, "*") != 1 {
		panic(fmt.Sprintf("session: pattern %q of keys does not have one *", pattern))
	}
	p := Pattern[T]{key: NewKey[T](""), name: pattern}
	p.prefix, p.suffix, _ = strings.Cut(pattern, "*")
	return p
}

// WithCodec returns the pattern with another codec.
func (p Pattern[T]) WithCodec(c Codec) Pattern[T] {
	p.key = p.key.WithCodec(c)
	return p
}

// WithLimit returns the pattern with a limit on each value; see [Key.WithLimit].
func (p Pattern[T]) WithLimit(bytes int) Pattern[T] {
	p.key = p.key.WithLimit(bytes)
	return p
}

// WithMutations returns the pattern with another way to deal with values that
// are changed in place; see [Mutations].
func (p Pattern[T]) WithMutations(m Mutations) Pattern[T] {
	p.key = p.key.WithMutations(m)
	return p
}

// Name returns the pattern.
func (p Pattern[T]) Name() string { return p.name }

// Key returns the key with this part.
func (p Pattern[T]) Key(part string) Key[T] {
	k := p.key
	k.name = p.prefix + part + p.suffix
	k.folded = wire.FoldKey(k.name)
	return k
}

// Parts returns the parts of the keys that the session has, in its order: Key of
// each is one of them.
func (p Pattern[T]) Parts(s *Session) []string {
	var parts []string
	for _, key := range s.Keys() {
		if part, ok := p.part(key); ok {
			parts = append(parts, part)
		}
	}
	return parts
}

// part returns the part of a key that stands for the *, as it is spelled.
func (p Pattern[T]) part(key string) (string, bool) {
	from := 0
	for range p.prefix { // by characters: Ⱥ has two bytes, ⱥ three
		_, size := utf8.DecodeRuneInString(key[from:])
		from += size
	}
	to := len(key)
	for range p.suffix {
		_, size := utf8.DecodeLastRuneInString(key[:to])
		to -= size
	}
	if to < from || !sameKey(key[:from], p.prefix) || !sameKey(key[to:], p.suffix) {
		return "", false
	}
	return key[from:to], true
}

// sameKey reports whether two keys are one, which compare without case.
func sameKey(a, b string) bool { return a == b || wire.FoldKey(a) == wire.FoldKey(b) }

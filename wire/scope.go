// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// A Scope is a set of keys given by patterns such as "user" and "cart*". The
// zero Scope, nil, is no scope: it contains every key and is not declared. A
// Scope does not change and may be used concurrently.
type Scope []pattern

// A pattern is a key in which * stands for any run of characters.
type pattern struct {
	text   string // as it was given
	folded []byte
}

// ParseScope returns the scope of the patterns. A * stands for any run of
// characters, also none; letter case does not matter. No patterns at all make
// no scope. An error names every pattern that is wrong.
func ParseScope(patterns []string) (Scope, error) {
	var scope Scope
	var errs []error
	for i, p := range patterns {
		switch {
		case p == "":
			errs = append(errs, fmt.Errorf("key pattern %d is empty", i+1))
		case !utf8.ValidString(p):
			errs = append(errs, fmt.Errorf("key pattern %d, %q, is not UTF-8", i+1, p))
		default:
			scope = append(scope, pattern{text: p, folded: []byte(FoldKey(p))})
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return scope, nil
}

// Declared tells whether the scope has patterns.
func (s Scope) Declared() bool { return len(s) > 0 }

// Contains tells whether key is within the scope.
func (s Scope) Contains(key string) bool { return s.ContainsBytes([]byte(key)) }

// ContainsBytes is Contains for a key as a [Scanner] returns it.
func (s Scope) ContainsBytes(key []byte) bool {
	if !s.Declared() {
		return true
	}
	var space [64]byte
	folded := appendFolded(space[:0], key)
	for i := range s {
		if matches(s[i].folded, folded) {
			return true
		}
	}
	return false
}

// String returns the patterns as they were given.
func (s Scope) String() string {
	if !s.Declared() {
		return "no scope"
	}
	texts := make([]string, len(s))
	for i := range s {
		texts[i] = s[i].text
	}
	return strings.Join(texts, ", ")
}

// matches tells whether the pattern matches all of key. The first piece between
// stars must stand at the start and the last at the end; those between may stand
// at the first place that is left.
func matches(pattern, key []byte) bool {
	first, rest, star := bytes.Cut(pattern, []byte("*"))
	if !star {
		return bytes.Equal(pattern, key)
	}
	key, ok := bytes.CutPrefix(key, first)
	for ok {
		var piece []byte
		if piece, rest, star = bytes.Cut(rest, []byte("*")); !star {
			return bytes.HasSuffix(key, piece)
		}
		_, key, ok = bytes.Cut(key, piece)
	}
	return false
}

// AppendScoped appends the part of data, which is items form, that is within the
// scope: its items, and its unknown keys. Without a scope that is all of data.
// Data of length 0 stands for no items; what follows a fault in malformed data
// is left out.
func AppendScoped(dst, data []byte, scope Scope) []byte {
	if !scope.Declared() && len(data) > 0 {
		return append(dst, data...)
	}
	items, unknown := countScoped(data, scope)
	dst = appendInt(dst, items)
	sc := Scan(data)
	for sc.Next() {
		if scope.ContainsBytes(sc.Key()) {
			dst = appendBytes(appendBytes(dst, sc.Key()), sc.Value())
		}
	}
	dst = appendInt(dst, unknown)
	for u := sc.unknown(); u.next(); {
		if scope.ContainsBytes(u.key) {
			dst = appendBytes(dst, u.key)
		}
	}
	return dst
}

func countScoped(data []byte, scope Scope) (items, unknown int) {
	sc := Scan(data)
	for sc.Next() {
		if scope.ContainsBytes(sc.Key()) {
			items++
		}
	}
	for u := sc.unknown(); u.next(); {
		if scope.ContainsBytes(u.key) {
			unknown++
		}
	}
	return items, unknown
}

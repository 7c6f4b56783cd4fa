// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"bytes"
	"unicode/utf8"
)

// mergeInStep is Merge of what nearly every page sends back: the keys that it
// was sent, in the same order, some with other values, where nobody else has
// changed anything. It needs no index. ok is false for all else, and where it
// would take thought: then nothing was found out.
func mergeInStep(base, update, current []byte, scope Scope) (result Merged, ok bool) {
	if scope.Declared() || len(update) == 0 || !bytes.Equal(base, current) {
		return Merged{}, false
	}
	changes, ok := inStep(base, update)
	switch {
	case !ok:
		return Merged{}, false
	case len(changes) == 0:
		return Merged{Data: current}, true
	}
	result = Merged{Data: replaceValues(current, changes), Changed: true}
	for _, c := range changes {
		result.Set = append(result.Set, string(c.key))
	}
	return result, true
}

// A valueChange is another value for the item at a place.
type valueChange struct {
	at         int
	key, value []byte
	more       int // bytes that the value has more than what it replaces, its length included
}

// mostInStep is how many changes are worth looking for their keys one by one.
const mostInStep = 8

// inStep returns the values that differ, if the keys do not.
func inStep(base, update []byte) (changes []valueChange, ok bool) {
	var json comparer
	b, u := Scan(base), Scan(update)
	if b.Len() != u.Len() {
		return nil, false
	}
	for b.Next() && u.Next() {
		was, is := b.Value(), u.Value()
		if !bytes.Equal(b.Key(), u.Key()) || !utf8.Valid(b.Key()) {
			return nil, false
		}
		if bytes.Equal(was, is) || !absent(was) && !absent(is) && json.equal(was, is) {
			continue
		}
		if absent(was) || absent(is) || len(changes) == mostInStep || !unique(base, b.Key()) {
			return nil, false
		}
		more := sizeInt(len(is)) + len(is) - sizeInt(len(was)) - len(was)
		changes = append(changes, valueChange{b.pos - 1, b.Key(), is, more})
	}
	return changes, b.Err() == nil && u.Err() == nil && noUnknown(&b) && endsWell(&u)
}

// unique reports whether no other item has the key.
func unique(data, key []byte) bool {
	found := 0
	for sc := Scan(data); sc.Next(); {
		if equalKeys(sc.Key(), key) {
			found++
		}
	}
	return found == 1
}

// noUnknown reports whether nothing but an empty list of unknown keys follows.
func noUnknown(s *Scanner) bool {
	u := s.unknown()
	return u.count == 0 && s.Err() == nil && s.d.off == len(s.d.buf)
}

// endsWell reports whether the unknown keys are well-formed.
func endsWell(s *Scanner) bool {
	for u := s.unknown(); u.next(); {
	}
	return s.Err() == nil
}

// replaceValues returns a copy of items form with other values.
func replaceValues(data []byte, changes []valueChange) []byte {
	size := len(data)
	for _, c := range changes {
		size += c.more
	}
	dst := make([]byte, 0, size)
	sc := Scan(data)
	dst = appendInt(dst, sc.Len())
	for sc.Next() {
		value := sc.Value()
		if len(changes) > 0 && changes[0].at == sc.pos-1 {
			value, changes = changes[0].value, changes[1:]
		}
		dst = appendBytes(appendBytes(dst, sc.Key()), value)
	}
	return appendInt(dst, 0) // unknown keys
}

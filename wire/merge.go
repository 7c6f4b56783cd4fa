// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"bytes"
	"fmt"
	"hash/maphash"
	"iter"
)

// MergeOptions say what a client may do to a session.
//
// The first that applies decides which keys a client removes by leaving them
// out: those within a declared Scope; with Replace all; else those that Sent
// names.
type MergeOptions struct {
	// Scope is what the client can see and touch. Keys outside a declared scope
	// stay as they are, even if the update contains them.
	Scope Scope

	// Replace lets the client remove any key. It suits clients that fail on keys
	// that they don't know, so what they leave out they meant to remove.
	Replace bool

	// Sent tells whether this client has ever sent the key, so that it is able
	// to keep it. Nil means never. It is called with the spelling of base.
	Sent func(key string) bool

	// LastWins are keys that never conflict, if it is declared.
	LastWins Scope
}

// Merged is the result of a merge. Keys have the spelling of the stored items
// where those have the key.
type Merged struct {
	// Data is the items form to store: current itself, not a copy, if nothing
	// changed, else new memory.
	Data    []byte
	Changed bool // Data differs from current

	Set        []string // added or given another value, in the update's order
	Removed    []string // in the order of base
	Kept       []string // base had it, the update lacks it, the client may not remove it
	Unwritable []string // those of Removed that the update has with length 0

	// Conflicts are the keys that both the client and somebody else changed. If
	// there are any, nothing was applied: Data is current, and the lists above
	// are empty.
	Conflicts []string
}

// Merge applies what a client changed to what is stored: base is what the client
// was sent, update what it sent back, and current what is stored now. All three
// are items form, which may have length 0 for base and current where there is
// none. It is a pure function.
//
// A key of the update
//   - that is in base with the same value is unchanged: current stays;
//   - that has another value replaces that of current, or is added;
//   - that has length 0 is removed if base had bytes, for so a .NET client sends
//     a value that it can't write, and else ignored.
//
// A key that only base has is removed if the client may; see [MergeOptions].
//
// Values are the same if their bytes are, or if both are the same JSON, because
// a .NET client reformats every value that it sends back: numbers compare by
// value, strings by their characters, objects by their members in any order of
// which the last of a name counts. A value of null counts as missing.
//
// Where current differs from base, somebody else has changed it since. That is a
// conflict for keys that the update changes too, even to the same value: two
// pages that both counted from 5 to 6 have lost one.
//
// Keys compare as by [EqualKeys]. Keys of current keep their place and spelling,
// new ones follow in the update's order. Of a key that stands twice the last
// value counts, at the place of the first, except that null or length 0 does not
// replace an earlier value. Unknown keys stay listed as in current unless they
// were set or removed; none is added.
//
// An error says which of the three is malformed, and wraps a *FormatError.
func Merge(base, update, current []byte, o MergeOptions) (Merged, error) {
	if len(update) > 0 && bytes.Equal(base, update) {
		return Merged{Data: current}, nil
	}
	if result, ok := mergeInStep(base, update, current, o.Scope); ok {
		return result, nil
	}
	m, err := newMerger(base, update, current, o)
	if err != nil {
		return Merged{}, err
	}
	m.applyUpdate()
	m.applyMissing()
	switch {
	case len(m.result.Conflicts) > 0:
		return Merged{Data: current, Conflicts: m.result.Conflicts}, nil
	case len(m.result.Set)+len(m.result.Removed) == 0:
		m.result.Data = current
	default:
		m.result.Data, m.result.Changed = m.encode(), true
	}
	return m.result, nil
}

// A merger holds one merge. Its indexes have their keys' edits.
type merger struct {
	base, update, current *index

	opts   MergeOptions
	json   comparer
	result Merged
}

// An edit is what a merge does to a key.
type edit struct {
	kind  editKind
	value []byte // what replaces the present value
}

type editKind byte

const (
	keep editKind = iota
	replace
	remove
	add // only in the index of the update
)

func newMerger(base, update, current []byte, o MergeOptions) (*merger, error) {
	m := &merger{opts: o}
	seed := maphash.MakeSeed()
	var err error
	if m.base, err = readIndex(base, seed); err != nil {
		return nil, fmt.Errorf("base: %w", err)
	}
	// An update of no bytes is a fault, not one of no items: it would clear the
	// session of a client that may.
	if _, err = CheckItems(update, noLimits()); err == nil {
		m.update, err = readIndex(update, seed)
	}
	if err != nil {
		return nil, fmt.Errorf("update: %w", err)
	}
	if bytes.Equal(base, current) {
		m.current = m.base
	} else if m.current, err = readIndex(current, seed); err != nil {
		return nil, fmt.Errorf("current: %w", err)
	}
	return m, nil
}

// applyUpdate goes through the keys that the update has.
func (m *merger) applyUpdate() {
	for key := range m.update.keys(m.opts.Scope) {
		before := m.base.value(key.key, key.hash)
		switch {
		case key.value == nil, m.same(before, key.value):
		case len(key.value) > 0:
			if m.change(key, before, key.value) {
				m.result.Set = append(m.result.Set, m.spelling(key))
			}
		case len(before) > 0:
			if m.change(key, before, nil) {
				m.result.Removed = append(m.result.Removed, m.spelling(key))
				m.result.Unwritable = append(m.result.Unwritable, m.spelling(key))
			}
		}
	}
}

// applyMissing goes through the keys that base had and the update lacks.
func (m *merger) applyMissing() {
	for key := range m.base.keys(m.opts.Scope) {
		if key.value == nil || m.update.value(key.key, key.hash) != nil {
			continue
		}
		switch {
		case m.mayRemove(key.key):
			if m.change(key, key.value, nil) {
				m.result.Removed = append(m.result.Removed, m.spelling(key))
			}
		case m.current.value(key.key, key.hash) != nil:
			m.result.Kept = append(m.result.Kept, m.spelling(key))
		}
	}
}

// change gives the key of an item another value than it had before in base, or
// removes it if that is nil. It returns false if current has that value already
// or if there is a conflict.
func (m *merger) change(key *entry, before, value []byte) bool {
	cur := m.current.find(key.key, key.hash)
	var now []byte
	if cur != nil {
		now = cur.value
	}
	switch {
	case !m.same(now, before) && !m.lastWins(key.key):
		m.result.Conflicts = append(m.result.Conflicts, m.spelling(key))
		return false
	case m.same(now, value):
		return false
	case cur == nil:
		key.edit = edit{kind: add, value: value}
	case value == nil:
		cur.edit = edit{kind: remove}
	default:
		cur.edit = edit{kind: replace, value: value}
	}
	return true
}

func (m *merger) mayRemove(key []byte) bool {
	if m.opts.Scope.Declared() || m.opts.Replace {
		return true // m.base.keys has left out what is not in the scope
	}
	return m.opts.Sent != nil && m.opts.Sent(string(key))
}

func (m *merger) lastWins(key []byte) bool {
	return m.opts.LastWins.Declared() && m.opts.LastWins.ContainsBytes(key)
}

// same tells whether two values are the same; nil is missing.
func (m *merger) same(a, b []byte) bool {
	switch {
	case len(a) == 0 || len(b) == 0:
		return len(a) == len(b) && (a == nil) == (b == nil)
	case bytes.Equal(a, b):
		return true
	}
	return m.json.equal(a, b)
}

func (m *merger) spelling(key *entry) string {
	if cur := m.current.find(key.key, key.hash); cur != nil {
		return string(cur.key)
	}
	return string(key.key)
}

// encode builds the items form of the result.
func (m *merger) encode() []byte {
	var items, unknown, size int
	for key, value := range m.items() {
		items++
		size += sizeInt(len(key)) + len(key) + sizeInt(len(value)) + len(value)
	}
	for key := range m.unknown() {
		unknown++
		size += sizeInt(len(key)) + len(key)
	}
	dst := make([]byte, 0, sizeInt(items)+sizeInt(unknown)+size)
	dst = appendInt(dst, items)
	for key, value := range m.items() {
		dst = appendBytes(appendBytes(dst, key), value)
	}
	dst = appendInt(dst, unknown)
	for key := range m.unknown() {
		dst = appendBytes(dst, key)
	}
	return dst
}

// items returns the keys and values of the result.
func (m *merger) items() iter.Seq2[[]byte, []byte] {
	return func(yield func(key, value []byte) bool) {
		for i := range m.current.entries {
			e := &m.current.entries[i]
			first := &m.current.entries[e.first]
			switch {
			case first.edit.kind == keep && !yield(e.key, e.raw):
				return
			case first.edit.kind == replace && e == first && !yield(e.key, first.edit.value):
				return
			}
		}
		for i := range m.update.entries {
			e := &m.update.entries[i]
			if e.edit.kind == add && !yield(e.key, e.edit.value) {
				return
			}
		}
	}
}

// unknown returns the keys that the result lists as unknown.
func (m *merger) unknown() iter.Seq[[]byte] {
	return func(yield func(key []byte) bool) {
		for _, key := range m.current.unknown {
			if !m.edited(key) && !yield(key) {
				return
			}
		}
	}
}

func (m *merger) edited(key []byte) bool {
	hash := m.current.hash(key)
	for _, x := range []*index{m.current, m.update} {
		if e := x.find(key, hash); e != nil && e.edit.kind != keep {
			return true
		}
	}
	return false
}

// keys returns the entries of the index within the scope, one a key.
func (x *index) keys(scope Scope) iter.Seq[*entry] {
	return func(yield func(*entry) bool) {
		for i := range x.entries {
			e := &x.entries[i]
			if int(e.first) == i && scope.ContainsBytes(e.key) && !yield(e) {
				return
			}
		}
	}
}

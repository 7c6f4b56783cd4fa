// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"hash/maphash"
	"math/bits"
	"unicode/utf8"
)

// An index finds the items of items form by key, letter case aside. Building it
// takes a handful of allocations, however many keys there are.
type index struct {
	entries []entry  // all items, in order
	unknown [][]byte // the keys listed as unknown, in order
	buckets []int32  // by hash: 1 + the newest entry there, 0 for none
	seed    maphash.Seed
	scratch []byte // a folded key
}

// An entry is one item.
type entry struct {
	key, raw []byte // as they stand in the items form

	// value is what counts for the key; it is kept by the first entry of the
	// key. It is nil if the value is null, which is as if the key were missing,
	// and of length 0 but not nil if the value could not be written.
	value []byte

	hash  uint64
	chain int32 // 1 + the next entry in the same bucket
	first int32 // the first entry of the same key, mostly this one

	edit edit // what the merge does to the key; kept by the first entry
}

// readIndex builds the index of items form. The error is that of malformed data.
func readIndex(data []byte, seed maphash.Seed) (*index, error) {
	x := &index{seed: seed}
	valid, err := x.read(data)
	if err != nil || valid {
		return x, err
	}
	items, unknown, err := DecodeItems(data, noLimits())
	if err != nil {
		return nil, err
	}
	_, err = x.read(AppendItems(nil, items, unknown))
	return x, err
}

// read fills the index. It returns false if a key is not UTF-8, so that it has
// yet to become the key that .NET reads there.
func (x *index) read(data []byte) (valid bool, err error) {
	sc := Scan(data)
	most := min(sc.Len(), len(data)/2)
	x.entries = make([]entry, 0, most)
	x.buckets = make([]int32, 1<<bits.Len(uint(most)))
	x.unknown = nil
	valid = true
	for sc.Next() {
		valid = valid && utf8.Valid(sc.Key())
		x.add(sc.Key(), sc.Value())
	}
	for u := sc.unknown(); u.next(); {
		valid = valid && utf8.Valid(u.key)
		x.unknown = append(x.unknown, u.key)
	}
	return valid, sc.Err()
}

func (x *index) add(key, raw []byte) {
	value := raw
	if isNull(value) {
		value = nil
	}
	at := int32(len(x.entries))
	e := entry{key: key, raw: raw, value: value, hash: x.hash(key), first: at}
	if first := x.find(key, e.hash); first != nil {
		e.first = first.first
		if !absent(value) {
			first.value = value
		}
	} else {
		bucket := &x.buckets[e.hash&uint64(len(x.buckets)-1)]
		e.chain, *bucket = *bucket, at+1
	}
	x.entries = append(x.entries, e)
}

// find returns the first entry of a key, or nil.
func (x *index) find(key []byte, hash uint64) *entry {
	for at := x.buckets[hash&uint64(len(x.buckets)-1)]; at > 0; at = x.entries[at-1].chain {
		if e := &x.entries[at-1]; e.hash == hash && equalKeys(e.key, key) {
			return e
		}
	}
	return nil
}

// value returns what counts for a key; nil if it is missing.
func (x *index) value(key []byte, hash uint64) []byte {
	if e := x.find(key, hash); e != nil {
		return e.value
	}
	return nil
}

func (x *index) hash(key []byte) uint64 {
	x.scratch = appendFolded(x.scratch[:0], key)
	return maphash.Bytes(x.seed, x.scratch)
}

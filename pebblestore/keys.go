// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package pebblestore

import (
	"encoding/binary"
	"time"
)

// What a key is of, by its first byte.
const (
	kindItem    = 'i' // + id: the item but for its data
	kindData    = 'd' // + id + version: the data of an item, or of what a lost hold was sent
	kindIndex   = 'x' // + time + id: when to look whether an item has expired
	kindLearned = 'l' // + length of client + client + folded key: the key as it was spelled first
	kindNode    = 'n' // + name: a node that may be alive
	kindMeta    = 'm' // + name
)

// Keys of kindMeta.
const (
	keyFormat  = "mformat"  // format version of all this
	keyCeiling = "mceiling" // no token above it was granted
	keyClock   = "mclock"   // the store's clock, as of some seconds ago
	keyClean   = "mclean"   // is there if the store was closed
	keyCrashes = "mcrashes" // when it was not closed, by its clock
)

func itemKey(id string) []byte {
	return append([]byte{kindItem}, id...)
}

func dataKey(id string, version uint64) []byte {
	return binary.BigEndian.AppendUint64(append([]byte{kindData}, id...), version)
}

// splitDataKey is the inverse of dataKey.
func splitDataKey(key []byte) (id string, version uint64, ok bool) {
	if len(key) < 9 {
		return "", 0, false
	}
	cut := len(key) - 8
	return string(key[1:cut]), binary.BigEndian.Uint64(key[cut:]), true
}

func indexKey(look time.Duration, id string) []byte {
	return append(indexFrom(look), id...)
}

// indexFrom is before all index keys of that time or a later one.
func indexFrom(look time.Duration) []byte {
	return binary.BigEndian.AppendUint64([]byte{kindIndex}, uint64(max(look, 0)))
}

// splitIndexKey is the inverse of indexKey.
func splitIndexKey(key []byte) (look time.Duration, id string, ok bool) {
	if len(key) < 9 {
		return 0, "", false
	}
	at := time.Duration(binary.BigEndian.Uint64(key[1:9]))
	return at, string(key[9:]), at >= 0
}

// learnedFrom is before all keys that a client has sent.
func learnedFrom(client string) []byte {
	key := binary.AppendUvarint([]byte{kindLearned}, uint64(len(client)))
	return append(key, client...)
}

func nodeKey(name string) []byte {
	return append([]byte{kindNode}, name...)
}

// after is the least key that does not begin with prefix, whose last byte is
// not the largest.
func after(prefix []byte) []byte {
	end := append([]byte(nil), prefix...)
	for i := len(end) - 1; i >= 0; i-- {
		if end[i]++; end[i] != 0 {
			return end[:i+1]
		}
	}
	return nil
}

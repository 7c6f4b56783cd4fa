// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package wire

import "cmp"

// Version is the format version that this package reads and writes. It is the
// first byte of a session.
const Version = 1

// A Session is exactly what stands in the bytes: keys that stand twice, keys
// that differ in letter case only, and values of length 0 included.
type Session struct {
	Header
	Items []Item

	// Unknown lists the keys that the writer could not write. Microsoft's
	// serializer lists a key that it has no type for here, and among the items
	// with a value of length 0.
	Unknown []string
}

// A Header is what precedes the items of a session.
type Header struct {
	ID        string // a credential: not to be logged
	New       bool   // the owner had no stored session for this request
	Abandoned bool   // in an update: delete the session, ignore the items
	ReadOnly  bool   // the receiver must not send the session back
	Timeout   int32  // idle time in minutes; .NET's reader takes any number
}

// An Item is a key with its value.
type Item struct {
	Key string

	// Value is what the key's serializer wrote, JSON by default. Length 0 means
	// that the key is present but its value could not be written; the JSON text
	// null means that the key holds null.
	Value []byte
}

// Limits bound what a decoder accepts. A field that is zero or less means its
// default.
type Limits struct {
	Session int // bytes of a whole session, or of a whole items form; 4 MiB
	Value   int // bytes of one value; 1 MiB
	Keys    int // number of items, and separately of unknown keys; 10,000
	Key     int // bytes of a key or of the session id; 1 KiB
}

// WithDefaults returns the limits with every default filled in.
func (l Limits) WithDefaults() Limits {
	return Limits{
		Session: cmp.Or(max(l.Session, 0), 4<<20),
		Value:   cmp.Or(max(l.Value, 0), 1<<20),
		Keys:    cmp.Or(max(l.Keys, 0), 10_000),
		Key:     cmp.Or(max(l.Key, 0), 1<<10),
	}
}

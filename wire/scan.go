// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package wire

// A Scanner walks the items of items form without decoding or allocating.
//
//	for sc := wire.Scan(data); sc.Next(); {
//		fmt.Printf("%s: %d bytes\n", sc.Key(), len(sc.Value()))
//	}
type Scanner struct {
	d          decoder
	count, pos int
	key, value []byte
}

// Scan returns a Scanner for data, which should have passed [CheckItems]. The
// Scanner has no limits. Data of length 0 stands for no items.
func Scan(data []byte) Scanner {
	s := Scanner{d: decoder{buf: data, lim: noLimits()}}
	if len(data) > 0 {
		s.count = s.d.itemCount()
	}
	return s
}

// Len returns the number of items that data announces.
func (s *Scanner) Len() int { return s.count }

// Next advances to the next item. It returns false after the last one and where
// data is malformed; Err tells which.
func (s *Scanner) Next() bool {
	if s.pos == s.count || s.d.err != nil {
		s.key, s.value = nil, nil
		return false
	}
	s.key, s.value = s.d.item(s.pos, s.count)
	s.pos++
	return s.d.err == nil
}

// Key returns the bytes of the present item's key as they stand, which is part
// of data. Keys that this package wrote are UTF-8.
func (s *Scanner) Key() []byte { return s.key }

// Value returns the present item's value, which is part of data.
func (s *Scanner) Value() []byte { return s.value }

// Err returns a *FormatError if the items are malformed as far as they were
// walked.
func (s *Scanner) Err() error { return s.d.err }

// unknown returns a Scanner for the unknown keys, which is at its end at once.
// It must be called after Next has returned false.
func (s *Scanner) unknown() unknownScanner {
	u := unknownScanner{d: &s.d}
	if s.d.off > 0 {
		u.count = s.d.unknownCount()
	}
	return u
}

// An unknownScanner walks the unknown keys that follow the items.
type unknownScanner struct {
	d          *decoder
	count, pos int
	key        []byte
}

func (u *unknownScanner) next() bool {
	if u.pos == u.count || u.d.err != nil {
		return false
	}
	u.key = u.d.unknown(u.pos, u.count)
	u.pos++
	return u.d.err == nil
}

// Lookup returns the value of key in items form, which is part of data. Keys
// compare as by [EqualKeys]. If the key stands more than once the last one
// counts, but as in .NET null or nothing does not replace an earlier value. Of
// malformed data the items before the fault are searched.
func Lookup(data []byte, key string) (value []byte, ok bool) {
	for sc := Scan(data); sc.Next(); {
		if !equalKeys(sc.Key(), []byte(key)) {
			continue
		}
		if !ok || !absent(sc.Value()) {
			value, ok = sc.Value(), true
		}
	}
	return value, ok
}

// absent tells of a value that leaves no value behind in a .NET session, so that
// it does not replace that of the same key before it.
func absent(value []byte) bool { return len(value) == 0 || isNull(value) }

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package wire

import "io"

// Decode decodes the session at the start of b and returns the number of bytes
// that it takes; what follows is left alone. The values are parts of b, not
// copies. An error is a *FormatError, and then the session is the zero Session.
func Decode(b []byte, lim Limits) (s Session, n int, err error) {
	d := decoder{buf: b, lim: lim.WithDefaults()}
	d.session(&s)
	if d.err != nil {
		return Session{}, 0, d.err
	}
	return s, d.off, nil
}

// DecodeHeader decodes the header at the start of b and returns the number of
// bytes that it takes. The items form follows. An error is a *FormatError.
func DecodeHeader(b []byte, lim Limits) (h Header, n int, err error) {
	d := decoder{buf: b, lim: lim.WithDefaults()}
	d.header(&h)
	if d.err != nil {
		return Header{}, 0, d.err
	}
	return h, d.off, nil
}

// CheckItems checks that b begins with a whole items form within the limits,
// and returns the number of bytes that it takes. It decodes nothing and does not
// allocate unless it fails; an error is a *FormatError.
func CheckItems(b []byte, lim Limits) (n int, err error) {
	d := decoder{buf: b, lim: lim.WithDefaults()}
	d.skipItems()
	if d.err != nil {
		return 0, d.err
	}
	return d.off, nil
}

// DecodeItems decodes the items form at the start of b. The values are parts of
// b, not copies. An error is a *FormatError, and then nothing else is returned.
func DecodeItems(b []byte, lim Limits) (items []Item, unknown []string, err error) {
	var s Session
	d := decoder{buf: b, lim: lim.WithDefaults()}
	d.items(&s)
	if d.err != nil {
		return nil, nil, d.err
	}
	return s.Items, s.Unknown, nil
}

// Read reads one session from a stream that may stay open: it takes exactly the
// session's bytes and never waits for a byte beyond them. Memory grows with what
// arrives, not with what is announced. The values share one buffer, which is the
// caller's.
//
// An error is a *FormatError, and then the session is the zero Session and the
// stream is of no further use. A stream that ends before the first byte gives
// one that wraps io.EOF, a stream that ends later io.ErrUnexpectedEOF.
func Read(r io.Reader, lim Limits) (Session, error) {
	d := decoder{r: r, lim: lim.WithDefaults()}
	var h Header
	d.header(&h)
	d.skipItems()
	if d.err != nil {
		return Session{}, d.err
	}
	s, _, err := Decode(d.buf, lim)
	return s, err
}

// session decodes a whole session.
func (d *decoder) session(s *Session) {
	d.header(&s.Header)
	d.items(s)
}

// The least number of bytes that follow a field of the header.
const (
	afterVersion = 1 + afterID
	afterID      = 3 + afterFlags
	afterFlags   = 1 + afterTimeout
	afterTimeout = 1 + afterItems
	afterItems   = 1
)

func (d *decoder) header(h *Header) {
	d.begin("version", 0, afterVersion)
	if v := d.byte(); d.err == nil && v != Version {
		d.failVersion(v)
	}
	d.begin("session id", 0, afterID)
	h.ID = d.text(d.bytes(d.lim.Key))
	d.begin("new flag", 0, afterFlags+2)
	h.New = d.byte() != 0
	d.begin("abandoned flag", 0, afterFlags+1)
	h.Abandoned = d.byte() != 0
	d.begin("read-only flag", 0, afterFlags)
	h.ReadOnly = d.byte() != 0
	d.begin("timeout", 0, afterTimeout)
	h.Timeout = d.int()
}

// items decodes the items form.
func (d *decoder) items(s *Session) {
	count := d.itemCount()
	s.Items = make([]Item, 0, d.room(count, 2))
	for i := 0; i < count && d.err == nil; i++ {
		key, value := d.item(i, count)
		s.Items = append(s.Items, Item{Key: d.text(key), Value: value})
	}
	count = d.unknownCount()
	s.Unknown = make([]string, 0, d.room(count, 1))
	for i := 0; i < count && d.err == nil; i++ {
		s.Unknown = append(s.Unknown, d.text(d.unknown(i, count)))
	}
}

// skipItems walks over the items form.
func (d *decoder) skipItems() {
	count := d.itemCount()
	for i := 0; i < count && d.err == nil; i++ {
		d.item(i, count)
	}
	count = d.unknownCount()
	for i := 0; i < count && d.err == nil; i++ {
		d.unknown(i, count)
	}
}

func (d *decoder) itemCount() int {
	d.begin("number of items", 0, afterItems)
	return d.count()
}

// item decodes one of the items that are announced.
func (d *decoder) item(i, count int) (key, value []byte) {
	after := 2*following(i, count) + afterItems
	d.begin("key of item", i+1, after+1)
	key = d.bytes(d.lim.Key)
	d.begin("value of item", i+1, after)
	value = d.bytes(d.lim.Value)
	return key, value
}

func (d *decoder) unknownCount() int {
	d.begin("number of unknown keys", 0, 0)
	return d.count()
}

func (d *decoder) unknown(i, count int) []byte {
	d.begin("unknown key", i+1, following(i, count))
	return d.bytes(d.lim.Key)
}

// following returns how many things are to come after the one at i, or less
// where a hostile count would make that too large a number.
func following(i, count int) int { return min(count-i-1, 1<<20) }

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"fmt"
	"io"
	"math"
	"slices"
)

// A decoder reads the fields of a session one after the other, from memory or
// from a stream. It keeps the first error, after which every field reads as
// zero or empty.
type decoder struct {
	buf []byte    // the input as far as it is there
	off int       // the next byte of buf to decode
	r   io.Reader // where the rest of the input comes from; nil if buf is all
	lim Limits
	err error // a *FormatError

	textReader

	// The field being read, for errors.
	name   string
	number int // from 1; 0 if there is only one such field
	start  int // where it begins

	// after is how many bytes follow the field at least. A stream is asked for
	// them too, as they can't but come: fewer, larger reads that still take
	// nothing beyond the session.
	after int
}

// noLimits is for bytes that were checked when they arrived.
func noLimits() Limits {
	return Limits{Session: math.MaxInt, Value: math.MaxInt, Keys: math.MaxInt, Key: math.MaxInt}
}

// begin starts a field.
func (d *decoder) begin(name string, number, after int) {
	d.name, d.number, d.start, d.after = name, number, d.off, after
}

// byte reads one byte.
func (d *decoder) byte() byte {
	if !d.need(1) {
		return 0
	}
	b := d.buf[d.off]
	d.off++
	return b
}

// int reads a number as BinaryReader.Read7BitEncodedInt does: at most five
// bytes, also where fewer would do, of which the fifth holds four bits.
func (d *decoder) int() int32 {
	var n uint32
	for shift := 0; shift < 28; shift += 7 {
		b := d.byte()
		n |= uint32(b&0x7f) << shift
		if b < 0x80 {
			return int32(n)
		}
	}
	b := d.byte()
	if b > 0x0f {
		d.fail("not a 7-bit encoded int32: the fifth byte is 0x%02x, at most 0x0f is possible", b)
		return 0
	}
	return int32(n | uint32(b)<<28)
}

// count reads how many things follow. .NET takes a negative number for none.
func (d *decoder) count() int {
	n := max(int(d.int()), 0)
	if n > d.lim.Keys {
		d.fail("%d, the keys limit is %d", n, d.lim.Keys)
		return 0
	}
	return n
}

// bytes reads a length and as many bytes, which are part of buf.
func (d *decoder) bytes(limit int) []byte {
	n := int(d.int())
	switch {
	case d.err != nil:
		return nil
	case n < 0:
		d.fail("negative length %d", n)
		return nil
	case n > limit:
		d.fail("length %d, the %s limit is %d", n, d.limitName(), limit)
		return nil
	case !d.need(n):
		return nil
	}
	b := d.buf[d.off : d.off+n : d.off+n]
	d.off += n
	return b
}

// room returns how many of the announced things of at least the given size can
// still follow in memory, so that no more than that is allocated ahead.
func (d *decoder) room(count, size int) int {
	if d.err != nil {
		return 0
	}
	return min(count, (len(d.buf)-d.off)/size)
}

// need makes sure that the next n bytes are in buf.
func (d *decoder) need(n int) bool {
	switch {
	case d.err != nil:
		return false
	case n > d.lim.Session-d.off:
		d.fail("at least %d bytes so far, the session limit is %d", uint64(d.off)+uint64(n), d.lim.Session)
		return false
	case n <= len(d.buf)-d.off:
		return true
	}
	return d.fetch(n)
}

// fetchAhead bounds the first allocation for bytes that were announced but have
// not arrived; later ones double what has.
const fetchAhead = 2 << 10

// fetch reads from the stream until the next n bytes are in buf.
func (d *decoder) fetch(n int) bool {
	for have := len(d.buf) - d.off; have < n; have = len(d.buf) - d.off {
		if d.r == nil {
			d.failShort(have, n, io.EOF)
			return false
		}
		missing := n - have
		most := min(max(len(d.buf), fetchAhead), d.lim.Session-len(d.buf))
		size := min(min(missing, most)+d.after, most)
		end := len(d.buf)
		if size > cap(d.buf)-end {
			d.buf = slices.Grow(d.buf, max(end, fetchAhead))
		}
		got, err := io.ReadAtLeast(d.r, d.buf[end:end+size], min(missing, size))
		d.buf = d.buf[:end+got]
		if err != nil {
			d.failShort(have+got, n, err)
			return false
		}
	}
	return true
}

func (d *decoder) fail(format string, args ...any) {
	d.failWith(nil, fmt.Sprintf(format, args...))
}

// failShort tells that only have of n bytes are there.
func (d *decoder) failShort(have, n int, err error) {
	switch err {
	case io.EOF, io.ErrUnexpectedEOF:
		if len(d.buf) == 0 {
			d.failWith(io.EOF, "nothing there")
			return
		}
		err = io.ErrUnexpectedEOF
	}
	d.failWith(err, fmt.Sprintf("cut short after %d of %d bytes", d.off+have-d.start, d.off+n-d.start))
}

// failVersion shows how the input begins if it is text, since it is most likely
// an error page then. Session bytes of another version begin with the id, which
// is a credential, so they are not shown.
func (d *decoder) failVersion(version byte) {
	start := d.buf[:min(len(d.buf), 60)]
	if !isText(start) {
		d.fail("format version %d, want %d", version, Version)
		return
	}
	d.fail("format version %d, want %d; the input begins %q", version, Version, start)
}

// isText tells whether b has no byte that no page has: every session has some,
// its flags.
func isText(b []byte) bool {
	return !slices.ContainsFunc(b, func(c byte) bool {
		return c < ' ' && c != '\n' && c != '\r' && c != '\t' || c == 0x7f
	})
}

// failWith sets the error. It is the first: after one nothing is read, so
// nothing fails.
func (d *decoder) failWith(err error, reason string) {
	field := d.name
	if d.number > 0 {
		field = fmt.Sprintf("%s %d", d.name, d.number)
	}
	d.err = &FormatError{Field: field, Offset: d.start, Reason: reason, Err: err}
}

// limitName names what bounds the present field's length, in a word that is both
// a field of Limits and a setting of the server.
func (d *decoder) limitName() string {
	if d.name == "value of item" {
		return "value"
	}
	return "key"
}

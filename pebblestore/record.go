// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package pebblestore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/sessionbridge/session"
)

// recordVersion begins each record. It is not the version of the store's format:
// one that rises would let records of two versions live side by side.
const recordVersion = 1

// Flags of an item's record.
const (
	flagStored = 1 << iota
	flagHeld
	flagCommitted
	allFlags = flagStored | flagHeld | flagCommitted
)

// errRecord is what all errors of decodeItem are.
var errRecord = errors.New("the record is not as it should be")

// appendItem appends the record of an item.
func appendItem(b []byte, it *item) []byte {
	flags := flagOf(it.stored)*flagStored | flagOf(it.hold != nil)*flagHeld | flagOf(it.committed != nil)*flagCommitted
	b = append(b, recordVersion, flags)
	b = appendTimes(b, it.timeout, it.slid, it.look)
	b = appendNumbers(b, uint64(it.losses), it.version, uint64(it.length))
	if it.hold != nil {
		b = appendHold(b, it.hold)
	}
	if it.committed != nil {
		b = appendHold(b, it.committed)
	}
	b = appendNumbers(b, uint64(len(it.lost)))
	for i := range it.lost {
		l := &it.lost[i]
		b = appendHold(b, l.hold)
		b = append(b, flagOf(l.stored))
		b = appendTimes(b, l.timeout)
		b = appendNumbers(b, l.version, uint64(l.length))
	}
	return b
}

func appendHold(b []byte, h *hold) []byte {
	b = appendNumbers(b, h.Token, h.Late, uint64(h.Losses))
	b = appendTimes(b, h.Limit, h.since)
	b = append(b, flagOf(h.Detached))
	for _, s := range []string{h.Node, h.Client, h.Trace} {
		b = append(binary.AppendUvarint(b, uint64(len(s))), s...)
	}
	return b
}

func appendTimes(b []byte, times ...time.Duration) []byte {
	for _, t := range times {
		b = binary.AppendVarint(b, int64(t))
	}
	return b
}

func appendNumbers(b []byte, numbers ...uint64) []byte {
	for _, n := range numbers {
		b = binary.AppendUvarint(b, n)
	}
	return b
}

func flagOf(is bool) byte {
	if is {
		return 1
	}
	return 0
}

// decodeItem reads what appendItem wrote. It keeps nothing of b.
func decodeItem(id string, b []byte) (*item, error) {
	d := decoder{rest: b}
	if v := d.byte("version"); v != recordVersion && d.err == nil {
		return nil, fmt.Errorf("%w: it is of version %d; this program reads version %d", errRecord, v, recordVersion)
	}
	flags := d.byte("flags")
	if flags&^allFlags != 0 {
		d.fail("flags")
	}
	it := &item{id: id, stored: flags&flagStored != 0}
	it.timeout, it.slid, it.look = d.time("timeout"), d.time("slid"), d.time("look")
	it.losses, it.version, it.length = d.count("losses"), d.number("data version"), d.count("data length")
	if flags&flagHeld != 0 {
		it.hold = d.hold()
	}
	if flags&flagCommitted != 0 {
		it.committed = d.hold()
	}
	for range d.count("number of lost holds") {
		if d.err != nil {
			break // the number may be anything
		}
		it.lost = append(it.lost, lostHold{hold: d.hold(), stored: d.bool("stored"), timeout: d.time("timeout"), version: d.number("data version"), length: d.count("data length")})
	}
	if len(d.rest) > 0 {
		d.fail("end")
	}
	return it, d.err
}

// A decoder reads a record and keeps the first error.
type decoder struct {
	rest []byte
	err  error
}

func (d *decoder) fail(field string) {
	if d.err == nil {
		d.err = fmt.Errorf("%w: bad %s", errRecord, field)
	}
	d.rest = nil
}

func (d *decoder) byte(field string) byte {
	if len(d.rest) == 0 {
		d.fail(field)
		return 0
	}
	c := d.rest[0]
	d.rest = d.rest[1:]
	return c
}

func (d *decoder) bool(field string) bool {
	c := d.byte(field)
	if c > 1 {
		d.fail(field)
	}
	return c == 1
}

func (d *decoder) number(field string) uint64 {
	n, size := binary.Uvarint(d.rest)
	if size <= 0 {
		d.fail(field)
		return 0
	}
	d.rest = d.rest[size:]
	return n
}

func (d *decoder) count(field string) int {
	n := d.number(field)
	if n > 1<<40 {
		d.fail(field)
		return 0
	}
	return int(n)
}

func (d *decoder) time(field string) time.Duration {
	n, size := binary.Varint(d.rest)
	if size <= 0 {
		d.fail(field)
		return 0
	}
	d.rest = d.rest[size:]
	return time.Duration(n)
}

func (d *decoder) string(field string) string {
	n := d.number(field)
	if n > uint64(len(d.rest)) {
		d.fail(field)
		return ""
	}
	s := string(d.rest[:n])
	d.rest = d.rest[n:]
	return s
}

func (d *decoder) hold() *hold {
	h := session.Hold{Token: d.number("token"), Late: d.number("late token"), Losses: d.count("losses"), Limit: d.time("limit")}
	since := d.time("time of the hold")
	h.Detached = d.bool("detached")
	h.Node, h.Client, h.Trace = d.string("node"), d.string("client"), d.string("trace")
	return &hold{Hold: h, since: since}
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package dotnet

import (
	"math/bits"
	"strconv"
)

// UnmarshalText reads the form of [ParseDecimal].
func (d *Decimal) UnmarshalText(text []byte) error {
	if end, ok := scanNumber(text, 0); !ok || end < len(text) {
		return errText
	}
	n := splitNumber(text)
	*d = Decimal{neg: n.neg}
	if n.first == len(n.digits) {
		d.neg = false
		d.scale = uint8(min(max(-n.point, 0), maxScale))
		return nil
	}
	if !d.set(n) {
		return errRange
	}
	return nil
}

// A plainNumber is a JSON number taken apart: 0.digits × 10^point, of which the
// digits before first are zeros that say nothing.
type plainNumber struct {
	neg    bool
	digits []byte
	first  int
	point  int
	tail   bool
}

// splitNumber takes a well-formed number apart.
func splitNumber(text []byte) plainNumber {
	var n plainNumber
	if text[0] == '-' {
		n.neg, text = true, text[1:]
	}
	whole := digits(text, 0)
	end := whole
	n.digits = append(n.digits, text[:whole]...)
	if whole < len(text) && text[whole] == '.' {
		end = digits(text, whole+1)
		n.digits = append(n.digits, text[whole+1:end]...)
	}
	if whole == 1 && text[0] == '0' {
		n.digits, whole = n.digits[1:], 0
	}
	for n.first < len(n.digits) && n.digits[n.first] == '0' {
		n.first++
	}
	n.point = whole - n.first + exponent(text[end:])
	n.tail = hasTail(n.digits)
	return n
}

// hasTail tells whether there is more to a number than .NET keeps of it before
// it rounds. Utf8Parser counts the thirtieth digit to both, and counts zeros
// after the point too; so 1.00000000000000000000000000005 rounds up though it
// is halfway between two decimals of which the lower is even.
func hasTail(digits []byte) bool {
	for _, c := range digits[min(29, len(digits)):] {
		if c != '0' {
			return true
		}
	}
	return false
}

// exponent returns that of a number's end, from its e on, bounded to what makes
// no difference.
func exponent(text []byte) int {
	if len(text) == 0 {
		return 0
	}
	const bound = 1 << 40
	e, err := strconv.ParseInt(string(text[1:]), 10, 64)
	if err != nil && text[1] == '-' {
		return -bound
	}
	if err != nil {
		return bound
	}
	return int(min(max(e, -bound), bound))
}

// set takes as many digits as fit and rounds by the rest. It is false for a
// number that is too great.
func (d *Decimal) set(n plainNumber) bool {
	scale, at := -n.point, n.first
	for scale < maxScale && (scale < 0 || at < len(n.digits)) {
		var digit byte
		if at < len(n.digits) {
			digit = n.digits[at] - '0'
		}
		if !d.push(digit) {
			break
		}
		scale, at = scale+1, at+1
	}
	if n.roundsUp(at, scale, d.lo&1 == 1) && !d.increment() {
		// 2^96 is too much, a tenth of it is not.
		d.hi, d.lo = 1<<32/10, 0x999999999999999a
		scale--
	}
	d.scale = uint8(min(max(scale, 0), maxScale))
	d.neg = d.neg && (d.hi != 0 || d.lo != 0)
	return scale >= 0
}

// push appends a digit, if there is room.
func (d *Decimal) push(digit byte) bool {
	over, lo := bits.Mul64(d.lo, 10)
	lo, carry := bits.Add64(lo, uint64(digit), 0)
	hi := uint64(d.hi)*10 + over + carry
	if hi > 1<<32-1 {
		return false
	}
	d.hi, d.lo = uint32(hi), lo
	return true
}

func (d *Decimal) increment() bool {
	if d.lo++; d.lo == 0 {
		d.hi++
	}
	return d.hi != 0 || d.lo != 0
}

// roundsUp tells whether the digits from at on are more than half a unit, or
// half of one that would be odd.
func (n plainNumber) roundsUp(at, scale int, odd bool) bool {
	if scale > maxScale || at >= len(n.digits) || n.digits[at] < '5' {
		return false
	}
	if n.digits[at] > '5' || odd || n.tail {
		return true
	}
	for _, c := range n.digits[at+1:] {
		if c != '0' {
			return true
		}
	}
	return false
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"bytes"
	"strconv"
)

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// scanNumber returns the end of the JSON number at i.
func scanNumber(text []byte, i int) (end int, ok bool) {
	if text[i] == '-' {
		i++
	}
	whole := scanDigits(text, i)
	if whole == i || text[i] == '0' && whole > i+1 {
		return i, false
	}
	i = whole
	if i < len(text) && text[i] == '.' {
		if i = scanDigits(text, i+1); text[i-1] == '.' {
			return i, false
		}
	}
	if i < len(text) && (text[i] == 'e' || text[i] == 'E') {
		if i++; i < len(text) && (text[i] == '+' || text[i] == '-') {
			i++
		}
		if i = scanDigits(text, i); !isDigit(text[i-1]) {
			return i, false
		}
	}
	return i, true
}

func scanDigits(text []byte, i int) (end int) {
	for i < len(text) && isDigit(text[i]) {
		i++
	}
	return i
}

// equalNumbers compares two JSON numbers by value, without rounding and without
// ever writing an exponent out. A number whose exponent has more than 18 digits,
// which no type of .NET can hold, equals only itself.
func equalNumbers(a, b []byte) bool {
	if bytes.Equal(a, b) {
		return true
	}
	x, okX := parseNumber(a)
	y, okY := parseNumber(b)
	return okX && okY && x.negative == y.negative && x.exponent == y.exponent && equalDigits(x, y)
}

// A number is 0.DIGITS times ten to the exponent, without zeros at either end of
// the digits. Zero has no digits, no sign and the exponent 0.
type number struct {
	negative       bool
	whole, decimal []byte // the digits before and after the point
	exponent       int64
}

func parseNumber(text []byte) (n number, ok bool) {
	text, n.negative = bytes.CutPrefix(text, []byte("-"))
	if e := bytes.IndexAny(text, "eE"); e >= 0 {
		var err error
		n.exponent, err = strconv.ParseInt(string(text[e+1:]), 10, 64)
		if ok = err == nil; ok {
			const most = 1e18
			ok = -most < n.exponent && n.exponent < most
		}
		text = text[:e]
	} else {
		ok = true
	}
	n.whole, n.decimal, _ = bytes.Cut(text, []byte("."))
	n.trim()
	if len(n.whole)+len(n.decimal) == 0 {
		return number{}, true
	}
	return n, ok
}

// trim drops the zeros at both ends of the digits.
func (n *number) trim() {
	n.whole = bytes.TrimLeft(n.whole, "0")
	n.decimal = bytes.TrimRight(n.decimal, "0")
	n.exponent += int64(len(n.whole))
	if len(n.whole) == 0 {
		digits := bytes.TrimLeft(n.decimal, "0")
		n.exponent -= int64(len(n.decimal) - len(digits))
		n.decimal = digits
	}
	if len(n.decimal) == 0 {
		n.whole = bytes.TrimRight(n.whole, "0")
	}
}

// equalDigits compares the digits wherever the point stands in them.
func equalDigits(x, y number) bool {
	if len(x.whole) > len(y.whole) {
		x, y = y, x
	}
	head, tail := y.whole[:len(x.whole)], y.whole[len(x.whole):]
	return bytes.Equal(x.whole, head) &&
		len(x.decimal) == len(tail)+len(y.decimal) &&
		bytes.Equal(x.decimal[:len(tail)], tail) &&
		bytes.Equal(x.decimal[len(tail):], y.decimal)
}

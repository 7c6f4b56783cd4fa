// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package dotnet

import (
	"errors"
	"math/big"
	"math/bits"
	"strconv"
)

// maxScale is how many digits a decimal can have after its point.
const maxScale = 28

// A Decimal is .NET's decimal: a number of 28 or 29 digits, of which up to 28
// stand after the point. It keeps its scale, so 1.0 and 1.00 are two Decimals
// and two texts; [Decimal.Cmp] says that they are the same number. The zero
// Decimal is 0. It calculates nothing: [Decimal.Rat] hands it to math/big, and
// [RoundDecimal] takes the result back.
type Decimal struct {
	lo    uint64
	hi    uint32
	scale uint8
	neg   bool // never of zero: .NET writes that without a sign
}

// ParseDecimal reads a decimal in the form of a JSON number. As in .NET, digits
// that a decimal has no room for are rounded away, and a number beyond
// ±79228162514264337593543950335 is an error.
func ParseDecimal(text string) (Decimal, error) {
	var d Decimal
	return d, d.UnmarshalText([]byte(text))
}

// NewDecimal returns units × 10^-scale: NewDecimal(1250, 2) is 12.50. A scale
// that is not from 0 to 28 is an error.
func NewDecimal(units int64, scale int) (Decimal, error) {
	if scale < 0 || scale > maxScale {
		return Decimal{}, errScale
	}
	d := Decimal{lo: uint64(units), scale: uint8(scale), neg: units < 0}
	if d.neg {
		d.lo = -d.lo
	}
	return d, nil
}

var (
	errScale = errors.New("a decimal has from 0 to 28 digits after its point")
	errRange = errors.New("out of the range of a decimal")
)

// RoundDecimal returns the decimal nearest to a number with so many digits
// after the point; of two that are as near the even one, as .NET's Math.Round
// does.
func RoundDecimal(x *big.Rat, scale int) (Decimal, error) {
	if scale < 0 || scale > maxScale {
		return Decimal{}, errScale
	}
	units := roundHalfEven(new(big.Rat).Mul(x, new(big.Rat).SetInt(powerOfTen(scale))))
	d := Decimal{scale: uint8(scale), neg: units.Sign() < 0}
	if units.Abs(units).BitLen() > 96 {
		return Decimal{}, errRange
	}
	d.lo = new(big.Int).And(units, new(big.Int).SetUint64(1<<64-1)).Uint64()
	d.hi = uint32(new(big.Int).Rsh(units, 64).Uint64())
	return d, nil
}

func roundHalfEven(x *big.Rat) *big.Int {
	twice := new(big.Int).Lsh(x.Num(), 1)
	twice.Add(twice, x.Denom())
	n, rest := new(big.Int).DivMod(twice, new(big.Int).Lsh(x.Denom(), 1), new(big.Int))
	if rest.Sign() == 0 && n.Bit(0) == 1 {
		n.Sub(n, big.NewInt(1))
	}
	return n
}

func powerOfTen(n int) *big.Int {
	return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil)
}

// Rat returns the exact value.
func (d Decimal) Rat() *big.Rat {
	n := new(big.Int).Lsh(new(big.Int).SetUint64(uint64(d.hi)), 64)
	n.Or(n, new(big.Int).SetUint64(d.lo))
	if d.neg {
		n.Neg(n)
	}
	return new(big.Rat).SetFrac(n, powerOfTen(int(d.scale)))
}

// Scale returns how many digits stand after the point.
func (d Decimal) Scale() int { return int(d.scale) }

// Cmp compares the numbers, whatever their scale: -1 if d is less than e, 0, or 1.
func (d Decimal) Cmp(e Decimal) int { return d.Rat().Cmp(e.Rat()) }

// String returns the decimal as .NET writes it: all digits of its scale, and
// never an exponent.
func (d Decimal) String() string {
	text, _ := d.AppendText(nil)
	return string(text)
}

// AppendText appends the form of [Decimal.String]. It never fails.
func (d Decimal) AppendText(dst []byte) ([]byte, error) {
	if d.neg {
		dst = append(dst, '-')
	}
	var room [32]byte
	digits := d.appendUnits(room[:0])
	point := len(digits) - int(d.scale)
	if point <= 0 {
		dst = append(dst, "0.0000000000000000000000000000"[:2-point]...)
		return append(dst, digits...), nil
	}
	dst = append(dst, digits[:point]...)
	if d.scale > 0 {
		dst = append(dst, '.')
	}
	return append(dst, digits[point:]...), nil
}

// appendUnits appends the number without sign and point.
func (d Decimal) appendUnits(dst []byte) []byte {
	const block = 1e19 // the greatest power of ten in 64 bits
	if d.hi == 0 {
		return strconv.AppendUint(dst, d.lo, 10)
	}
	high, low := bits.Div64(uint64(d.hi), d.lo, block)
	dst = strconv.AppendUint(dst, high, 10)
	at := len(dst)
	dst = strconv.AppendUint(dst, low, 10)
	for missing := 19 - (len(dst) - at); missing > 0; missing-- {
		dst = append(dst[:at+1], dst[at:]...)
		dst[at] = '0'
	}
	return dst
}

// MarshalText returns the form of [Decimal.String].
func (d Decimal) MarshalText() ([]byte, error) { return d.AppendText(nil) }

// MarshalJSON returns the decimal as the JSON number that .NET writes, for those
// who use encoding/json.
func (d Decimal) MarshalJSON() ([]byte, error) { return d.AppendText(nil) }

// UnmarshalJSON reads a JSON number.
func (d *Decimal) UnmarshalJSON(text []byte) error { return d.UnmarshalText(text) }

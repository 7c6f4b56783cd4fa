// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package dotnet_test

import (
	"fmt"
	"math"
	"math/big"
	"reflect"
	"strings"
	"time"

	"github.com/sessionbridge/session/dotnet"
	"pgregory.net/rapid"
)

// The classes of the oracle.
type (
	oracleCart struct {
		ID      dotnet.GUID `dotnet:"Id"`
		Created dotnet.DateTime
		Lines   []*oracleLine
		Notes   map[string]*string
	}
	oracleLine struct {
		Sku      *string
		Quantity int
		Price    dotnet.Decimal
	}
	level int
)

// of makes an oracleType of a generator of Go values.
func of[T any](name string, values *rapid.Generator[T], text func(t *rapid.T) string) oracleType {
	return oracleType{name: name, goes: reflect.TypeFor[T](), draw: func(t *rapid.T) any { return values.Draw(t, name) }, text: text}
}

func oracleTypes() []oracleType {
	ints := rapid.Map(rapid.Int32(), func(n int32) int { return int(n) })
	return []oracleType{
		of("bool", rapid.Bool(), nil),
		of("int", ints, drawNumber),
		of("long", rapid.Int64(), drawNumber),
		of("double", rapid.Custom(drawDouble), drawNumber),
		of("decimal", rapid.Custom(drawDecimal), drawNumber),
		of("char", rapid.Map(rapid.Uint16Range(0, 0xd7ff), func(n uint16) dotnet.Char { return dotnet.Char(n) }), nil),
		of("string", rapid.Ptr(rapid.Custom(drawString), true), nil),
		of("DateTime", rapid.Custom(drawDateTime), drawMoment),
		of("DateTimeOffset", rapid.Custom(drawDateTimeOffset), drawMoment),
		of("DateOnly", rapid.Map(rapid.Int32Range(0, 3652058), func(n int32) dotnet.DateOnly { return dotnet.DateOnly(n) }), drawMoment),
		of("TimeSpan", rapid.Map(rapid.Int64(), func(n int64) dotnet.TimeSpan { return dotnet.TimeSpan(n) }), drawSpan),
		of("Guid", rapid.Custom(drawGUID), nil),
		of("byte[]", rapid.SliceOf(rapid.Byte()), nil),
		of("int[]", rapid.SliceOf(ints), nil),
		of("Level", rapid.Map(ints, func(n int) level { return level(n) }), drawNumber),
		of("int?", rapid.Ptr(ints, true), nil),
		of("List<string>", rapid.SliceOfN(rapid.Ptr(rapid.Custom(drawString), true), 0, 5), nil),
		of("Dictionary<string,int>", rapid.MapOfN(rapid.Custom(drawString), ints, 0, 5), nil),
		of("Cart", rapid.Ptr(rapid.Custom(drawCart), true), nil),
	}
}

// drawString draws a string, most of which is for its escapes.
func drawString(t *rapid.T) string {
	pieces := rapid.OneOf(rapid.String(), rapid.StringN(1, 3, -1), rapid.SampledFrom([]string{
		"", "<>&'+`\"\\", "\b\f\n\r\t\v\x00\x7f", "😀", "\u2028\ufeff\ufffe\uffff", "\U0010ffff", "\ufffd", "a/b", "Größe",
	}))
	return strings.ToValidUTF8(strings.Join(rapid.SliceOfN(pieces, 0, 3).Draw(t, "pieces"), ""), "?")
}

// drawDouble draws a double by its bits, or a number as people write it.
func drawDouble(t *rapid.T) float64 {
	if rapid.Bool().Draw(t, "short") {
		return float64(rapid.Int64Range(-1e7, 1e7).Draw(t, "digits")) * math.Pow10(rapid.IntRange(-25, 25).Draw(t, "power"))
	}
	x := math.Float64frombits(rapid.Uint64().Draw(t, "bits"))
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return math.Copysign(0, x)
	}
	return x
}

func drawDecimal(t *rapid.T) dotnet.Decimal {
	n := new(big.Int).SetUint64(rapid.Uint64().Draw(t, "low"))
	if rapid.Bool().Draw(t, "long") {
		n.Or(n, new(big.Int).Lsh(big.NewInt(int64(rapid.Uint32().Draw(t, "high"))), 64))
	}
	if rapid.Bool().Draw(t, "negative") {
		n.Neg(n)
	}
	scale := rapid.IntRange(0, 28).Draw(t, "scale")
	d, err := dotnet.RoundDecimal(new(big.Rat).SetFrac(n, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil)), scale)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// drawTicks draws a time of .NET's, in UTC and with all its digits or fewer.
func drawTicks(t *rapid.T) time.Time {
	days := rapid.IntRange(1, 3652057).Draw(t, "days") // a day from the ends, for the offsets
	unit := rapid.SampledFrom([]time.Duration{100, time.Microsecond, time.Millisecond, time.Second, time.Hour}).Draw(t, "unit")
	clock := time.Duration(rapid.Int64Range(0, int64(24*time.Hour/unit)-1).Draw(t, "clock")) * unit
	return time.Date(1, 1, 1+days, 0, 0, 0, 0, time.UTC).Add(clock)
}

func drawDateTime(t *rapid.T) dotnet.DateTime {
	kind := rapid.SampledFrom([]dotnet.Kind{dotnet.Unspecified, dotnet.UTC, dotnet.Local}).Draw(t, "kind")
	return dotnet.NewDateTime(drawTicks(t).In(drawZone(t)), kind)
}

func drawDateTimeOffset(t *rapid.T) dotnet.DateTimeOffset {
	return dotnet.NewDateTimeOffset(drawTicks(t).In(drawZone(t)))
}

func drawZone(t *rapid.T) *time.Location {
	return time.FixedZone("", 60*rapid.IntRange(-14*60, 14*60).Draw(t, "offset"))
}

func drawGUID(t *rapid.T) (g dotnet.GUID) {
	copy(g[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "guid"))
	return g
}

func drawCart(t *rapid.T) oracleCart {
	text := rapid.Ptr(rapid.Custom(drawString), true)
	c := oracleCart{ID: drawGUID(t), Created: dotnet.NewDateTime(drawTicks(t), dotnet.UTC)}
	for range rapid.IntRange(0, 3).Draw(t, "lines") {
		c.Lines = append(c.Lines, &oracleLine{Sku: text.Draw(t, "sku"), Quantity: int(rapid.Int32().Draw(t, "quantity")), Price: drawDecimal(t)})
	}
	c.Notes = rapid.MapOfN(rapid.Custom(drawString), text, 0, 3).Draw(t, "notes")
	return c
}

// digitsOf draws some digits, many of them the same.
func digitsOf(t *rapid.T, least, most int) string {
	var b strings.Builder
	for left := rapid.IntRange(least, most).Draw(t, "size"); left > 0; {
		n := rapid.IntRange(1, left).Draw(t, "run")
		digit := rapid.SampledFrom([]string{"0", "0", "5", "9", "1", "2", "3", "4", "6", "7", "8"}).Draw(t, "digit")
		b.WriteString(strings.Repeat(digit, n))
		left -= n
	}
	return b.String()
}

// drawNumber draws something like a number of JSON.
func drawNumber(t *rapid.T) string {
	text := rapid.SampledFrom([]string{"", "", "-"}).Draw(t, "sign")
	text += rapid.SampledFrom([]string{"0", "5", "7922816251426433759354395033", "9223372036854775807", "2147483648", "", "1"}).Draw(t, "start")
	text += digitsOf(t, 0, 12)
	if rapid.Bool().Draw(t, "fraction") {
		text += "." + digitsOf(t, 0, 45)
	}
	if rapid.IntRange(0, 2).Draw(t, "exponent") == 0 {
		text += rapid.SampledFrom([]string{"e", "E", "e+", "e-", "E-", "E+0", "e-0"}).Draw(t, "e") + digitsOf(t, 0, 2)
	}
	return text
}

// drawMoment draws something like a date, or a date and a time.
func drawMoment(t *rapid.T) string {
	two := func() string {
		return fmt.Sprintf("%02d", rapid.IntRange(0, 62).Draw(t, "two")%rapid.SampledFrom([]int{12, 24, 32, 60, 63}).Draw(t, "of"))
	}
	text := rapid.SampledFrom([]string{"2024", "0001", "9999", "0000", "2023", "1900"}).Draw(t, "year") + "-" + two() + "-" + two()
	if rapid.IntRange(0, 5).Draw(t, "date") == 0 {
		return `"` + text + `"`
	}
	text += "T" + two() + ":" + two()
	if rapid.IntRange(0, 5).Draw(t, "seconds") > 0 {
		text += ":" + two()
		if rapid.Bool().Draw(t, "fraction") {
			text += "." + digitsOf(t, 0, 18)
		}
	}
	switch zone := rapid.SampledFrom([]string{"", "Z", "+", "-"}).Draw(t, "zone"); zone {
	case "", "Z":
		text += zone
	default:
		text += zone + fmt.Sprintf("%02d", rapid.IntRange(0, 16).Draw(t, "hours")) + rapid.SampledFrom([]string{"", ":00", ":30", ":59", ":60", "00"}).Draw(t, "minutes")
	}
	return `"` + text + `"`
}

// drawSpan draws something like a TimeSpan.
func drawSpan(t *rapid.T) string {
	count := func() string { return digitsOf(t, 1, 2) }
	text := rapid.SampledFrom([]string{"", "", "-", "+"}).Draw(t, "sign")
	if rapid.Bool().Draw(t, "days") {
		text += rapid.SampledFrom([]string{"10675199", "10675200", "0", "1", "0001"}).Draw(t, "day") + "."
	}
	text += count()
	for range rapid.IntRange(0, 3).Draw(t, "more") {
		text += ":" + count()
	}
	if rapid.Bool().Draw(t, "fraction") {
		text += "." + digitsOf(t, 0, 9)
	}
	return `"` + text + `"`
}

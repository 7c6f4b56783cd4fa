// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package dotnet

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
)

// An intForm is a signed integer, or an enum over one. Go's int is .NET's int,
// of 32 bits, so that what is written can be read there.
type intForm struct {
	name     string
	min, max int64
}

func (f intForm) write(dst []byte, v reflect.Value, _ int) ([]byte, error) {
	return f.appendKey(dst, v)
}

func (f intForm) appendKey(dst []byte, v reflect.Value) ([]byte, error) {
	n := v.Int()
	if n < f.min || n > f.max {
		return dst, fmt.Errorf("the number is out of the range of .NET's %s", f.name)
	}
	return strconv.AppendInt(dst, n, 10), nil
}

func (f intForm) read(r *reader, v reflect.Value) error {
	text, err := r.number("a number of type " + f.name)
	if err != nil {
		return err
	}
	if f.parseKey(text, v) != nil {
		return r.unfit(text, f.name)
	}
	return nil
}

// parseKey takes leading zeros and a plus sign too, which .NET allows in names.
func (f intForm) parseKey(text []byte, v reflect.Value) error {
	n, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil || n < f.min || n > f.max {
		return errText
	}
	v.SetInt(n)
	return nil
}

// unfit tells of a number, just read, that its type can't take. .NET takes no
// fraction or exponent for an integer, not even 1.0.
func (r *reader) unfit(text []byte, name string) error {
	found := "a number out of range"
	if strings.ContainsAny(string(text), ".eE") {
		found = "a number with a fraction or an exponent"
	}
	return &ReadError{Offset: r.pos - len(text), Found: found, Want: "a number of type " + name}
}

// A uintForm is an unsigned integer.
type uintForm struct {
	name string
	max  uint64
}

func (f uintForm) write(dst []byte, v reflect.Value, _ int) ([]byte, error) {
	return f.appendKey(dst, v)
}

func (f uintForm) appendKey(dst []byte, v reflect.Value) ([]byte, error) {
	if v.Uint() > f.max {
		return dst, fmt.Errorf("the number is out of the range of .NET's %s", f.name)
	}
	return strconv.AppendUint(dst, v.Uint(), 10), nil
}

func (f uintForm) read(r *reader, v reflect.Value) error {
	text, err := r.number("a number of type " + f.name)
	if err != nil {
		return err
	}
	if f.parseKey(text, v) != nil {
		return r.unfit(text, f.name)
	}
	return nil
}

func (f uintForm) parseKey(text []byte, v reflect.Value) error {
	n, err := strconv.ParseUint(string(text), 10, 64)
	if err != nil || n > f.max {
		return errText
	}
	v.SetUint(n)
	return nil
}

// A floatForm is float or double, of so many bits.
type floatForm struct {
	name string
	bits int
}

func (f floatForm) write(dst []byte, v reflect.Value, _ int) ([]byte, error) {
	return f.appendKey(dst, v)
}

func (f floatForm) appendKey(dst []byte, v reflect.Value) ([]byte, error) {
	x := v.Float()
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return dst, fmt.Errorf("JSON has no infinity and no NaN")
	}
	return appendFloat(dst, x, f.bits), nil
}

// appendFloat appends the shortest text that reads back, as .NET's ToString
// does: with an exponent if there are more than 17 digits before the point (9
// for float), or more than three zeros after it before the first digit.
func appendFloat(dst []byte, x float64, bits int) []byte {
	most := 17
	if bits == 32 {
		most = 9
	}
	from := len(dst)
	dst = strconv.AppendFloat(dst, x, 'E', -1, bits)
	mark := from + strings.IndexByte(string(dst[from:]), 'E')
	exponent, err := strconv.Atoi(string(dst[mark+1:]))
	if err == nil && -5 < exponent && exponent < most {
		return strconv.AppendFloat(dst[:from], x, 'f', -1, bits)
	}
	return dst
}

// read takes what is beyond the range for infinity, as .NET does, which then
// can't be written.
func (f floatForm) read(r *reader, v reflect.Value) error {
	text, err := r.number("a number of type " + f.name)
	if err != nil {
		return err
	}
	x, _ := strconv.ParseFloat(string(text), f.bits)
	v.SetFloat(x)
	return nil
}

func (f floatForm) parseKey(text []byte, v reflect.Value) error {
	name := strings.TrimPrefix(string(text), "-")
	if end, ok := scanNumber(text, 0); (!ok || end < len(text)) && name != "Infinity" && string(text) != "NaN" {
		return errText
	}
	x, _ := strconv.ParseFloat(string(text), f.bits)
	v.SetFloat(x)
	return nil
}

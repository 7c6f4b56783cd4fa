// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package wire_test

import (
	"bytes"
	"encoding/json"
	"math/big"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/sessionbridge/session/wire"
)

// sameValue tells whether Merge takes b for an unchanged a.
func sameValue(t testing.TB, a, b string) bool {
	t.Helper()
	base := items("k", a)
	m, err := wire.Merge(base, items("k", b), base, wire.MergeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return !m.Changed
}

func TestSameJSON(t *testing.T) {
	deep := func(n int, s string) string { return strings.Repeat("[", n) + s + strings.Repeat("]", n) }
	for _, c := range []struct {
		name string
		a, b string
		want bool
	}{
		{"white space", "{\"a\" : [ 1,\t2 ]}\r\n", `{"a":[1,2]}`, true},
		{"fraction with zeros", "12.50", "12.5", true},
		{"exponent", "1e2", "100", true},
		{"exponent with sign and zeros", "1E+0002", "100.00", true},
		{"negative exponent", "1.5e-3", "0.0015", true},
		{"point moved", "123456e-3", "123.456", true},
		{"many zeros", "0.000100e4", "1", true},
		{"zeros of all kinds", "0", "-0.00e99999999999999999999", true},
		{"sign", "1", "-1", false},
		{"another magnitude", "10", "1", false},
		{"another digit", "1.25", "1.26", false},
		{"another digit on the other side of the point", "123.456", "123457e-3", false},
		{"exponents that would overflow", "1e9223372036854775807", "0.01e-9223372036854775807", false},
		{"more digits", "1.25", "1.251", false},
		{"digits on the other side of the point", "1.1", "11", false},
		{"more than a float64 can hold", "9007199254740993", "9007199254740992", false},
		{"more than a float64 can hold, the same", "9007199254740993.0", "9007199254740993", true},
		{"decimal with 28 digits", "7.9228162514264337593543950335", "7.9228162514264337593543950336", false},
		{"huge exponent", "1e999999999999999999", "10e999999999999999998", true},
		{"huge exponents that differ", "1e999999999", "1e999999998", false},
		{"exponent beyond all bounds", "1e10000000000000000000000", "10e9999999999999999999999", false},
		{"the same, to the letter", "[1e10000000000000000000000]", "[ 1e10000000000000000000000]", true},
		{"escaped letter", `"é\u0022"`, `"\u00E9\""`, true},
		{"escaped slash", `"a/b"`, `"a\/b"`, true},
		{"all short escapes", `"\b\f\n\r\t\\"`, `"\u0008\u000c\u000A\u000d\u0009\u005C"`, true},
		{"escaped emoji", `"😀"`, `"\ud83d\uDE00"`, true},
		{"letter case", `"a"`, `"A"`, false},
		{"longer string", `"\u0061"`, `"aa"`, false},
		{"replacement character", `"\ufffd"`, `"` + "\ufffd" + `"`, true},
		{"half a surrogate pair is not JSON", `"\ud83d"`, `"\uD83D"`, false},
		{"two high surrogates are not JSON", `"\ud83d\ud83d"`, `"\uD83D\ud83d"`, false},
		{"broken UTF-8 is not JSON", "\"\xff\"", "\"\xff\" ", false},
		{"order of members", `{"a":1,"b":{"c":2,"d":3}}`, `{"b":{"d":3,"c":2},"a":1}`, true},
		{"escaped names", `{"\u0061":1,"b":2}`, `{"b":2,"a":1}`, true},
		{"member that is missing", `{"a":1,"b":null}`, `{"a":1}`, false},
		{"member with another name", `{"a":1}`, `{"b":1}`, false},
		{"member with another value", `{"a":1}`, `{"a":2}`, false},
		{"name in another case", `{"a":1}`, `{"A":1}`, false},
		{"of a name the last counts", `{"a":1,"b":5,"a":2}`, `{"a":2,"b":5}`, true},
		{"of a name the last counts, on both sides", `{"a":1,"a":2}`, `{"a":3,"a":2}`, true},
		{"of a name the first does not count", `{"a":1,"a":2}`, `{"a":1}`, false},
		{"order of elements", `[1,2]`, `[2,1]`, false},
		{"shorter array", `[1,2]`, `[1]`, false},
		{"longer array", `[1]`, `[1,[2]]`, false},
		{"empty array and object", `[ ]`, `[]`, true},
		{"empty object", `{ }`, `{}`, true},
		{"array and object", `[]`, `{}`, false},
		{"literals", `[true,false,null]`, `[true, false, null]`, true},
		{"true and false", `[true]`, `[false]`, false},
		{"number and string", `1`, `"1"`, false},
		{"number and null", `[0]`, `[null]`, false},
		{"as deep as .NET goes", deep(64, "1"), deep(64, "1.0"), true},
		{"deeper", deep(65, "1"), deep(65, "1.0"), false},
		{"deeper and empty", deep(65, ""), deep(65, " "), false},
		{"not JSON, the same bytes", `{x`, `{x`, true},
		{"not JSON", `{x`, `{x `, false},
		{"one of them is not JSON", `1`, `1;`, false},
		{"trailing comma", `[1,]`, `[1, ]`, false},
		{"comment", `1//x`, `1 //x`, false},
		{"leading zero", `01`, `01 `, false},
		{"no digits after the point", `1.`, `1. `, false},
		{"no digits in the exponent", `1e`, `1e `, false},
		{"no digits", `-`, `- `, false},
		{"plus sign", `+1`, `+1 `, false},
		{"control character in a string", "\"\n\"", "\"\n\" ", false},
		{"string that does not end", `"a`, `"a `, false},
		{"escape that is none", `"\x"`, `"\x" `, false},
		{"hex that is none", `"\u00g0"`, `"\u00g0" `, false},
		{"byte order mark", "\ufeff1", "\ufeff1.0", false},
		{"two values", "1 2", "1  2", false},
		{"half a word", "[tru]", "[ tru]", false},
		{"name without value", `{"a"}`, `{"a" }`, false},
		{"name that is no string", `{1:2}`, `{1: 2}`, false},
		{"member without colon", `{"a" 1}`, `{"a"  1}`, false},
		{"wrong bracket", `[1}`, `[1 }`, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := sameValue(t, c.a, c.b); got != c.want {
				t.Errorf("%s and %s: got %v", c.a, c.b, got)
			}
			if got := sameValue(t, c.b, c.a); got != c.want {
				t.Errorf("%s and %s: got %v", c.b, c.a, got)
			}
		})
	}
}

// A hostile value must not hold the server up. These take minutes, or for ever,
// with the obvious algorithms: expanding exponents, searching names one by one,
// comparing members again after their order was found to differ. The bound is far
// from the milliseconds that they should take, so that a slow machine passes.
func TestHostileJSONIsComparedInTime(t *testing.T) {
	nested := `0`
	for range 60 {
		nested = `{"a":` + nested + `,"b":1,"c":2}`
	}
	names := func(last string) string {
		var b strings.Builder
		for range 2 {
			for i := range 40_000 {
				b.WriteString(`"` + strings.Repeat("n", 1+i%7) + big.NewInt(int64(i)).String() + `":1,`)
			}
		}
		return `{` + b.String() + `"z":` + last + `}`
	}
	for name, pair := range map[string][2]string{
		"deep arrays":      {strings.Repeat("[", 500_000), strings.Repeat("[", 500_001)},
		"long exponents":   {"1e" + strings.Repeat("9", 500_000), "1e" + strings.Repeat("9", 500_001)},
		"huge exponents":   {"1e999999999999", "1e999999999998"},
		"repeated names":   {names("1"), names("2")},
		"reordered nested": {nested, strings.ReplaceAll(nested, `"b":1,"c":2`, `"c":2,"b":1`)},
		"long numbers":     {strings.Repeat("9", 500_000), strings.Repeat("9", 500_000) + ".1"},
	} {
		start := time.Now()
		sameValue(t, pair[0], pair[1])
		if took := time.Since(start); took > 20*time.Second {
			t.Errorf("%s: %v", name, took)
		}
	}
}

// FuzzSameJSON compares with encoding/json and math/big, where those are as
// strict.
func FuzzSameJSON(f *testing.F) {
	f.Add(`{"a":[1.50,"x\u00e9"],"b":null}`, `{"b":null,"a":[15e-1,"xé"]}`)
	f.Add(`[0.1e1,-0,{"a":1,"a":2}]`, `[1,0,{"a":2}]`)
	f.Fuzz(func(t *testing.T, a, b string) {
		if isAbsent(a) || isAbsent(b) {
			t.Skip("no JSON is compared")
		}
		if sameValue(t, a, b) != sameValue(t, b, a) {
			t.Errorf("%q and %q: it depends on the order", a, b)
		}
		x, okX := lenientJSON(a)
		y, okY := lenientJSON(b)
		if !okX || !okY {
			return
		}
		if got, want := sameValue(t, a, b), reflect.DeepEqual(x, y); got != want {
			t.Errorf("%q and %q: got %v, want %v", a, b, got, want)
		}
	})
}

func isAbsent(value string) bool { return value == "" || strings.Trim(value, " \t\r\n") == "null" }

// lenientJSON returns a text as encoding/json sees it, with numbers as rational
// ones. It is false for texts that we are stricter with, and for huge numbers.
func lenientJSON(text string) (any, bool) {
	if strings.Contains(strings.ToLower(text), `\ud`) || strings.ToValidUTF8(text, "") != text || strings.Count(text, "[")+strings.Count(text, "{") > 64 {
		return nil, false
	}
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.UseNumber()
	var v any
	if !json.Valid([]byte(text)) || d.Decode(&v) != nil {
		return nil, false
	}
	return rational(v)
}

func rational(v any) (any, bool) {
	ok := true
	switch v := v.(type) {
	case json.Number:
		if _, exponent, found := strings.Cut(strings.ToLower(v.String()), "e"); found && len(exponent) > 3 {
			return nil, false
		}
		r, _ := new(big.Rat).SetString(v.String())
		return r.String(), r != nil
	case string:
		return "s" + v, true
	case []any:
		for i := range v {
			if v[i], ok = rational(v[i]); !ok {
				return nil, false
			}
		}
	case map[string]any:
		for name := range v {
			if v[name], ok = rational(v[name]); !ok {
				return nil, false
			}
		}
	}
	return v, true
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package dotnet_test

import (
	"math/big"
	"testing"

	"github.com/sessionbridge/session/dotnet"
)

func decimal(t testing.TB, text string) dotnet.Decimal {
	t.Helper()
	d, err := dotnet.ParseDecimal(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return d
}

func TestDecimalsCompareAsNumbersAndKeepTheirScale(t *testing.T) {
	a, b := decimal(t, "1.0"), decimal(t, "1.00")
	if a == b || a.Cmp(b) != 0 || a.Scale() != 1 || b.String() != "1.00" {
		t.Errorf("%v and %v", a, b)
	}
	if decimal(t, "-2").Cmp(a) >= 0 || a.Cmp(decimal(t, "-79228162514264337593543950335")) <= 0 {
		t.Error("wrong order")
	}
	if decimal(t, "-0.00") != decimal(t, "0.00") {
		t.Error("there is a negative zero")
	}
}

func TestNewDecimal(t *testing.T) {
	for want, units := range map[string]int64{"12.50": 1250, "-0.01": -1, "0.00": 0, "-92233720368547758.08": -1 << 63} {
		if d, err := dotnet.NewDecimal(units, 2); d.String() != want || err != nil {
			t.Errorf("got %v, %v, want %s", d, err, want)
		}
	}
	for _, scale := range []int{-1, 29} {
		if d, err := dotnet.NewDecimal(1, scale); err == nil {
			t.Errorf("scale %d: %v", scale, d)
		}
	}
}

// TestRoundDecimal has the results of Math.Round(decimal, int).
func TestRoundDecimal(t *testing.T) {
	for _, c := range []struct {
		text  string
		scale int
		want  string
	}{
		{"2.345", 2, "2.34"}, {"2.355", 2, "2.36"}, {"-2.345", 2, "-2.34"}, {"-2.355", 2, "-2.36"}, {"2.3451", 2, "2.35"},
		{"0.5", 0, "0"}, {"1.5", 0, "2"}, {"-0.5", 0, "0"}, {"-1.5", 0, "-2"}, {"-0.4", 0, "0"}, {"12.5", 2, "12.50"},
		{"79228162514264337593543950335", 0, "79228162514264337593543950335"},
	} {
		d, err := dotnet.RoundDecimal(decimal(t, c.text).Rat(), c.scale)
		if err != nil || d != decimal(t, c.want) {
			t.Errorf("%s to %d: %v, %v, want %s", c.text, c.scale, d, err, c.want)
		}
	}
	if d, err := dotnet.RoundDecimal(big.NewRat(10, 1), 28); err == nil {
		t.Errorf("a decimal has no room for 10 and 28 digits: %v", d)
	}
	if d, err := dotnet.RoundDecimal(big.NewRat(1, 3), 29); err == nil {
		t.Errorf("a scale of 29: %v", d)
	}
}

func TestDecimalTextsThatAreNone(t *testing.T) {
	for _, text := range []string{"", "-", "+1", ".5", "1.", "01", "1e", "1,5", " 1", "1 ", "NaN", "0x1", "1_0", "79228162514264337593543950336", "1e29"} {
		if d, err := dotnet.ParseDecimal(text); err == nil {
			t.Errorf("%q is %v", text, d)
		}
	}
}

// TestDecimalsAreRoundedAsDotNetDoes has answers of .NET's, among them that a half
// goes up after thirty digits, and to the even before.
func TestDecimalsAreRoundedAsDotNetDoes(t *testing.T) {
	for text, want := range map[string]string{
		"1.00000000000000000000000000005":             "1.0000000000000000000000000001",
		"12345678901234567890123456788.5":             "12345678901234567890123456789",
		"2.5e-28":                                     "0.0000000000000000000000000002",
		"2.5000000000000000000000000000000000001e-28": "0.0000000000000000000000000003",
		"0.00000000000000000000000000025":             "0.0000000000000000000000000002",
		"0.000000000000000000000000000025e1":          "0.0000000000000000000000000003",
		"0.0000000000000000000025e-7":                 "0.0000000000000000000000000002",
		"7.9228162514264337593543950336":              "7.922816251426433759354395034",
		"9.99999999999999999999999999999999":          "10.000000000000000000000000000",
		"1.5e-28":                                     "0.0000000000000000000000000002",
		"1000000000000000000000000000000.5e-3":        "1000000000000000000000000000.0",
		"100000000000000000000000000000e-5":           "1000000000000000000000000.0000",
		"1.000000000000000000000000000150":            "1.0000000000000000000000000002",
		"-1e-9999999999999999999999":                  "0.0000000000000000000000000000",
		"0e9999999999999999999999":                    "0",
		"0.0000e2":                                    "0.00",
	} {
		if d := decimal(t, text); d.String() != want {
			t.Errorf("%s is %v, want %s", text, d, want)
		}
	}
	if d, err := dotnet.ParseDecimal("1e9999999999999999999999"); err == nil {
		t.Errorf("a great number is %v", d)
	}
}

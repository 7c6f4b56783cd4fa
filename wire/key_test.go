// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package wire_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/sessionbridge/session/wire"
)

func mustScope(t testing.TB, patterns ...string) wire.Scope {
	t.Helper()
	scope, err := wire.ParseScope(patterns)
	if err != nil {
		t.Fatal(err)
	}
	return scope
}

func TestEqualKeys(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"", "", true},
		{"cart", "CaRT", true},
		{"cart", "card", false},
		{"cart", "carts", false},
		{"cart", "", false},
		{"größe", "GRÖßE", true},
		{"straße", "STRASSE", false}, // one character by one
		{"σίσυφος", "ΣΊΣΥΦΟΣ", true},
		{"ключ", "КЛЮЧ", true},
		{"𐐨", "𐐀", true}, // Deseret, outside the first plane
		{"@[`{", "`{@[", false},
		{"é", "e\u0301", false}, // not normalised
		{"file", "fıle", false}, // the Turkish dotless i
		{"FILE", "fıle", false},
		{"İ", "i", false},
		{"s", "ſ", false},
		{"k", "\u212a", false}, // the Kelvin sign
		{"ǆ", "ǅ", true},       // lower and title case of one letter
		{"\xff", "\ufffd", true},
		{"\xe2\x82x", "\ufffdX", true},
		{"\xc0\x80", "\ufffd", false},
	} {
		for _, swap := range []bool{false, true} {
			a, b := c.a, c.b
			if swap {
				a, b = b, a
			}
			if got := wire.EqualKeys(a, b); got != c.want {
				t.Errorf("EqualKeys(%q, %q): got %v", a, b, got)
			}
			if got := wire.FoldKey(a) == wire.FoldKey(b); got != c.want {
				t.Errorf("FoldKey(%q) = %q, FoldKey(%q) = %q", a, wire.FoldKey(a), b, wire.FoldKey(b))
			}
		}
	}
}

func TestFoldKeyOfEveryCharacter(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if !utf8.ValidRune(r) {
			continue
		}
		key, folded := string(r), wire.FoldKey(string(r))
		if wire.FoldKey(folded) != folded || !wire.EqualKeys(key, folded) {
			t.Errorf("%U folds to %q, which folds to %q", r, folded, wire.FoldKey(folded))
		}
		for _, other := range []rune{unicode.ToUpper(r), unicode.ToLower(r), unicode.SimpleFold(r)} {
			o := string(other)
			if wire.EqualKeys(key, o) != (folded == wire.FoldKey(o)) {
				t.Errorf("%U and %U: EqualKeys is %v, FoldKey %q and %q", r, other, wire.EqualKeys(key, o), folded, wire.FoldKey(o))
			}
		}
		if upper := unicode.ToUpper(r); upper >= utf8.RuneSelf && !wire.EqualKeys(key, string(upper)) {
			t.Errorf("%U differs from its upper case", r)
		}
	}
}

func TestScope(t *testing.T) {
	for _, c := range []struct {
		patterns string
		in, out  string
	}{
		{"user", "user USER uSeR", "users use xuser *"},
		{"cart*", "cart CART:1 cart*", "car xcart"},
		{"*cart", "cart MyCart cartcart", "carts"},
		{"*", "a ü", ""},
		{"**", "a", ""},
		{"a*b*c", "abc aXbXc ABBC abcabc", "ab acb bac abcx xabc"},
		{"*a*", "a ba ab bab", "b"},
		{"*a*a*", "aa bab-bab", "a bab"},
		{"a*b*b", "abb aXbYb", "ab"},
		{"aa*aa", "aaaa aaXaa aaaaa", "aa aaa"},
		{"a*a", "aa aba", "a"},
		{"user,cart*", "user cart1", "other"},
		{"GRÖSSE*", "grösse Grösse-1", "größe groesse"},
		{"*GRÖßE", "größe", "grösse"},
		{"\ufffd", "\xff \ufffd", "x"},
	} {
		scope := mustScope(t, strings.Split(c.patterns, ",")...)
		for _, key := range strings.Fields(c.in) {
			if !scope.Contains(key) || !scope.ContainsBytes([]byte(key)) {
				t.Errorf("%v lacks %q", scope, key)
			}
		}
		for _, key := range strings.Fields(c.out) {
			if scope.Contains(key) || scope.ContainsBytes([]byte(key)) {
				t.Errorf("%v contains %q", scope, key)
			}
		}
	}
}

func TestNoScopeContainsEveryKey(t *testing.T) {
	none, err := wire.ParseScope(nil)
	if err != nil || none != nil {
		t.Errorf("no patterns: got %v, %v", none, err)
	}
	var zero wire.Scope
	if zero.Declared() || !zero.Contains("any") || !zero.ContainsBytes(nil) {
		t.Error("the zero scope is one")
	}
	if got := zero.String(); got != "no scope" {
		t.Errorf("got %q", got)
	}
	if got := mustScope(t, "User", "cart*"); !got.Declared() || got.String() != "User, cart*" {
		t.Errorf("got %v, %v", got.Declared(), got)
	}
	if mustScope(t, "*").Contains("") != true || mustScope(t, "a").Contains("") {
		t.Error("the empty key")
	}
}

func TestParseScopeTellsAllThatIsWrong(t *testing.T) {
	scope, err := wire.ParseScope([]string{"good", "", "b\xffd", "*", ""})
	if err == nil || scope != nil {
		t.Fatalf("got %v, %v", scope, err)
	}
	want := "key pattern 2 is empty\n" +
		`key pattern 3, "b\xffd", is not UTF-8` + "\n" +
		"key pattern 5 is empty"
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

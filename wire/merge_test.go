// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package wire_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/sessionbridge/session/wire"
)

// A mergeCase is written in short: "a=1 b=[2] c=null d=" are four items, the last
// of length 0, and what follows a bar are unknown keys.
type mergeCase struct {
	name                  string
	base, update, current string // current is base if it is empty
	options               wire.MergeOptions

	want       string // what is stored then; current if it is empty
	set        string
	removed    string
	kept       string
	unwritable string
	conflicts  string
}

func short(s string) []byte {
	pairs, unknown, _ := strings.Cut(s, "|")
	var list []wire.Item
	for _, pair := range strings.Fields(pairs) {
		key, value, _ := strings.Cut(pair, "=")
		list = append(list, wire.Item{Key: key, Value: []byte(value)})
	}
	return wire.AppendItems(nil, list, strings.Fields(unknown))
}

func shorten(t testing.TB, data []byte) string {
	list, unknown := decodeItems(t, data)
	var words []string
	for _, i := range list {
		words = append(words, i.Key+"="+string(i.Value))
	}
	if len(unknown) > 0 {
		words = append(append(words, "|"), unknown...)
	}
	return strings.Join(words, " ")
}

func TestMerge(t *testing.T) {
	scope := func(patterns ...string) wire.Scope { return mustScope(t, patterns...) }
	sent := func(keys ...string) func(string) bool {
		return func(key string) bool { return slices.Contains(keys, key) }
	}
	replace := wire.MergeOptions{Replace: true}

	for _, c := range []mergeCase{
		// A key in the update with bytes.
		{name: "an unchanged key stays", base: "a=1 b=2", update: "b=2 a=1"},
		{name: "a reformatted key stays as it was", base: `a=12.50 b="é"`, update: `a=12.5 b="\u00E9"`},
		{name: "a changed key is replaced in its place", base: "a=1 b=2 c=3", update: "a=1 b=5 c=3", want: "a=1 b=5 c=3", set: "b"},
		{name: "a new key goes last", base: "a=1", update: "new=9 a=1", want: "a=1 new=9", set: "new"},
		{name: "new keys go last in the update's order", base: "m=1", update: "z=1 m=2 a=3", want: "m=2 z=1 a=3", set: "z m a"},
		{name: "the first keys of a session", base: "", update: "a=1 b=2", want: "a=1 b=2", set: "a b"},
		{name: "a value that is not JSON compares by its bytes", base: "a={x", update: "a={y", want: "a={y", set: "a"},

		// A key in the update with length 0.
		{name: "a key that the client could not write is removed", base: "a=1 b=2", update: "a= b=2 | a", want: "b=2", removed: "a", unwritable: "a"},
		{name: "a key that had length 0 stays", base: "a= b=2 | a", update: "a= b=2"},
		{name: "a key that had length 0 stays beside changes", base: "a= b=2 | a", update: "b=3 a=", want: "a= b=3 | a", set: "b"},
		{name: "a new key with length 0 is not added", base: "a=1", update: "a=1 b= | b"},
		{name: "a key of null that the client could not write stays", base: "a=null b=2", update: "a= b=2"},
		{name: "a key that had length 0 is given a value", base: "a= b=2 c= | a c", update: "a=1 b=2 c=", want: "a=1 b=2 c= | c", set: "a"},

		// A key that base had and the update lacks.
		{name: "without a policy a missing key is kept", base: "a=1 b=2", update: "b=2", kept: "a"},
		{name: "preserve removes a key that the client has sent before", base: "a=1 b=2 c=3", update: "c=3",
			options: wire.MergeOptions{Sent: sent("a")}, want: "b=2 c=3", removed: "a", kept: "b"},
		{name: "replace removes every missing key", base: "a=1 b=2 c=3", update: "b=2", options: replace, want: "b=2", removed: "a c"},
		{name: "replace removes all", base: "a=1 b=2", update: "", options: replace, removed: "a b", want: "|"},
		{name: "a declared scope removes exactly its keys", base: "cart=1 cart:x=2 user=3", update: "cart=1",
			options: wire.MergeOptions{Scope: scope("cart*")}, want: "cart=1 user=3", removed: "cart:x"},
		{name: "a declared scope goes before replace", base: "cart=1 user=3", update: "",
			options: wire.MergeOptions{Scope: scope("cart*"), Replace: true}, want: "user=3", removed: "cart"},
		{name: "a declared scope goes before what was sent", base: "cart=1 user=3", update: "",
			options: wire.MergeOptions{Scope: scope("cart*"), Sent: sent("user")}, want: "user=3", removed: "cart"},
		{name: "replace goes before what was sent", base: "a=1 b=1", update: "b=1",
			options: wire.MergeOptions{Replace: true, Sent: sent()}, want: "b=1", removed: "a"},
		{name: "a missing key of length 0 is removed where the client may", base: "a= b=1 | a", update: "b=1", options: replace, want: "b=1", removed: "a"},
		{name: "a missing key of length 0 is kept where it may not", base: "a= b=1 | a", update: "b=1", kept: "a"},
		{name: "a missing key that is gone already is not kept", base: "a=1 b=1", update: "b=1", current: "b=1"},

		// null counts as missing on both sides.
		{name: "null for a key that had a value removes it", base: "a=1 b=2", update: "a=null b=2", options: replace, want: "b=2", removed: "a"},
		{name: "null for a key that may not be removed", base: "a=1 b=2", update: "a=null b=2", kept: "a"},
		{name: "null for a new key is not added", base: "a=1", update: "a=1 b=null", options: replace},
		{name: "a key of null that is missing stays", base: "a=null b=2", update: "b=2", options: replace},
		{name: "a key of null is given a value in its place", base: "a=null b=2", update: "b=2 a=1", want: "a=1 b=2", set: "a"},

		// Scopes.
		{name: "a key outside the scope is not changed", base: "cart=1 user=2", update: "cart=5 user=6",
			options: wire.MergeOptions{Scope: scope("cart*")}, want: "cart=5 user=2", set: "cart"},
		{name: "a key outside the scope is not added", base: "cart=1", update: "cart=1 other=2", options: wire.MergeOptions{Scope: scope("cart*")}},
		{name: "a key outside the scope is not removed by length 0", base: "user=2", update: "user=", options: wire.MergeOptions{Scope: scope("cart*")}},
		{name: "a scope disregards letter case", base: "Cart=1 user=2", update: "user=2", options: wire.MergeOptions{Scope: scope("cART")},
			want: "user=2", removed: "Cart"},
		{name: "a key outside the scope never conflicts", base: "user=1", update: "user=2", current: "user=3", options: wire.MergeOptions{Scope: scope("cart")}},

		// Somebody else committed since.
		{name: "changes of different keys meet", base: "a=1 b=2", update: "a=5 b=2", current: "a=1 b=7 c=8", want: "a=5 b=7 c=8", set: "a"},
		{name: "both changed a key", base: "a=1 b=2", update: "a=5 b=6", current: "a=7 b=2", conflicts: "a"},
		{name: "nothing is applied beside a conflict", base: "a=1 b=2 c=3", update: "a=5 b=6 d=4", current: "a=7 b=2 c=3", options: replace, conflicts: "a"},
		{name: "both made the same change", base: "a=1 b=2", update: "a=5 b=2", current: "b=2 a=5.0", conflicts: "a"},
		{name: "both made the same change to a key that is listed as last wins", base: "a=1", update: "a=5", current: "a=5.0",
			options: wire.MergeOptions{LastWins: scope("a")}},
		{name: "both added a key", base: "a=1", update: "a=1 n=1", current: "a=1 n=2", conflicts: "n"},
		{name: "both added a key with the same value", base: "a=1", update: "a=1 n=[1]", current: "a=1 n=[1.0]", conflicts: "n"},
		{name: "both removed a key", base: "a=1 b=2", update: "b=2", current: "b=2", options: replace, conflicts: "a"},
		{name: "the client removed what was changed", base: "a=1 b=2", update: "b=2", current: "a=7 b=2", options: replace, conflicts: "a"},
		{name: "the client could not write what was changed", base: "a=1", update: "a=", current: "a=7", conflicts: "a"},
		{name: "the client changed what was removed", base: "a=1 b=2", update: "a=5 b=2", current: "b=2", conflicts: "a"},
		{name: "the client left alone what was removed", base: "a=1 b=2", update: "a=1 b=5", current: "b=2", want: "b=5", set: "b"},
		{name: "what was only reformatted since does not conflict", base: "a=1.0 b=2", update: "a=5 b=2", current: "a=1 b=2", want: "a=5 b=2", set: "a"},
		{name: "what was set to null since conflicts with a change", base: "a=1", update: "a=5", current: "a=null", conflicts: "a"},
		{name: "what was set to null since conflicts with its removal", base: "a=1 b=2", update: "b=2", current: "a=null b=2", options: replace, conflicts: "a"},
		{name: "a missing key that was changed is kept", base: "a=1 b=2", update: "b=2", current: "a=7 b=2", kept: "a"},
		{name: "a key that is listed as last wins", base: "seen=1 b=2", update: "seen=5 b=2", current: "seen=7 b=3",
			options: wire.MergeOptions{LastWins: scope("SEEN")}, want: "seen=5 b=3", set: "seen"},
		{name: "only keys that are listed win", base: "seen=1 b=2", update: "seen=5 b=6", current: "seen=7 b=3",
			options: wire.MergeOptions{LastWins: scope("seen")}, conflicts: "b"},
		{name: "a last winner is removed", base: "seen=1", update: "", current: "seen=7", options: wire.MergeOptions{Replace: true, LastWins: scope("seen")},
			want: "|", removed: "seen"},

		// Letter case.
		{name: "keys keep their spelling", base: "Cart=1", update: "CART=2", current: "cart=1", want: "cart=2", set: "cart"},
		{name: "an unchanged key in another case stays", base: "Cart=1", update: "CART=1"},
		{name: "a missing key in another case", base: "Cart=1 b=2", update: "B=2", options: replace, want: "b=2", removed: "Cart"},
		{name: "twins in the update: the last wins at the first one's place", base: "x=1", update: "new=1 y=2 NEW=3 x=1", want: "x=1 new=3 y=2", set: "new y"},
		{name: "twins in the update: null does not win", base: "x=1", update: "a=1 A=null x=1", want: "x=1 a=1", set: "a"},
		{name: "twins in the update: length 0 does not win", base: "x=1", update: "a=1 A= x=1", want: "x=1 a=1", set: "a"},
		{name: "twins in the update: a value wins over null", base: "x=1", update: "a=null A=1 x=1", want: "x=1 a=1", set: "a"},
		{name: "twins that are stored stay if unchanged", base: "a=1 b=2 A=3", update: "a=3 b=5", want: "a=1 b=5 A=3", set: "b"},
		{name: "twins that are stored become one when set", base: "a=1 b=2 A=3", update: "a=4 b=2", want: "a=4 b=2", set: "a"},
		{name: "twins that are stored go together", base: "a=1 b=2 A=3", update: "b=2", options: replace, want: "b=2", removed: "a"},

		// The unknown list.
		{name: "unknown keys without an item stay listed", base: "a=1 | u", update: "a=2", want: "a=2 | u", set: "a"},
		{name: "unknown keys that are set are listed no more", base: "a=1 | u", update: "a=1 U=5", want: "a=1 U=5", set: "U"},
		{name: "unknown keys of the update are not listed", base: "a=1", update: "a=2 b= | b", want: "a=2", set: "a"},
		{name: "unknown keys of current stay, not those of base", base: "a=1 x= | x", update: "a=2 x=", current: "a=1 y= x= | y", want: "a=2 y= x= | y", set: "a"},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t) })
	}
}

func (c *mergeCase) run(t *testing.T) {
	base, update, current := short(c.base), short(c.update), short(c.current)
	if c.current == "" {
		current = bytes.Clone(base)
	}
	before := slices.Concat(base, update, current)
	got, err := wire.Merge(base, update, current, c.options)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(slices.Concat(base, update, current), before) {
		t.Error("Merge changed what it was given")
	}
	want := wire.Merged{
		Data:       current,
		Changed:    c.want != "",
		Set:        strings.Fields(c.set),
		Removed:    strings.Fields(c.removed),
		Kept:       strings.Fields(c.kept),
		Unwritable: strings.Fields(c.unwritable),
		Conflicts:  strings.Fields(c.conflicts),
	}
	if c.want != "" {
		want.Data = short(c.want)
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("(-want +got)\n%s\ngot %s", diff, shorten(t, got.Data))
	}
	if same := &got.Data[0] == &current[0]; same == got.Changed {
		t.Errorf("data is current itself: %v, and changed: %v", same, got.Changed)
	}
}

// What a store keeps has no spare capacity, so Merge must count before it writes.
func TestMergeAllocatesExactly(t *testing.T) {
	for _, n := range []int{0, 1, 127, 128, 129, 16_383, 16_384} {
		key, value := strings.Repeat("k", n), strings.Repeat("v", max(n, 1))
		update := wire.AppendItems(nil, []wire.Item{{Key: key, Value: []byte(value)}, {Key: "b", Value: []byte(value + " ")}}, nil)
		current := wire.AppendItems(nil, []wire.Item{{Key: "c"}}, []string{key + "u"})
		got, err := wire.Merge(nil, update, current, wire.MergeOptions{})
		if err != nil || len(got.Data) != cap(got.Data) {
			t.Errorf("keys and values of %d bytes: %d bytes, capacity %d, %v", n, len(got.Data), cap(got.Data), err)
		}
	}
}

func TestMergeIntoNothing(t *testing.T) {
	got, err := wire.Merge(nil, items("a", "1"), nil, wire.MergeOptions{})
	if err != nil || !bytes.Equal(got.Data, items("a", "1")) {
		t.Errorf("got %x, %v", got.Data, err)
	}
}

// .NET reads U+FFFD where a key is not UTF-8, so that is the key's name.
func TestMergeReadsKeysAsDotNetDoes(t *testing.T) {
	raw := func(key string) []byte {
		return slices.Concat([]byte{1, byte(len(key))}, []byte(key), []byte{1, '1', 0})
	}
	got, err := wire.Merge(items(), raw("k\xe2\x82"), items(), wire.MergeOptions{})
	if err != nil || !bytes.Equal(got.Data, items("k\ufffd", "1")) {
		t.Errorf("new key: got %q, %v", got.Data, err)
	}
	got, err = wire.Merge(items("K\ufffd", "1"), raw("k\xff"), items("K\ufffd", "1"), wire.MergeOptions{Replace: true})
	if err != nil || got.Changed {
		t.Errorf("key that is there: got %+v, %v", got, err)
	}
	odd := []byte{1, 1, 0xff, 1, '1', 1, 2, 'u', 0xff} // one item and one unknown key
	got, err = wire.Merge(odd, items("n", "1"), odd, wire.MergeOptions{})
	want := wire.AppendItems(nil, []wire.Item{{Key: "\ufffd", Value: []byte("1")}, {Key: "n", Value: []byte("1")}}, []string{"u\ufffd"})
	if err != nil || !bytes.Equal(got.Data, want) {
		t.Errorf("unknown key: got %q, %v; want %q", got.Data, err, want)
	}
	stored := raw("k\xff")
	got, err = wire.Merge(items(), items(), stored, wire.MergeOptions{})
	if err != nil || got.Changed || &got.Data[0] != &stored[0] {
		t.Errorf("stored key: got %+v, %v", got, err)
	}
}

func TestMergeRefusesMalformedData(t *testing.T) {
	good, bad := items("a", "1"), items("b", "2")
	bad = bad[:len(bad)-2]
	for _, c := range []struct {
		base, update, current []byte
		want                  string
	}{
		{bad, good, good, "base: wire: value of item 1 at offset 3: cut short after 1 of 2 bytes: unexpected EOF"},
		{good, bad, good, "update: wire: value of item 1 at offset 3: cut short after 1 of 2 bytes: unexpected EOF"},
		{items("c", "3"), good, bad, "current: wire: value of item 1 at offset 3: cut short after 1 of 2 bytes: unexpected EOF"},
		{good, nil, good, "update: wire: number of items at offset 0: nothing there: EOF"},
		{nil, nil, nil, "update: wire: number of items at offset 0: nothing there: EOF"},
		{good, good[:len(good)-1], good, "update: wire: number of unknown keys at offset 5: cut short after 0 of 1 bytes: unexpected EOF"},
	} {
		got, err := wire.Merge(c.base, c.update, c.current, wire.MergeOptions{Replace: true})
		var format *wire.FormatError
		if !errors.As(err, &format) || err.Error() != c.want {
			t.Errorf("got  %v\nwant %s", err, c.want)
		}
		if diff := cmp.Diff(wire.Merged{}, got); diff != "" {
			t.Errorf("a result beside an error:\n%s", diff)
		}
	}
}

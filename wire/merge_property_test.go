// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package wire_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/sessionbridge/session/wire"
)

// Values in several spellings: those in a row are the same to Merge.
var spellings = [][]string{
	{`1`, `1.0`, `10e-1`, ` 1`},
	{`12.50`, `12.5`, `125E-1`},
	{`"é"`, `"\u00e9"`, `"\u00E9"`},
	{`{"a":1,"b":[2,null]}`, `{ "b":[ 2.0 ,null], "a":1 }`, `{"a":0,"a":1,"b":[2,null]}`},
	{`[]`, `[ ]`},
	{`not JSON`},
	{`null`, ` null `},
	{``},
}

func meaning(value string) int {
	return slices.IndexFunc(spellings, func(row []string) bool { return slices.Contains(row, value) })
}

const (
	missing    = 6 // the row of null
	unwritable = 7 // the row of length 0
)

// reformat writes every value in another spelling, as a .NET client does.
func reformat(list []wire.Item) []wire.Item {
	list = slices.Clone(list)
	for i := range list {
		row := spellings[meaning(string(list[i].Value))]
		next := (slices.Index(row, string(list[i].Value)) + 1) % len(row)
		list[i].Value = []byte(row[next])
	}
	return list
}

func drawValue(t *rapid.T) []byte {
	return []byte(rapid.SampledFrom(rapid.SampledFrom(spellings).Draw(t, "row")).Draw(t, "value"))
}

// drawItems draws items, with twins now and then.
func drawItems(t *rapid.T, label string) []wire.Item {
	var list []wire.Item
	for range rapid.IntRange(0, 6).Draw(t, label) {
		key := rapid.SampledFrom([]string{"a", "A", "b", "cart", "CART", "cart:1", "größe", "GRÖßE", "", "x"}).Draw(t, "key")
		list = append(list, wire.Item{Key: key, Value: drawValue(t)})
	}
	return list
}

// edited draws what a page may have made of items.
func edited(t *rapid.T, list []wire.Item, label string) []wire.Item {
	var out []wire.Item
	for _, i := range list {
		switch rapid.SampledFrom([]string{"same", "same", "reformat", "set", "drop"}).Draw(t, label) {
		case "same":
			out = append(out, i)
		case "reformat":
			out = append(out, reformat([]wire.Item{i})...)
		case "set":
			out = append(out, wire.Item{Key: i.Key, Value: drawValue(t)})
		}
	}
	return append(out, drawItems(t, label+" new")...)
}

func drawOptions(t *rapid.T) wire.MergeOptions {
	scope := func(label string) wire.Scope {
		patterns := rapid.SampledFrom([][]string{nil, nil, {"cart*"}, {"a", "GRÖ*"}, {"*"}}).Draw(t, label)
		s, err := wire.ParseScope(patterns)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	sent := rapid.SampledFrom([][]string{nil, {"a", "cart"}, {"x", "b", ""}}).Draw(t, "sent")
	return wire.MergeOptions{
		Scope:    scope("scope"),
		LastWins: scope("last wins"),
		Replace:  rapid.Bool().Draw(t, "replace"),
		Sent:     func(key string) bool { return slices.Contains(sent, wire.FoldKey(key)) },
	}
}

type merge struct {
	base, update, current []byte
	options               wire.MergeOptions
	result                wire.Merged
}

func drawMerge(t *rapid.T) merge {
	base := drawItems(t, "base")
	current := base
	if rapid.Bool().Draw(t, "hold lost") {
		current = edited(t, base, "current")
	}
	m := merge{
		base:    wire.AppendItems(nil, base, drawUnknown(t, base)),
		update:  wire.AppendItems(nil, edited(t, base, "update"), drawUnknown(t, base)),
		current: wire.AppendItems(nil, current, drawUnknown(t, current)),
		options: drawOptions(t),
	}
	m.result = mustMerge(t, m.base, m.update, m.current, m.options)
	return m
}

func drawUnknown(t *rapid.T, list []wire.Item) []string {
	var unknown []string
	for _, i := range list {
		if len(i.Value) == 0 && rapid.Bool().Draw(t, "listed") {
			unknown = append(unknown, i.Key)
		}
	}
	return unknown
}

func mustMerge(t rapid.TB, base, update, current []byte, o wire.MergeOptions) wire.Merged {
	t.Helper()
	m, err := wire.Merge(base, update, current, o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestNobodyLosesAKey(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { checkNoKeyIsLost(t, drawMerge(t)) })
}

// checkNoKeyIsLost checks that a key of current is either there afterwards, with
// its value unless that was set, or was removed by name, and that the client was
// allowed to do so.
func checkNoKeyIsLost(t rapid.TB, m merge) {
	t.Helper()
	for sc := wire.Scan(m.current); sc.Next(); {
		key := string(sc.Key())
		value, ok := wire.Lookup(m.result.Data, key)
		was, _ := wire.Lookup(m.current, key)
		removed, set := has(m.result.Removed, key), has(m.result.Set, key)
		switch {
		case ok == removed:
			t.Errorf("key %q is there: %v; removed: %v", key, ok, removed)
		case ok && !set && !bytes.Equal(value, was):
			t.Errorf("key %q was not set, but is %s and not %s", key, value, was)
		case removed && !has(m.result.Unwritable, key) && !mayRemove(m.options, key):
			t.Errorf("key %q was removed by a client that may not", key)
		case (removed || set) && !m.options.Scope.Contains(key):
			t.Errorf("key %q is outside the scope", key)
		}
	}
}

func mayRemove(o wire.MergeOptions, key string) bool {
	if o.Scope.Declared() {
		return o.Scope.Contains(key)
	}
	return o.Replace || o.Sent != nil && o.Sent(key)
}

func has(keys []string, key string) bool {
	return slices.ContainsFunc(keys, func(k string) bool { return wire.EqualKeys(k, key) })
}

func TestAnUnchangedUpdateChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := drawItems(t, "items")
		base := wire.AppendItems(nil, list, nil)
		update := wire.AppendItems(nil, reformat(list), nil)
		current := wire.AppendItems(nil, edited(t, list, "current"), nil)
		m := mustMerge(t, base, update, current, drawOptions(t))
		if m.Changed || len(m.Conflicts) > 0 || &m.Data[0] != &current[0] {
			t.Errorf("got %+v from %q", m, update)
		}
	})
}

func TestMergingTwiceIsMergingOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := drawMerge(t)
		if len(m.result.Conflicts) > 0 {
			return
		}
		again := mustMerge(t, m.base, m.update, m.result.Data, m.options)
		if again.Changed {
			t.Errorf("the second time changes %+v", again)
		}
	})
}

func TestKeysKeepTheirOrderAndSpelling(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { checkOrder(t, drawMerge(t)) })
}

func checkOrder(t rapid.TB, m merge) {
	t.Helper()
	var want []string
	for sc := wire.Scan(m.current); sc.Next(); {
		key := string(sc.Key())
		twin := has(want, key) && has(m.result.Set, key) // twins become one when set
		if !has(m.result.Removed, key) && !twin {
			want = append(want, strings.ToValidUTF8(key, "\ufffd"))
		}
	}
	for _, key := range m.result.Set {
		if _, old := wire.Lookup(m.current, key); !old {
			want = append(want, key)
		}
	}
	var got []string
	for sc := wire.Scan(m.result.Data); sc.Next(); {
		got = append(got, strings.ToValidUTF8(string(sc.Key()), "\ufffd"))
	}
	if !slices.Equal(got, want) {
		t.Errorf("got keys %q, want %q", got, want)
	}
}

// The rules once more, key by key and as slowly as they read.
func TestMergeFollowsTheRules(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := drawMerge(t)
		var conflicts []string
		want := make(map[string]int)
		for _, key := range allKeys(m.base, m.update, m.current) {
			after, conflict := ruled(m, key)
			if conflict {
				conflicts = append(conflicts, key)
			}
			want[key] = after
		}
		for _, key := range conflicts {
			if !has(m.result.Conflicts, key) {
				t.Errorf("no conflict over %q", key)
			}
		}
		if len(conflicts) != len(m.result.Conflicts) {
			t.Errorf("got conflicts %q, want %q", m.result.Conflicts, conflicts)
		}
		for key, after := range want {
			if got := standing(m.result.Data, key); len(conflicts) == 0 && got != after {
				t.Errorf("key %q has meaning %d, want %d", key, got, after)
			}
		}
	})
}

// ruled returns what a key means after a merge.
func ruled(m merge, key string) (after int, conflict bool) {
	before, update, now := standing(m.base, key), standing(m.update, key), standing(m.current, key)
	after = update
	switch {
	case !m.options.Scope.Contains(key), update == before:
		return now, false
	case update == unwritable && before == missing:
		return now, false
	case update == unwritable:
		after = missing
	case update == missing && !mayRemove(m.options, key):
		return now, false
	}
	lastWins := m.options.LastWins.Declared() && m.options.LastWins.Contains(key)
	return after, now != before && !lastWins
}

func standing(data []byte, key string) int {
	if value, ok := wire.Lookup(data, key); ok {
		return meaning(string(value))
	}
	return missing
}

func allKeys(datas ...[]byte) []string {
	var keys []string
	for _, data := range datas {
		for sc := wire.Scan(data); sc.Next(); {
			if key := string(sc.Key()); !has(keys, key) {
				keys = append(keys, key)
			}
		}
	}
	return keys
}

// What a client sends back in the order in which it was sent it is merged by a
// shorter way. A scope of all keys takes the long one, to the same end: either
// lets the client remove any key.
func TestMergeInStepIsMerge(t *testing.T) {
	all, err := wire.ParseScope([]string{"*"})
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		list := drawItems(t, "base")
		base, update := wire.AppendItems(nil, list, nil), slices.Clone(list)
		for i := range update {
			switch rapid.SampledFrom([]string{"same", "reformat", "set"}).Draw(t, "edit") {
			case "reformat":
				update[i] = reformat(update[i : i+1])[0]
			case "set":
				update[i].Value = drawValue(t)
			}
		}
		sent := wire.AppendItems(nil, update, rapid.SampledFrom([][]string{nil, {"x"}}).Draw(t, "unknown"))
		short, err := wire.Merge(base, sent, base, wire.MergeOptions{Replace: true})
		if err != nil {
			t.Fatal(err)
		}
		long, err := wire.Merge(base, sent, base, wire.MergeOptions{Scope: all})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(long, short); diff != "" {
			t.Fatalf("base %q, update %q: the short way differs (-long +short):\n%s", list, update, diff)
		}
	})
}

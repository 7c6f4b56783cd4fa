// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package wire_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/sessionbridge/session/wire"
)

func TestScanSeesWhatDecodeItemsDecodes(t *testing.T) {
	for _, c := range wellFormedCases(t) {
		data := c.bytes(t)
		_, n, err := wire.DecodeHeader(data, wide)
		if err != nil {
			t.Fatalf("%s: %v", c.Name, err)
		}
		want, _ := decodeItems(t, data[n:])
		var got []wire.Item
		sc := wire.Scan(data[n:])
		for sc.Next() {
			got = append(got, wire.Item{Key: string(sc.Key()), Value: sc.Value()})
		}
		if sc.Err() != nil || sc.Len() != len(want) {
			t.Errorf("%s: %d items, %v; want %d", c.Name, sc.Len(), sc.Err(), len(want))
		}
		if diff := cmp.Diff(want, got, sameSession); diff != "" {
			t.Errorf("%s (-want +got)\n%s", c.Name, diff)
		}
		if sc.Next() || sc.Key() != nil || sc.Value() != nil {
			t.Errorf("%s: something after the end", c.Name)
		}
	}
}

func TestScanStopsAtTheFault(t *testing.T) {
	data := items("a", "1", "b", "2")
	sc := wire.Scan(data[:len(data)-2])
	var keys []string
	for sc.Next() {
		keys = append(keys, string(sc.Key()))
	}
	if diff := cmp.Diff([]string{"a"}, keys); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if bad := wantFormatError(t, sc.Err(), len(data)); bad.Field != "value of item 2" {
		t.Errorf("got %v", bad)
	}
	if sc := wire.Scan([]byte{0x80}); sc.Len() != 0 || sc.Next() || sc.Err() == nil {
		t.Error("half a count is no error")
	}
}

func TestScanOfNothingHasNoItems(t *testing.T) {
	if sc := wire.Scan(nil); sc.Len() != 0 || sc.Next() || sc.Err() != nil {
		t.Errorf("got %d items, %v", sc.Len(), sc.Err())
	}
}

func TestLookup(t *testing.T) {
	for _, c := range []struct {
		name string
		data []byte
		key  string
		want string // "-" for none
	}{
		{"key that is there", items("a", "1", "b", "2"), "b", "2"},
		{"key in another case", items("Größe", "1"), "GRÖSSE", "-"},
		{"letters in another case", items("Größe", "1"), "GRÖße", "1"},
		{"key that is missing", items("a", "1"), "b", "-"},
		{"no data", nil, "a", "-"},
		{"key that stands twice", items("a", "1", "A", "2"), "a", "2"},
		{"null after a value", items("a", "1", "a", " null "), "a", "1"},
		{"nothing after a value", items("a", "1", "a", ""), "a", "1"},
		{"value after null", items("a", "null", "a", "2"), "a", "2"},
		{"null alone", items("a", "null"), "a", "null"},
		{"nothing alone", items("a", ""), "a", ""},
		{"item before a fault", items("a", "1", "b", "2")[:6], "a", "1"},
		{"item after a fault", items("a", "1", "b", "2")[:6], "b", "-"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := "-"
			if value, ok := wire.Lookup(c.data, c.key); ok {
				got = string(value)
			}
			if got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

// What runs for every request must not allocate by the key.
func TestNoAllocations(t *testing.T) {
	data := manyItems(100)
	session := wire.Append(nil, typical())
	scope, err := wire.ParseScope([]string{"other", "KEY*9"})
	if err != nil {
		t.Fatal(err)
	}
	dst := make([]byte, 0, 2*len(data))
	header := typical().Header
	for name, f := range map[string]func(){
		"CheckItems":    func() { wire.CheckItems(data, wire.Limits{}) },
		"Lookup":        func() { wire.Lookup(data, "KEY99") },
		"AppendHeader":  func() { wire.AppendHeader(dst, &header) },
		"AppendScoped":  func() { wire.AppendScoped(dst, data, scope) },
		"Contains":      func() { scope.Contains("a key of some length, 9") },
		"EqualKeys":     func() { wire.EqualKeys("some longer key: Größe of a Hat", "SOME LONGER KEY: GRÖßE OF A HAT") },
		"FoldKey":       func() { wire.FoldKey("some longer key: größe of a hat") },
		"Merge of same": func() { wire.Merge(data, data, data, wire.MergeOptions{}) },
		"Scan": func() {
			for sc := wire.Scan(data); sc.Next(); {
				_, _ = sc.Key(), sc.Value()
			}
		},
	} {
		if got := testing.AllocsPerRun(10, f); got != 0 {
			t.Errorf("%s: %v allocations", name, got)
		}
	}
	if got := testing.AllocsPerRun(10, func() { wire.DecodeHeader(session, wire.Limits{}) }); got > 1 {
		t.Errorf("DecodeHeader: %v allocations, want only the id", got)
	}
}

func ExampleScanner() {
	data := wire.AppendItems(nil, []wire.Item{
		{Key: "user", Value: []byte(`"ada"`)},
		{Key: "visits", Value: []byte(`42`)},
	}, nil)
	sc := wire.Scan(data)
	for sc.Next() {
		fmt.Printf("%s = %s\n", sc.Key(), sc.Value())
	}
	fmt.Println(sc.Err())
	// Output:
	// user = "ada"
	// visits = 42
	// <nil>
}

func TestAppendScoped(t *testing.T) {
	data := wire.AppendItems(nil, []wire.Item{
		{Key: "Cart:1", Value: []byte("1")}, {Key: "user", Value: []byte("2")}, {Key: "cart", Value: nil}, {Key: "other", Value: nil},
	}, []string{"cart", "other", "CART:9"})
	for _, c := range []struct {
		name    string
		scope   []string
		want    []wire.Item
		unknown []string
	}{
		{"some keys", []string{"cart*"}, []wire.Item{{Key: "Cart:1", Value: []byte("1")}, {Key: "cart"}}, []string{"cart", "CART:9"}},
		{"one key", []string{"USER"}, []wire.Item{{Key: "user", Value: []byte("2")}}, nil},
		{"no key", []string{"x"}, nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			scope := mustScope(t, c.scope...)
			got := wire.AppendScoped([]byte("<"), data, scope)
			list, unknown := decodeItems(t, got[1:])
			if diff := cmp.Diff(c.want, list, sameSession); got[0] != '<' || diff != "" {
				t.Errorf("items (-want +got)\n%s", diff)
			}
			if diff := cmp.Diff(c.unknown, unknown, sameSession); diff != "" {
				t.Errorf("unknown keys (-want +got)\n%s", diff)
			}
		})
	}
	if got := wire.AppendScoped([]byte("<"), data, nil); !bytes.Equal(got[1:], data) {
		t.Errorf("no scope: got %x, want all of %x", got, data)
	}
	for _, scope := range []wire.Scope{nil, mustScope(t, "a")} {
		if got := wire.AppendScoped(nil, nil, scope); !bytes.Equal(got, items()) {
			t.Errorf("no data, %v: got %x, want %x", scope, got, items())
		}
	}
	half := items("a", "1", "b", "2")
	half = half[:len(half)-2]
	if got, want := wire.AppendScoped(nil, half, mustScope(t, "*")), items("a", "1"); !bytes.Equal(got, want) {
		t.Errorf("malformed data: got %x, want what was whole, %x", got, want)
	}
}

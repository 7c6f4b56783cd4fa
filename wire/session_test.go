// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package wire_test

import (
	"bytes"
	"encoding/hex"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/sessionbridge/session/wire"
)

// wide are limits that no golden case exceeds.
var wide = wire.Limits{Session: 1 << 30, Value: 1 << 30, Keys: 1 << 20, Key: 1 << 20}

// sameSession compares what sessions say: nil and empty are the same. Values are
// compared at once, as go-cmp would take a minute over the longest ones.
var sameSession = cmp.Options{
	cmp.Comparer(bytes.Equal),
	cmp.FilterPath(func(p cmp.Path) bool { return p.Last().Type() != reflect.TypeFor[[]byte]() }, cmpopts.EquateEmpty()),
}

// typical is a session with something of everything.
func typical() *wire.Session {
	return &wire.Session{
		Header: wire.Header{ID: "x5b3ijpyk0sh4ml2l4v5ydff", New: true, Timeout: 300},
		Items: []wire.Item{
			{Key: "cart", Value: []byte(`{"Items":[1,2,3]}`)},
			{Key: "größe", Value: []byte(`12.50`)},
			{Key: "odd", Value: nil},
		},
		Unknown: []string{"odd"},
	}
}

// items builds items form from keys and values in turn.
func items(keysAndValues ...string) []byte {
	var list []wire.Item
	for i := 0; i < len(keysAndValues); i += 2 {
		list = append(list, wire.Item{Key: keysAndValues[i], Value: []byte(keysAndValues[i+1])})
	}
	return wire.AppendItems(nil, list, nil)
}

func decodeItems(t testing.TB, data []byte) ([]wire.Item, []string) {
	t.Helper()
	list, unknown, err := wire.DecodeItems(data, wide)
	if err != nil {
		t.Fatalf("DecodeItems(%x): %v", data, err)
	}
	return list, unknown
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestHeaderAndItemsAreTheSession(t *testing.T) {
	s := typical()
	whole := wire.Append(nil, s)
	parts := wire.AppendItems(wire.AppendHeader(nil, &s.Header), s.Items, s.Unknown)
	if !bytes.Equal(whole, parts) {
		t.Fatalf("got %x, want %x", parts, whole)
	}

	h, n, err := wire.DecodeHeader(whole, wire.Limits{})
	if err != nil || h != s.Header {
		t.Fatalf("DecodeHeader: got %+v, %v; want %+v", h, err, s.Header)
	}
	size, err := wire.CheckItems(append(whole[n:], "rest"...), wire.Limits{})
	if err != nil || size != len(whole)-n {
		t.Errorf("CheckItems: got %d, %v; want %d", size, err, len(whole)-n)
	}
	list, unknown := decodeItems(t, whole[n:])
	got := wire.Session{Header: h, Items: list, Unknown: unknown}
	if diff := cmp.Diff(*s, got, sameSession); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestAppendKeepsWhatIsThere(t *testing.T) {
	got := wire.Append([]byte("before"), typical())
	want := append([]byte("before"), wire.Append(nil, typical())...)
	if !bytes.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAppendWritesOnlyUTF8(t *testing.T) {
	s := &wire.Session{
		Header:  wire.Header{ID: "i\xff"},
		Items:   []wire.Item{{Key: "k\xe2\x82", Value: []byte("1")}},
		Unknown: []string{"\xc0\x80u"},
	}
	want := &wire.Session{
		Header:  wire.Header{ID: "i\ufffd"},
		Items:   []wire.Item{{Key: "k\ufffd", Value: []byte("1")}},
		Unknown: []string{"\ufffd\ufffdu"},
	}
	if got, want := wire.Append(nil, s), wire.Append(nil, want); !bytes.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestDecodedValuesArePartsOfTheInput(t *testing.T) {
	data := wire.Append(nil, &wire.Session{Items: []wire.Item{{Key: "a", Value: []byte("1")}, {Key: "b", Value: []byte("2")}}})
	s, _, err := wire.Decode(data, wire.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	before := bytes.Clone(data)
	if longer := append(s.Items[0].Value, 'x'); !bytes.Equal(data, before) {
		t.Errorf("appending to a value, %s, wrote into the input", longer)
	}
	data[bytes.IndexByte(data, '1')] = '9'
	if got := string(s.Items[0].Value); got != "9" {
		t.Errorf("got a copy, %s", got)
	}
}

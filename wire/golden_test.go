// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package wire_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/sessionbridge/session/wire"
)

// The golden files were recorded from the real serializer of the System.Web
// adapters on .NET 10. session-v1.json has what it writes, session-v1-bad.json
// what it makes of bytes that it did not write.

// A goldenCase is a case of session-v1.json.
type goldenCase struct {
	Name, What, Hex, HeadHex, TailHex, SHA256 string
	Length                                    int
	Session                                   goldenSession
}

type goldenSession struct {
	ID             string
	IDRepeat       *repeated
	IsNew          bool
	IsAbandoned    bool
	IsReadOnly     bool
	TimeoutMinutes int32
	Items          []goldenItem
	UnknownKeys    []string
	Note           string // the bytes are not a whole session
}

type goldenItem struct {
	Key        string
	KeyRepeat  *repeated
	Type       string
	JSON       string
	JSONHex    string
	JSONRepeat *repeated
}

// repeated describes a long text.
type repeated struct {
	Prefix, Unit, Suffix string
	Count                int
}

func (r *repeated) or(text string) string {
	if r == nil {
		return text
	}
	return r.Prefix + strings.Repeat(r.Unit, r.Count) + r.Suffix
}

// session returns the session that the case describes.
func (g *goldenSession) session(t testing.TB) *wire.Session {
	s := &wire.Session{
		Header: wire.Header{
			ID: g.IDRepeat.or(g.ID), New: g.IsNew, Abandoned: g.IsAbandoned, ReadOnly: g.IsReadOnly, Timeout: g.TimeoutMinutes,
		},
		Unknown: g.UnknownKeys,
	}
	for _, i := range g.Items {
		value := []byte(i.JSONRepeat.or(i.JSON))
		if i.JSONHex != "" {
			value = unhex(t, i.JSONHex)
		}
		s.Items = append(s.Items, wire.Item{Key: i.KeyRepeat.or(i.Key), Value: value})
	}
	return s
}

// bytes returns the bytes of the case. The largest are not in the file; they are
// what Append makes of the session, if the file's hash agrees.
func (c *goldenCase) bytes(t testing.TB) []byte {
	if c.HeadHex == "" {
		return unhex(t, c.Hex)
	}
	return wire.Append(nil, c.Session.session(t))
}

func readGolden[T any](t testing.TB, file string) []T {
	t.Helper()
	text, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	var cases []T
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return cases
}

// wellFormedCases returns the cases that are whole sessions.
func wellFormedCases(t testing.TB) []goldenCase {
	cases := readGolden[goldenCase](t, "session-v1.json")
	return slices.DeleteFunc(cases, func(c goldenCase) bool { return c.Session.Note != "" })
}

func TestSessionsThatDotNetWrites(t *testing.T) {
	for _, c := range wellFormedCases(t) {
		t.Run(c.Name, func(t *testing.T) {
			want, data := c.Session.session(t), c.bytes(t)

			encoded := wire.Append(nil, want)
			sum := sha256.Sum256(encoded)
			if len(encoded) != c.Length || hex.EncodeToString(sum[:]) != c.SHA256 {
				t.Errorf("%s\ngot  %d bytes, %.80x…\nwant %d bytes, %.80x…", c.What, len(encoded), encoded, c.Length, data)
			}
			if !bytes.HasPrefix(encoded, unhex(t, c.HeadHex)) || !bytes.HasSuffix(encoded, unhex(t, c.TailHex)) {
				t.Error("the first or the last bytes differ")
			}

			got, n, err := wire.Decode(data, wide)
			if err != nil {
				t.Fatalf("%s\n%v", c.What, err)
			}
			if n != c.Length {
				t.Errorf("took %d bytes, want %d", n, c.Length)
			}
			if diff := cmp.Diff(*want, got, sameSession); diff != "" {
				t.Errorf("%s (-want +got)\n%s", c.What, diff)
			}
		})
	}
}

// When a value can't be written the serializer throws in the middle of the
// bytes. A reader must notice.
func TestSessionsThatDotNetBreaksOff(t *testing.T) {
	fields := map[string]string{
		"id-null":               "session id",
		"unserialisable-nan":    "value of item 2",
		"unserialisable-getter": "value of item 2",
		"count-too-small":       "unknown key 1", // the item is taken for one
	}
	for _, c := range readGolden[goldenCase](t, "session-v1.json") {
		if c.Session.Note == "" {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			s, n, err := wire.Decode(c.bytes(t), wide)
			wantNothing(t, s, n)
			bad := wantFormatError(t, err, c.Length)
			if want, ok := fields[c.Name]; ok && bad.Field != want {
				t.Errorf("got field %q, want %q", bad.Field, want)
			}
		})
	}
}

// A badCase is a case of session-v1-bad.json.
type badCase struct {
	Name, What, Hex        string
	Outcome, ExceptionType string
	Session                goldenSession
	BytesConsumed          int
}

// badBytes tells whether the reader failed at the bytes themselves. Other
// exceptions are complaints, made at the end of the session, of keys without a
// type and of values that don't fit theirs; this package has no types.
func (c *badCase) badBytes() bool {
	switch strings.TrimPrefix(c.ExceptionType, "System.") {
	case "IO.EndOfStreamException", "InvalidOperationException", "FormatException", "IO.IOException",
		"ArgumentOutOfRangeException", "OutOfMemoryException":
		return true
	}
	return false
}

// badFields names the field at fault where the case is made for one.
var badFields = map[string]string{
	"empty":                         "version",
	"version-0":                     "version",
	"version-2":                     "version",
	"version-127":                   "version",
	"version-128":                   "version",
	"version-255":                   "version",
	"newline-first":                 "version",
	"version-only":                  "session id",
	"id-length-5th-byte-10":         "session id",
	"id-length-5th-byte-7f":         "session id",
	"id-length-5th-byte-80":         "session id",
	"id-length-10bytes":             "session id",
	"id-length-int-min":             "session id",
	"id-length-int-max":             "session id",
	"id-length-cut-1":               "session id",
	"timeout-5th-byte-10":           "timeout",
	"item-count-5th-byte-10":        "number of items",
	"item-count-6bytes":             "number of items",
	"item-count-too-large":          "value of item 2",
	"key-length-int-max":            "key of item 1",
	"key-length-6bytes":             "key of item 1",
	"value-length-int-min":          "value of item 1",
	"value-length-5th-byte-10":      "value of item 1",
	"value-length-beyond-end":       "value of item 1",
	"value-length-int-max":          "value of item 1",
	"unknown-count-5th-byte-10":     "number of unknown keys",
	"unknown-count-6bytes":          "number of unknown keys",
	"unknown-count-1-missing":       "unknown key 1",
	"unknown-name-cut":              "unknown key 1",
	"item-count-1-of-2":             "unknown key 1",
	"value-length-one-short":        "unknown key 2",
	"value-length-beyond-end-large": "value of item 1",
}

func TestBytesThatDotNetRefuses(t *testing.T) {
	for _, c := range readGolden[badCase](t, "session-v1-bad.json") {
		if !c.badBytes() {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			data := unhex(t, c.Hex)
			s, n, err := wire.Decode(data, wide)
			wantNothing(t, s, n)
			bad := wantFormatError(t, err, len(data))
			if want, ok := badFields[c.Name]; ok && bad.Field != want {
				t.Errorf("%s\ngot  %v\nwant field %q", c.What, err, want)
			}

			s, err = wire.Read(bytes.NewReader(data), wide)
			wantNothing(t, s, 0)
			if got := wantFormatError(t, err, len(data)); got.Field != bad.Field || got.Offset != bad.Offset {
				t.Errorf("Read: got %v, want %v", got, bad)
			}
		})
	}
}

func TestBytesThatDotNetAccepts(t *testing.T) {
	for _, c := range readGolden[badCase](t, "session-v1-bad.json") {
		if c.badBytes() {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			got, n, err := wire.Decode(unhex(t, c.Hex), wide)
			if err != nil {
				t.Fatalf("%s\n%v", c.What, err)
			}
			if n != c.BytesConsumed {
				t.Errorf("%s\ntook %d bytes, want %d", c.What, n, c.BytesConsumed)
			}
			if c.Outcome == "ok" {
				compareRead(t, &c.Session, &got)
			}
		})
	}
}

// compareRead compares a decoded session with what .NET made of it. There, the
// typed layer has come in between: keys without a type, and values that don't
// fit it, have moved to the unknown keys, doubles are one, nulls are gone, and
// values are written anew.
func compareRead(t *testing.T, want *goldenSession, got *wire.Session) {
	t.Helper()
	if diff := cmp.Diff(want.session(t).Header, got.Header); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	var there, wanted []string
	for _, i := range got.Items {
		if string(i.Value) != "null" {
			there = append(there, i.Key)
		}
	}
	there = append(there, got.Unknown...)
	for _, i := range want.Items {
		wanted = append(wanted, i.Key)
		rewritten := i.Type != "int" && i.Type != "string" // objects lose and gain members
		if !rewritten && !slices.ContainsFunc(got.Items, func(o wire.Item) bool { return o.Key == i.Key && string(o.Value) == i.JSON }) {
			t.Errorf("no item %q with value %s in %v", i.Key, i.JSON, got.Items)
		}
	}
	wanted = append(wanted, want.UnknownKeys...)
	if diff := cmp.Diff(unique(wanted), unique(there)); diff != "" {
		t.Errorf("keys (-want +got)\n%s", diff)
	}
}

func unique(keys []string) []string {
	slices.Sort(keys)
	return slices.Compact(keys)
}

// wantFormatError returns the *FormatError that err must be, about an input of
// the given size.
func wantFormatError(t testing.TB, err error, size int) *wire.FormatError {
	t.Helper()
	var bad *wire.FormatError
	if !errors.As(err, &bad) {
		t.Fatalf("got error %v, want a *wire.FormatError", err)
	}
	if bad.Field == "" || bad.Reason == "" || bad.Offset < 0 || bad.Offset > size {
		t.Errorf("poor error for %d bytes: %#v", size, bad)
	}
	return bad
}

func wantNothing(t testing.TB, s wire.Session, n int) {
	t.Helper()
	if diff := cmp.Diff(wire.Session{}, s); diff != "" || n != 0 {
		t.Errorf("half a session beside an error, %d bytes (-want +got)\n%s", n, diff)
	}
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package wire_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/sessionbridge/session/wire"
)

// Each way to deliver a stream, from the whole at once to byte by byte.
var deliveries = map[string]func(io.Reader) io.Reader{
	"whole":       func(r io.Reader) io.Reader { return r },
	"bytes":       iotest.OneByteReader,
	"halves":      iotest.HalfReader,
	"end with it": iotest.DataErrReader,
}

func TestReadTakesExactlyTheSession(t *testing.T) {
	const rest = "\n{\"s\":true}"
	for _, c := range wellFormedCases(t) {
		if c.Length > 100_000 && testing.Short() {
			continue
		}
		data := c.bytes(t)
		for name, deliver := range deliveries {
			if name == "bytes" && c.Length > 100_000 {
				continue // the same again, a million times
			}
			t.Run(c.Name+" "+name, func(t *testing.T) {
				stream := strings.NewReader(string(data) + rest)
				got, err := wire.Read(deliver(stream), wide)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(*c.Session.session(t), got, sameSession); diff != "" {
					t.Errorf("(-want +got)\n%s", diff)
				}
				// iotest.DataErrReader and no other takes bytes for itself.
				if name != "end with it" && stream.Len() != len(rest) {
					t.Errorf("%d bytes left, want %d", stream.Len(), len(rest))
				}
			})
		}
	}
}

// Behind an open response nothing follows the session, for seconds or for ever.
func TestReadDoesNotWaitForMoreThanTheSession(t *testing.T) {
	data := wire.Append(nil, typical())
	for step := 1; step <= len(data); step++ {
		stream := &openStream{t: t, data: data, step: step}
		if _, err := wire.Read(stream, wire.Limits{}); err != nil {
			t.Fatalf("%d bytes a read: %v", step, err)
		}
	}
}

// An openStream fails the test when it is asked for more than its data, where a
// real one would block.
type openStream struct {
	t    *testing.T
	data []byte
	step int
}

func (o *openStream) Read(p []byte) (int, error) {
	if len(o.data) == 0 {
		o.t.Fatal("asked for bytes past the session: this would block")
	}
	n := copy(p, o.data[:min(o.step, len(o.data))])
	o.data = o.data[n:]
	return n, nil
}

func TestReadKeepsValuesApart(t *testing.T) {
	want := typical()
	got, err := wire.Read(iotest.OneByteReader(bytes.NewReader(wire.Append(nil, want))), wire.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	longer := append(got.Items[0].Value, "into the next one"...)
	if diff := cmp.Diff(*want, got, sameSession); diff != "" {
		t.Errorf("appending to a value, %s, changed another (-want +got)\n%s", longer, diff)
	}
}

func TestTruncatedAtEveryByte(t *testing.T) {
	for _, c := range wellFormedCases(t) {
		if c.Length > 2_000 {
			continue
		}
		data := c.bytes(t)
		for n := range data {
			cause := io.ErrUnexpectedEOF
			if n == 0 {
				cause = io.EOF
			}
			s, taken, err := wire.Decode(data[:n], wide)
			wantNothing(t, s, taken)
			bad := wantFormatError(t, err, n)
			if !errors.Is(err, cause) {
				t.Errorf("%s, %d bytes: Decode: got %v, want %v", c.Name, n, err, cause)
			}
			s, err = wire.Read(bytes.NewReader(data[:n]), wide)
			wantNothing(t, s, 0)
			if diff := cmp.Diff(bad.Error(), wantFormatError(t, err, n).Error()); diff != "" || !errors.Is(err, cause) {
				t.Errorf("%s, %d bytes: Read differs from Decode (-Decode +Read)\n%s", c.Name, n, diff)
			}
		}
	}
}

func TestTruncationNamesTheField(t *testing.T) {
	fields := []struct {
		name string
		size int
	}{
		{"version", 1}, {"session id", 25}, {"new flag", 1}, {"abandoned flag", 1}, {"read-only flag", 1}, {"timeout", 2},
		{"number of items", 1},
		{"key of item 1", 5}, {"value of item 1", 18},
		{"key of item 2", 8}, {"value of item 2", 6},
		{"key of item 3", 4}, {"value of item 3", 1},
		{"number of unknown keys", 1}, {"unknown key 1", 4},
	}
	data, at := wire.Append(nil, typical()), 0
	for _, f := range fields {
		for n := at; n < at+f.size; n++ {
			_, _, err := wire.Decode(data[:n], wire.Limits{})
			if bad := wantFormatError(t, err, n); bad.Field != f.name || bad.Offset != at {
				t.Errorf("%d bytes: got %v, want %s at offset %d", n, err, f.name, at)
			}
		}
		at += f.size
	}
	if at != len(data) {
		t.Errorf("the fields have %d bytes, the session %d", at, len(data))
	}
}

func TestReadPassesTheStreamsErrorOn(t *testing.T) {
	broken := errors.New("connection reset")
	data := wire.Append(nil, typical())
	_, err := wire.Read(io.MultiReader(bytes.NewReader(data[:10]), iotest.ErrReader(broken)), wire.Limits{})
	if !errors.Is(err, broken) {
		t.Errorf("got %v, want one that wraps %v", err, broken)
	}
	if want := "wire: session id at offset 1: cut short after 9 of 25 bytes: connection reset"; err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestErrorTexts(t *testing.T) {
	header := func(rest ...byte) []byte { return append([]byte{1, 2, 'i', 'd', 0, 0, 0, 20}, rest...) }
	small := wire.Limits{Session: 30, Value: 8, Keys: 3, Key: 4}
	for _, c := range []struct {
		name string
		data []byte
		want string
	}{
		{"nothing", nil, "wire: version at offset 0: nothing there: EOF"},
		{"an HTML page", []byte("<!DOCTYPE html>\n<html><head><title>Sign in to continue</title></head>"),
			`wire: version at offset 0: format version 60, want 1; the input begins "<!DOCTYPE html>\n<html><head><title>Sign in to continue</titl"`},
		{"another version", []byte{2, 0xff}, `wire: version at offset 0: format version 2, want 1`},
		{"a newline before a session", []byte("\n\x01\x02id\x00"), `wire: version at offset 0: format version 10, want 1`},
		{"a short value", header(1, 1, 'k', 5, '1'), "wire: value of item 1 at offset 11: cut short after 2 of 6 bytes: unexpected EOF"},
		{"a negative length", header(1, 0xff, 0xff, 0xff, 0xff, 0x0f), "wire: key of item 1 at offset 9: negative length -1"},
		{"a number that is too long", header(1, 1, 'k', 0xff, 0xff, 0xff, 0xff, 0x10),
			"wire: value of item 1 at offset 11: not a 7-bit encoded int32: the fifth byte is 0x10, at most 0x0f is possible"},
		{"too many items", header(4), "wire: number of items at offset 8: 4, the keys limit is 3"},
		{"too many unknown keys", header(0, 4), "wire: number of unknown keys at offset 9: 4, the keys limit is 3"},
		{"a long id", []byte{1, 5}, "wire: session id at offset 1: length 5, the key limit is 4"},
		{"a long key", header(1, 5), "wire: key of item 1 at offset 9: length 5, the key limit is 4"},
		{"a long unknown key", header(0, 1, 5), "wire: unknown key 1 at offset 10: length 5, the key limit is 4"},
		{"a long value", header(1, 1, 'k', 9), "wire: value of item 1 at offset 11: length 9, the value limit is 8"},
		{"a long session", header(3, 1, 'a', 8, 0, 0, 0, 0, 0, 0, 0, 0, 1, 'b', 8),
			"wire: value of item 2 at offset 22: at least 31 bytes so far, the session limit is 30"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, _, err := wire.Decode(c.data, small); err == nil || err.Error() != c.want {
				t.Errorf("Decode\ngot  %v\nwant %s", err, c.want)
			}
		})
	}
}

// Read must not wait for more of a page only to show it.
func TestReadShowsOnlyWhatItHas(t *testing.T) {
	_, err := wire.Read(&openStream{t: t, data: []byte("<"), step: 1}, wire.Limits{})
	if want := `wire: version at offset 0: format version 60, want 1; the input begins "<"`; err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	_, err = wire.Read(strings.NewReader("<!DOCTYPE html>"), wire.Limits{})
	if want := `begins "<!DOCTYP"`; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want it to contain %s", err, want)
	}
}

func TestLimitsAreExact(t *testing.T) {
	s := &wire.Session{
		Header:  wire.Header{ID: "id"},
		Items:   []wire.Item{{Key: "key1", Value: []byte("12345678")}, {Key: "b"}},
		Unknown: []string{"b", "c"},
	}
	data := wire.Append(nil, s)
	exact := wire.Limits{Session: len(data), Value: 8, Keys: 2, Key: 4}
	if _, _, err := wire.Decode(data, exact); err != nil {
		t.Errorf("at the limits: %v", err)
	}
	if _, err := wire.Read(bytes.NewReader(data), exact); err != nil {
		t.Errorf("at the limits, Read: %v", err)
	}
	for name, lim := range map[string]wire.Limits{
		"session": {Session: len(data) - 1},
		"value":   {Value: 7},
		"keys":    {Keys: 1},
		"key":     {Key: 3},
	} {
		if _, _, err := wire.Decode(data, lim); err == nil || !strings.Contains(err.Error(), ", the "+name+" limit is ") {
			t.Errorf("%s one less: got %v", name, err)
		}
		if _, err := wire.Read(bytes.NewReader(data), lim); err == nil || !strings.Contains(err.Error(), ", the "+name+" limit is ") {
			t.Errorf("%s one less, Read: got %v", name, err)
		}
	}
}

func TestDefaultLimits(t *testing.T) {
	for _, c := range []struct {
		name string
		data []byte
		ok   bool
	}{
		{"value of 1 MiB", items("k", strings.Repeat("x", 1<<20)), true},
		{"value of 1 MiB and a byte", items("k", strings.Repeat("x", 1<<20+1)), false},
		{"key of 1 KiB", items(strings.Repeat("k", 1<<10), "1"), true},
		{"key of 1 KiB and a byte", items(strings.Repeat("k", 1<<10+1), "1"), false},
		{"10,000 keys", manyItems(10_000), true},
		{"10,001 keys", manyItems(10_001), false},
		{"more than 4 MiB", items(strings.Split(strings.Repeat("k,"+strings.Repeat("x", 1<<20-1)+",", 5)+"k,", ",")...), false},
	} {
		for _, lim := range []wire.Limits{{}, {Session: -1, Value: -1, Keys: -1, Key: -1}} {
			if _, err := wire.CheckItems(c.data, lim); (err == nil) != c.ok {
				t.Errorf("%s: got %v, want ok %v", c.name, err, c.ok)
			}
		}
	}
}

func manyItems(n int) []byte {
	list := make([]wire.Item, n)
	for i := range list {
		list[i] = wire.Item{Key: fmt.Sprint("key", i), Value: []byte("1")}
	}
	return wire.AppendItems(nil, list, nil)
}

// A few bytes must not make a reader allocate what they announce.
func TestMemoryFollowsWhatArrives(t *testing.T) {
	length := func(n int32) []byte { return binary.AppendUvarint(nil, uint64(uint32(n))) }
	header := []byte{1, 2, 'i', 'd', 0, 0, 0, 20}
	raised := wire.Limits{Session: 1<<31 - 1, Value: 1<<31 - 1, Keys: 1<<31 - 1, Key: 1<<31 - 1}
	for name, data := range map[string][]byte{
		"long value":        append(append(header, 1, 1, 'k'), length(1<<20)...),
		"longest value":     append(append(header, 1, 1, 'k'), length(1<<31-1)...),
		"longest key":       append(append(header, 1), length(1<<31-1)...),
		"longest id":        append([]byte{1}, length(1<<31-1)...),
		"most items":        append(bytes.Clone(header), length(1<<31-1)...),
		"most unknown keys": append(append(header, 0), length(1<<31-1)...),
	} {
		t.Run(name, func(t *testing.T) {
			if got := allocated(func() { wire.Read(bytes.NewReader(data), raised) }); got > 16<<10 {
				t.Errorf("Read of %d bytes allocates %d", len(data), got)
			}
			if got := allocated(func() { wire.Decode(data, raised) }); got > 16<<10 {
				t.Errorf("Decode of %d bytes allocates %d", len(data), got)
			}
		})
	}
}

func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

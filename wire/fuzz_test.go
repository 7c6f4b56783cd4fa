// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package wire_test

import (
	"bytes"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/sessionbridge/session/wire"
)

// goldenBytes returns the golden inputs that are not too long to mutate.
func goldenBytes(t testing.TB) [][]byte {
	var inputs [][]byte
	for _, c := range readGolden[goldenCase](t, "session-v1.json") {
		if c.Length <= 1000 {
			inputs = append(inputs, unhex(t, c.Hex))
		}
	}
	for _, c := range readGolden[badCase](t, "session-v1-bad.json") {
		inputs = append(inputs, unhex(t, c.Hex))
	}
	return inputs
}

func FuzzDecode(f *testing.F) {
	for _, data := range goldenBytes(f) {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, n, err := wire.Decode(data, wire.Limits{})
		checkParts(t, data, n, err == nil)
		checkRead(t, data, s, n, err)
		if err != nil {
			wantNothing(t, s, n)
			wantFormatError(t, err, len(data))
			return
		}
		again, _, err := wire.Decode(wire.Append(nil, &s), wide)
		if diff := cmp.Diff(s, again, sameSession); diff != "" || err != nil {
			t.Errorf("after a round trip: %v (-want +got)\n%s", err, diff)
		}
	})
}

// checkParts decodes a session in two steps, in the three ways that there are.
func checkParts(t *testing.T, data []byte, n int, ok bool) {
	t.Helper()
	_, h, err := wire.DecodeHeader(data, wire.Limits{})
	if err != nil {
		if ok {
			t.Errorf("DecodeHeader: %v", err)
		}
		return
	}
	size, err := wire.CheckItems(data[h:], wire.Limits{})
	if (err == nil) != ok || ok && h+size != n {
		t.Errorf("CheckItems: header of %d bytes, items of %d, %v; Decode took %d", h, size, err, n)
	}
	list, unknown, errDecode := wire.DecodeItems(data[h:], wire.Limits{})
	if diff := cmp.Diff(err, errDecode, cmp.Comparer(sameError)); diff != "" {
		t.Errorf("DecodeItems and CheckItems (-check +decode)\n%s", diff)
	}
	sc := wire.Scan(data[h:])
	for i := 0; sc.Next(); i++ {
		if ok && !bytes.Equal(sc.Value(), list[i].Value) {
			t.Errorf("Scan: item %d is %q", i, sc.Value())
		}
	}
	if ok && (sc.Err() != nil || sc.Len() != len(list)) {
		t.Errorf("Scan: %d items, %v; and %d unknown", sc.Len(), sc.Err(), len(unknown))
	}
}

// checkRead reads data as a stream, which must tell the same.
func checkRead(t *testing.T, data []byte, want wire.Session, n int, wantErr error) {
	t.Helper()
	stream := bytes.NewReader(data)
	got, err := wire.Read(stream, wire.Limits{})
	if diff := cmp.Diff(want, got, sameSession); diff != "" {
		t.Errorf("Read (-Decode +Read)\n%s", diff)
	}
	if left := len(data) - stream.Len(); err == nil && left != n {
		t.Errorf("Read took %d bytes, want %d", left, n)
	}
	_, slow := wire.Read(iotest.OneByteReader(bytes.NewReader(data)), wire.Limits{})
	for _, e := range []error{err, slow} {
		if (e == nil) != (wantErr == nil) {
			t.Errorf("Read: got %v, want %v", e, wantErr)
		}
	}
}

func sameError(a, b error) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Error() == b.Error()
}

func FuzzMerge(f *testing.F) {
	for _, data := range goldenBytes(f) {
		if _, n, err := wire.DecodeHeader(data, wire.Limits{}); err == nil {
			f.Add(data[n:], data[n:], data[n:], "", false)
			f.Add(items("count", "1", "a", `"x"`), data[n:], items("COUNT", "2"), "count", true)
			f.Add(data[n:], items("count", "41.0"), data[n:], "c*", false)
		}
	}
	f.Fuzz(func(t *testing.T, base, update, current []byte, pattern string, replace bool) {
		o := wire.MergeOptions{Replace: replace}
		if pattern != "" {
			o.Scope, _ = wire.ParseScope([]string{pattern})
		}
		result, err := wire.Merge(base, update, current, o)
		if err != nil || !bytes.Equal(base, update) && len(current) == 0 {
			return
		}
		if result.Changed {
			if n, err := wire.CheckItems(result.Data, wide); err != nil || n != len(result.Data) {
				t.Fatalf("result of %d bytes: %d, %v", len(result.Data), n, err)
			}
		}
		if _, err := wire.CheckItems(current, wide); err != nil || len(longKeys(base, update, current)) > 0 {
			return // equal updates are not looked into; long keys may be carried into one another
		}
		m := merge{base: base, update: update, current: current, options: o, result: result}
		checkNoKeyIsLost(t, m)
		if len(result.Conflicts) > 0 {
			return
		}
		if again := mustMerge(t, base, update, result.Data, o); again.Changed {
			t.Errorf("the second time changes %+v", again)
		}
	})
}

func longKeys(datas ...[]byte) (long []string) {
	for _, key := range allKeys(datas...) {
		if len(key) > 128 {
			long = append(long, key)
		}
	}
	return long
}

func FuzzKeys(f *testing.F) {
	f.Add("Größe", "GRÖßE", "gr*")
	f.Add("k\xe2\x82", "\u212a\ufffd", "*\ufffd")
	f.Add("ǅ", "ſıİ", "*a*b*")
	f.Fuzz(func(t *testing.T, a, b, text string) {
		foldA, foldB := wire.FoldKey(a), wire.FoldKey(b)
		if equal := wire.EqualKeys(a, b); equal != (foldA == foldB) || equal != wire.EqualKeys(b, a) {
			t.Errorf("EqualKeys(%q, %q) is %v, FoldKey %q and %q", a, b, equal, foldA, foldB)
		}
		if wire.FoldKey(foldA) != foldA || !wire.EqualKeys(a, foldA) {
			t.Errorf("%q folds to %q", a, foldA)
		}
		scope, err := wire.ParseScope([]string{text})
		if err != nil {
			return
		}
		if got, want := scope.Contains(a), glob(wire.FoldKey(text), foldA); got != want {
			t.Errorf("pattern %q contains %q: got %v", text, a, got)
		}
	})
}

// glob matches as slowly as it reads.
func glob(pattern, text string) bool {
	reach := make([]bool, len(text)+1) // the lengths of text that the pattern so far can match
	reach[0] = true
	for i := range len(pattern) {
		for j := len(text); j >= 0; j-- {
			if pattern[i] != '*' {
				reach[j] = j > 0 && reach[j-1] && text[j-1] == pattern[i]
			}
		}
		for j := 1; pattern[i] == '*' && j <= len(text); j++ {
			reach[j] = reach[j] || reach[j-1]
		}
	}
	return reach[len(text)]
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package wire_test

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/sessionbridge/session/internal/dotnetpeer"
	"github.com/sessionbridge/session/wire"
	"pgregory.net/rapid"
)

// A check of rapid is one of a hundred; with this many sessions each, .NET is
// asked about a thousand a test.
const sessionsPerCheck = 10

func TestDotNetReadsWhatWeWrite(t *testing.T) {
	oracle := dotnetpeer.Oracle(t)
	rapid.Check(t, func(t *rapid.T) {
		for range sessionsPerCheck {
			s := drawSession(t)
			data := wire.Append(nil, &s)
			want, n, err := wire.Decode(data, wide)
			if err != nil {
				t.Fatal(err)
			}
			got, rest, err := askDotNet(t, oracle, append(data, drawBytes(t, "rest", 3)...))
			if err != nil {
				t.Fatalf("%x: %v", data, err)
			}
			if diff := cmp.Diff(got, want, sameSession); diff != "" || n+rest < len(data) {
				t.Fatalf("%x (-.NET +ours)\n%s", data, diff)
			}
		}
	})
}

func TestWeReadWhatDotNetReads(t *testing.T) {
	oracle := dotnetpeer.Oracle(t)
	// Lengths that would make the peer allocate gigabytes are not asked about.
	lim := wire.Limits{Session: 1 << 24, Value: 1 << 24, Keys: 1<<31 - 1, Key: 1<<31 - 1}
	accepted, refused := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		for range sessionsPerCheck {
			data := drawHostile(t)
			ours, n, err := wire.Decode(data, lim)
			if err != nil && strings.Contains(err.Error(), "limit") {
				continue
			}
			theirs, rest, theirErr := askDotNet(t, oracle, data)
			if (err == nil) != (theirErr == nil) {
				t.Fatalf("%x\nours: %v\n.NET: %v", data, err, theirErr)
			}
			if err != nil {
				refused++
				continue
			}
			accepted++
			if diff := cmp.Diff(theirs, ours, sameSession); diff != "" || n+rest != len(data) {
				t.Fatalf("%x\nwe take %d of %d bytes, .NET leaves %d (-.NET +ours)\n%s", data, n, len(data), rest, diff)
			}
		}
	})
	t.Logf("%d sessions accepted, %d refused", accepted, refused)
}

// askDotNet returns what .NET's BinaryReader makes of a session, and how many
// bytes it leaves.
func askDotNet(t rapid.TB, oracle *dotnetpeer.OracleProcess, data []byte) (s wire.Session, rest int, err error) {
	t.Helper()
	answer := oracle.Ask("session " + hex.EncodeToString(data))
	text, ok := strings.CutPrefix(answer, "ok ")
	if !ok {
		return s, 0, errors.New(answer)
	}
	var reply struct {
		ID                             string
		IsNew, IsAbandoned, IsReadOnly bool
		TimeoutMinutes                 int32
		Items                          []struct{ Key, Data string }
		Unknown                        []string
		Rest                           int
	}
	if err := json.Unmarshal([]byte(text), &reply); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	s.Header = wire.Header{
		ID: reply.ID, New: reply.IsNew, Abandoned: reply.IsAbandoned, ReadOnly: reply.IsReadOnly, Timeout: reply.TimeoutMinutes,
	}
	s.Unknown = reply.Unknown
	for _, i := range reply.Items {
		value, err := hex.DecodeString(i.Data)
		if err != nil {
			t.Fatal(err)
		}
		s.Items = append(s.Items, wire.Item{Key: i.Key, Value: value})
	}
	return s, reply.Rest, nil
}

func drawBytes(t *rapid.T, label string, most int) []byte {
	return rapid.SliceOfN(rapid.Byte(), 0, most).Draw(t, label)
}

// drawText draws a string that may not be UTF-8, and may have half a character
// at its end. Of those longer than 128 bytes .NET has its own opinion.
func drawText(t *rapid.T, label string) string {
	pieces := rapid.SliceOfN(rapid.SampledFrom([]string{
		"", "key", "Größe", "漢", "😀", "\xff", "\xc3", "\xa9", "\xe2\x82", "\xf0\x9f\x98", "\x80", "\xed\xa0\x80", "\xc0\x80", "\xf4\x90\x80\x80",
		strings.Repeat("k", 125), strings.Repeat("é", 64), strings.Repeat("x", 300),
	}), 0, 4)
	return strings.Join(pieces.Draw(t, label), "")
}

func drawSession(t *rapid.T) wire.Session {
	timeout := rapid.OneOf(rapid.Int32(), rapid.SampledFrom([]int32{-1, 0, 20, 127, 128, 525_600})).Draw(t, "timeout")
	s := wire.Session{Header: wire.Header{
		ID:  drawText(t, "id"),
		New: rapid.Bool().Draw(t, "new"), Abandoned: rapid.Bool().Draw(t, "abandoned"), ReadOnly: rapid.Bool().Draw(t, "read-only"),
		Timeout: timeout,
	}}
	for range rapid.IntRange(0, 4).Draw(t, "items") {
		s.Items = append(s.Items, wire.Item{Key: drawText(t, "key"), Value: drawBytes(t, "value", 200)})
	}
	for range rapid.IntRange(0, 3).Draw(t, "unknown") {
		s.Unknown = append(s.Unknown, drawText(t, "unknown key"))
	}
	return s
}

// drawHostile draws bytes that are almost a session: written without mending the
// strings, with numbers in odd forms, then changed here and there.
func drawHostile(t *rapid.T) []byte {
	s := drawSession(t)
	text := func(dst []byte, s string) []byte { return append(oddInt(t, dst, len(s)), s...) }
	data := text([]byte{1}, s.ID)
	data = append(data, rapid.Byte().Draw(t, "flag"), 0, 2)
	data = oddInt(t, data, int(s.Timeout))
	data = oddInt(t, data, len(s.Items))
	for _, i := range s.Items {
		data = text(text(data, i.Key), string(i.Value))
	}
	data = oddInt(t, data, len(s.Unknown))
	for _, key := range s.Unknown {
		data = text(data, key)
	}
	for range rapid.SampledFrom([]int{0, 0, 0, 1, 2}).Draw(t, "changes") {
		at := rapid.IntRange(0, len(data)).Draw(t, "at")
		end := min(at+rapid.IntRange(0, 2).Draw(t, "bytes"), len(data))
		data = slices.Replace(data, at, end, drawBytes(t, "by", 2)...)
	}
	return data
}

// oddInt appends a number as .NET does, or in more bytes than it needs, or as
// something that is none.
func oddInt(t *rapid.T, dst []byte, n int) []byte {
	form := "plain"
	if rapid.IntRange(0, 3).Draw(t, "odd") == 3 {
		form = rapid.SampledFrom([]string{"long", "long", "longest", "longest", "bad"}).Draw(t, "form")
	}
	u := uint32(n)
	size := 0
	for ; u >= 0x80; u >>= 7 {
		dst = append(dst, byte(u)|0x80)
		size++
	}
	switch {
	case form == "long" && size < 4:
		return append(dst, byte(u)|0x80, 0)
	case form == "longest" && size < 4:
		dst = append(dst, byte(u)|0x80)
		return append(append(dst, "\x80\x80\x80"[size:]...), 0)
	case form == "bad":
		return append(dst, "\x80\x80\x80\x80"[min(size, 4):]+"\x10"...)
	}
	return append(dst, byte(u))
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package dotnet_test

import (
	"encoding/hex"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sessionbridge/session/dotnet"
	"github.com/sessionbridge/session/internal/dotnetpeer"
	"pgregory.net/rapid"
)

// An oracleType is one of .NET's that the oracle reads and writes.
type oracleType struct {
	name string // as the oracle calls it
	goes reflect.Type
	draw func(t *rapid.T) any    // a value
	text func(t *rapid.T) string // JSON that may be one
}

// valuesPerCheck returns how many values rapid is to draw in each of its hundred
// checks. DOTNET_VALUES says how many there are to be of each type.
func valuesPerCheck(t *testing.T) int {
	n, err := strconv.Atoi(os.Getenv("DOTNET_VALUES"))
	if err != nil {
		n = 400
	}
	t.Logf("about %d values", n)
	return max(1, n/100)
}

func TestDotNetReadsWhatWeWrite(t *testing.T) {
	t.Setenv("TZ", "UTC") // .NET makes each local time one of its own zone
	oracle := dotnetpeer.Oracle(t)
	for _, typ := range oracleTypes() {
		t.Run(typ.name, func(t *testing.T) { dotNetReadsWhatWeWrite(t, oracle, typ) })
	}
}

func dotNetReadsWhatWeWrite(t *testing.T, oracle *dotnetpeer.OracleProcess, typ oracleType) {
	codec, n := new(dotnet.Codec), valuesPerCheck(t)
	rapid.Check(t, func(t *rapid.T) {
		for range n {
			v := typ.draw(t)
			ours, err := codec.Marshal(v)
			if err != nil {
				t.Fatalf("%#v: %v", v, err)
			}
			want := inUTC(t, codec, v, ours)
			theirs, ok := ask(t, oracle, typ.name, ours)
			if !ok || theirs != want {
				t.Fatalf("we wrote %s\n.NET: %s\nwant  %s", ours, theirs, want)
			}
			back := reflect.New(typ.goes)
			if err := codec.Unmarshal([]byte(theirs), back.Interface()); err != nil {
				t.Fatalf("%s: %v", theirs, err)
			}
			again, err := codec.Marshal(back.Elem().Interface())
			if err != nil || string(again) != theirs {
				t.Fatalf("read %s\nwrote %s, %v", theirs, again, err)
			}
		}
	})
}

// inUTC returns what a .NET program in UTC writes of a value that we have written.
func inUTC(t rapid.TB, codec *dotnet.Codec, v any, text []byte) string {
	d, ok := v.(dotnet.DateTime)
	if !ok {
		return string(text)
	}
	text, err := codec.Marshal(d.In(time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestWeReadWhatDotNetReads(t *testing.T) {
	t.Setenv("TZ", "UTC")
	oracle := dotnetpeer.Oracle(t)
	for _, typ := range oracleTypes() {
		t.Run(typ.name, func(t *testing.T) { weReadWhatDotNetReads(t, oracle, typ) })
	}
}

func weReadWhatDotNetReads(t *testing.T, oracle *dotnetpeer.OracleProcess, typ oracleType) {
	codec, n := new(dotnet.Codec), valuesPerCheck(t)
	accepted, refused := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		for range n {
			text := []byte(drawText(t, codec, typ))
			theirs, theirsOK := ask(t, oracle, typ.name, text)
			ours, err := readAndWrite(codec, typ.goes, text)
			if theirsOK != (err == nil) {
				t.Fatalf("%q\nours: %s, %v\n.NET: %s", text, ours, err, theirs)
			}
			if err != nil {
				refused++
				continue
			}
			accepted++
			// A .NET class can have properties that are not null to begin with.
			if typ.name != "Cart" && !sameText(typ.goes, ours, []byte(theirs)) {
				t.Fatalf("%q\nours: %s\n.NET: %s", text, ours, theirs)
			}
		}
	})
	t.Logf("%d accepted, %d refused", accepted, refused)
}

func readAndWrite(codec *dotnet.Codec, typ reflect.Type, text []byte) ([]byte, error) {
	v := reflect.New(typ)
	if err := codec.Unmarshal(text, v.Interface()); err != nil {
		return nil, err
	}
	if d, ok := v.Interface().(*dotnet.DateTime); ok {
		*d = d.In(time.UTC)
	}
	return codec.Marshal(v.Elem().Interface())
}

// ask returns what .NET writes of what it reads, or its complaint.
func ask(t rapid.TB, oracle *dotnetpeer.OracleProcess, typ string, text []byte) (answer string, ok bool) {
	answer = oracle.Ask("value " + typ + " " + hex.EncodeToString(text))
	answer, ok = strings.CutPrefix(answer, "ok ")
	if !ok {
		return answer, false
	}
	b, err := hex.DecodeString(answer)
	if err != nil {
		t.Fatal(err)
	}
	return string(b), true
}

// drawText draws JSON of a type, or something like it.
func drawText(t *rapid.T, codec *dotnet.Codec, typ oracleType) string {
	text := ""
	if typ.text != nil && rapid.Bool().Draw(t, "odd") {
		text = typ.text(t)
	} else {
		b, err := codec.Marshal(typ.draw(t))
		if err != nil {
			t.Fatal(err)
		}
		text = string(b)
	}
	for range rapid.SampledFrom([]int{0, 0, 1, 1, 2}).Draw(t, "changes") {
		text = drawChange(t, text)
	}
	return text
}

// drawChange puts something else in the place of up to two bytes.
func drawChange(t *rapid.T, text string) string {
	at := rapid.IntRange(0, len(text)).Draw(t, "at")
	end := min(at+rapid.IntRange(0, 2).Draw(t, "bytes"), len(text))
	by := rapid.SampledFrom([]string{
		"", "", "0", "1", "5", "9", ".", "-", "+", "e", "E", ":", "T", "Z", " ", "\t", "\n", "\v", `"`, `\`, "/", ",", "null", "true", "a", "{", "}", "[", "]",
		`\u0030`, `\u003a`, `\u0000`, `\ud83d`, `\ude00`, `\ud83d\ude00`, `\n`, `\/`, `\x`, "\xff", "\xed\xa0\x80", "é", "😀", "\x00", "\ufeff", "00", "99", "=", "=="})
	return text[:at] + by.Draw(t, "by") + text[end:]
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package dotnet_test

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/sessionbridge/session/dotnet"
)

// roundTrip reads text as T and writes it again.
func roundTrip[T any](text string) (string, error) {
	var codec dotnet.Codec
	var v T
	if err := codec.Unmarshal([]byte(text), &v); err != nil {
		return "", err
	}
	out, err := codec.Marshal(v)
	return string(out), err
}

func TestTimeKeepsWhatItWas(t *testing.T) {
	for _, text := range []string{
		`"2024-02-29T13:45:30Z"`, `"2024-02-29T13:45:30+00:00"`, `"2024-02-29T13:45:30.1234567+05:30"`, `"0001-01-01T00:00:00Z"`,
		`"9999-12-31T23:59:59.9999999-00:30"`,
	} {
		if got, err := roundTrip[time.Time](text); strings.HasSuffix(text, `-00:30"`) != (err != nil) || err == nil && got != text {
			t.Errorf("%s became %s, %v", text, got, err)
		}
	}
	for _, text := range []string{`"2024-02-29T13:45:30"`, `"2024-02-29"`, `null`, `1`} {
		if got, err := roundTrip[time.Time](text); err == nil {
			t.Errorf("%s became %s, want an error", text, got)
		}
	}
}

func TestTimeIsCutToTicks(t *testing.T) {
	var codec dotnet.Codec
	east := time.FixedZone("LMT", 5*60*60+53*60+28) // Calcutta's clocks, before they had whole minutes
	for want, v := range map[string]any{
		`"2024-02-29T13:45:30.1234567Z"`:         time.Date(2024, 2, 29, 13, 45, 30, 123456789, time.UTC),
		`"1900-01-01T05:53:00+05:53"`:            time.Date(1900, 1, 1, 5, 53, 28, 0, east),
		`"2024-02-29T13:45:30+00:00"`:            time.Date(2024, 2, 29, 13, 45, 30, 0, time.FixedZone("UTC", 0)),
		`"00:00:00.0000012"`:                     1234 * time.Nanosecond,
		`"-01:30:00"`:                            -90 * time.Minute,
		`"2024-02-29T13:45:30.1234567"`:          dotnet.NewDateTime(time.Date(2024, 2, 29, 13, 45, 30, 123456789, east), dotnet.Unspecified),
		`"2024-02-29T12:45:30+00:00"`:            dotnet.NewDateTimeOffset(time.Date(2024, 2, 29, 12, 45, 30, 0, time.UTC)),
		`"13:45:30.0000001"`:                     dotnet.NewTimeOnly(time.Date(2024, 2, 29, 13, 45, 30, 199, time.UTC)),
		`"2024-03-01"`:                           dotnet.NewDateOnly(2024, 2, 30),
		`{"2024-02-29T12:45:30+00:00":"\u002B"}`: map[dotnet.DateTimeOffset]string{dotnet.NewDateTimeOffset(time.Date(2024, 2, 29, 12, 45, 30, 0, time.UTC)): "+"},
	} {
		if got, err := codec.Marshal(v); string(got) != want || err != nil {
			t.Errorf("%v: got %s, %v, want %s", v, got, err, want)
		}
	}
}

func TestValuesThatDotNetHasNotAreRefused(t *testing.T) {
	var codec dotnet.Codec
	deep := &node{}
	deep.Next = deep
	for name, v := range map[string]any{
		"year 10000": time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), "year 0": time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC),
		"year 292277026596": time.Unix(1<<62, 0), "15 hours": time.Now().In(time.FixedZone("", 15*60*60)),
		"day 10000": dotnet.NewDateOnly(10000, 1, 1), "day 0": dotnet.NewDateOnly(0, 1, 1), "25 hours": dotnet.TimeOnly(25 * 36e9),
		"int": 1 << 40, "uint": uint(1 << 40), "cycle": deep, "number": json.Number("1."), "raw": json.RawMessage("{a}"),
		"two": json.RawMessage("1 2"), "same keys": map[folded]int{"A": 1, "a": 2},
		"half": json.RawMessage(`"\ud83d"`), "key": map[string]int{"\xff": 1}, "nil": nil,
	} {
		if got, err := codec.Marshal(v); err == nil {
			t.Errorf("%s became %s, want an error", name, got)
		}
	}
}

// Of folded some are the same as text.
type folded string

func (f folded) MarshalText() ([]byte, error)  { return []byte(strings.ToLower(string(f))), nil }
func (f *folded) UnmarshalText(b []byte) error { *f = folded(b); return nil }

func TestDepthOfCollections(t *testing.T) {
	type dictionaries map[string]dictionaries
	var codec dotnet.Codec
	var l lists
	var d dictionaries
	for range 64 {
		l, d = lists{l}, dictionaries{"": d}
	}
	for _, v := range []any{l, d} {
		if _, err := codec.Marshal(v); err != nil {
			t.Errorf("64 deep: %v", err)
		}
	}
	for _, v := range []any{lists{l}, dictionaries{"": d}} {
		if _, err := codec.Marshal(v); err == nil {
			t.Errorf("%T: 65 were written", v)
		}
	}
}

func TestTextsThatAreTooLong(t *testing.T) {
	if _, err := dotnet.ParseTimeSpan(strings.Repeat("0", 150) + ":01"); err != nil {
		t.Error(err)
	}
	if s, err := dotnet.ParseTimeSpan(strings.Repeat("0", 155) + ":01"); err == nil {
		t.Errorf("158 characters are %v", s)
	}
	var c dotnet.Char
	for _, text := range []string{"", "ab", "\xff", "😀", "\xed\xa0\x80"} {
		if err := c.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is a char", text)
		}
	}
}

func TestDepthIsThatOfDotNet(t *testing.T) {
	var codec dotnet.Codec
	var chain *node
	for range 64 {
		chain = &node{Next: chain}
	}
	text, err := codec.Marshal(chain)
	if err != nil {
		t.Fatal(err)
	}
	if err := codec.Unmarshal(text, &chain); err != nil {
		t.Error(err)
	}
	if _, err := codec.Marshal(&node{Next: chain}); err == nil {
		t.Error("65 were written")
	}
	if err := codec.Unmarshal([]byte(`{"Next":`+string(text)+`}`), &chain); err == nil {
		t.Error("65 were read")
	}
	raw := json.RawMessage(strings.Repeat("[", 64) + strings.Repeat("]", 64))
	if _, err := codec.Marshal([]json.RawMessage{raw}); err == nil {
		t.Error("65 were written, 64 of them raw")
	}
}

func TestReadErrorsSayWhere(t *testing.T) {
	var codec dotnet.Codec
	for text, want := range map[string]string{
		`{"Items":[{"Id":1},{"Id":"7"}]}`:      `dotnet: $.Items[1].Id, byte 25: found a string, want a number of type int`,
		`{"Items":[{"Id":1.0}]}`:               `dotnet: $.Items[0].Id, byte 16: found a number with a fraction or an exponent, want a number of type int`,
		`{"Created":"secret"}`:                 `dotnet: $.Created, byte 11: found a string of another form, want a DateTime`,
		`{"Created":null}`:                     `dotnet: $.Created, byte 11: found null, want a DateTime`,
		`{"Items":[],}`:                        `dotnet: $, byte 12: found }, want a value after the comma`,
		`{"Owner":"a"`:                         `dotnet: $, byte 12: found the end, want a comma or }`,
		"\xef\xbb\xbf{}":                       `dotnet: $, byte 0: found a byte order mark, want an object`,
		`{"Owner":"\ud83d"}`:                   `dotnet: $.Owner, byte 9: found half a surrogate pair, want both halves`,
		`{"Items":[{"Id":2147483648,"Id":1}]}`: `dotnet: $.Items[0].Id, byte 16: found a number out of range, want a number of type int`,
	} {
		err := codec.Unmarshal([]byte(text), &cart{})
		if read, ok := errors.AsType[*dotnet.ReadError](err); !ok || err.Error() != want {
			t.Errorf("%s\ngot  %v %v\nwant %s", text, read, err, want)
		}
	}
	err := codec.Unmarshal([]byte(`{"the secret":x}`), &map[string]int{})
	if err == nil || strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), "$.*, byte 14") {
		t.Errorf("a dictionary: %v", err)
	}
}

func TestWriteErrorsSayWhere(t *testing.T) {
	var codec dotnet.Codec
	_, err := codec.Marshal(map[string][]cart{"a": {{}, {Items: []product{{ID: 1 << 33}}}}})
	write, ok := errors.AsType[*dotnet.WriteError](err)
	if !ok || write.Path != "$.*[1].Items[0].Id" {
		t.Errorf("got %v", err)
	}
}

func TestWriteErrorsOfRawJSONSayWhere(t *testing.T) {
	var codec dotnet.Codec
	_, err := codec.Marshal([]json.RawMessage{json.RawMessage(`{"a":x}`)})
	const want = "dotnet: $[0]: this is not JSON that .NET would read: byte 5: found what is no JSON, want a JSON value"
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	if read, ok := errors.AsType[*dotnet.ReadError](err); ok {
		t.Errorf("writing failed with %v", read)
	}
}

func TestErrorsDeepDownAreShort(t *testing.T) {
	type link struct {
		Next *link
		IDs  []int
	}
	var codec dotnet.Codec
	cycle := &link{}
	cycle.Next = cycle
	_, err := codec.Marshal(cycle)
	const want = "dotnet: $.Next.Next.Next.Next.Next.Next.Next.Next.Next….Next.Next.Next.Next.Next.Next.Next.Next.Next.Next: " +
		"more than 64 arrays and objects in each other, or a cycle"
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	if write, ok := errors.AsType[*dotnet.WriteError](err); !ok || strings.Count(write.Path, ".Next") != 64 {
		t.Errorf("the path itself is %v", err)
	}
	text := strings.Repeat(`{"Next":`, 40) + `{"IDs":[1,"2"]}` + strings.Repeat("}", 40)
	err = codec.Unmarshal([]byte(text), &link{})
	if err == nil || !strings.HasPrefix(err.Error(), "dotnet: $.Next.Next") || !strings.Contains(err.Error(), "….Next") ||
		!strings.Contains(err.Error(), ".Next.IDs[1], byte 330: found a string") || len(err.Error()) > 200 {
		t.Errorf("got %v", err)
	}
	name := strings.Repeat("é", 80) + "x"
	err = codec.Unmarshal([]byte(`{"`+name+`":"1"}`), reflect.New(reflect.StructOf([]reflect.StructField{{
		Name: "A", Type: reflect.TypeFor[int](), Tag: reflect.StructTag(`dotnet:"` + name + `"`),
	}})).Interface())
	if err == nil || !utf8.ValidString(err.Error()) {
		t.Errorf("a long name: %q", err)
	}
}

func TestReadSetsAllOfTheValue(t *testing.T) {
	var codec dotnet.Codec
	one := 1
	v := struct {
		A *int
		B map[string]int
		C []int
		D struct{ E, F int }
	}{&one, map[string]int{"old": 1}, []int{1, 2, 3}, struct{ E, F int }{1, 2}}
	err := codec.Unmarshal([]byte(`{"B":{"new":2},"C":[7],"D":{"E":3},"D":{"F":4},"A":null,"b":{}}`), &v)
	got, _ := codec.Marshal(v)
	if want := `{"A":null,"B":{"new":2},"C":[7],"D":{"E":0,"F":4}}`; string(got) != want || err != nil || one != 1 {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
}

func TestNullStaysNull(t *testing.T) {
	const text = `{"Owner":null,"Items":null,"Created":"2024-01-01T00:00:00","Promo":null}`
	if got, err := roundTrip[cart](text); got != text || err != nil {
		t.Errorf("got %s, %v", got, err)
	}
	if got, err := roundTrip[*cart]("null"); got != "null" || err != nil {
		t.Errorf("got %s, %v", got, err)
	}
	if got, err := roundTrip[string]("null"); got != `""` || err != nil {
		t.Errorf("got %s, %v", got, err)
	}
	for _, err := range []error{second(roundTrip[cart]("null")), second(roundTrip[int]("null")), second(roundTrip[[2]int]("null"))} {
		if err == nil {
			t.Error("null became a value")
		}
	}
}

func second(_ string, err error) error { return err }

// A uuid is as the usual packages have it.
type uuid [16]byte

func (u uuid) MarshalText() ([]byte, error)  { return dotnet.GUID(u).MarshalText() }
func (u *uuid) UnmarshalText(b []byte) error { return (*dotnet.GUID)(u).UnmarshalText(b) }

func TestTextMethodsMakeAString(t *testing.T) {
	const text = `{"0f8fad5b-d9cb-469f-a165-70867728950e":"0f8fad5b-d9cb-469f-a165-70867728950e"}`
	if got, err := roundTrip[map[uuid]uuid](text); got != text || err != nil {
		t.Errorf("got %s, %v", got, err)
	}
}

// A yesNo is a bool that a .NET converter writes as a word.
type yesNo bool

func (y yesNo) MarshalDotNet() ([]byte, error) {
	if y {
		return []byte(` "Yes+" `), nil
	}
	return []byte(`"No`), nil
}

func (y *yesNo) UnmarshalDotNet(text []byte) error {
	*y = yesNo(strings.HasPrefix(string(text), `"Yes`))
	if !*y && string(text) != `"No"` {
		return errors.New("neither")
	}
	return nil
}

func TestMarshalerSaysHowItCrosses(t *testing.T) {
	if got, err := roundTrip[[]yesNo](`["Yes"]`); got != `["Yes\u002B"]` || err != nil {
		t.Errorf("got %s, %v", got, err)
	}
	if got, err := roundTrip[[]yesNo](`["No"]`); err == nil {
		t.Errorf("what is no JSON was written: %s", got)
	}
	if _, err := roundTrip[[]yesNo](`[1]`); err == nil {
		t.Error("a number was read")
	}
}

func TestDateTimeOffsetWithoutOneIsLocal(t *testing.T) {
	var codec dotnet.Codec
	var got dotnet.DateTimeOffset
	if err := codec.Unmarshal([]byte(`"2024-07-15T13:45:30"`), &got); err != nil {
		t.Fatal(err)
	}
	if want := dotnet.NewDateTimeOffset(time.Date(2024, 7, 15, 13, 45, 30, 0, time.Local)); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestCodecIsSafeForConcurrentUse(t *testing.T) {
	var codec dotnet.Codec
	var workers sync.WaitGroup
	for range 8 {
		workers.Go(func() {
			text, err := codec.Marshal(&allTypes{})
			if err == nil {
				err = codec.Unmarshal(text, new(*allTypes))
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	workers.Wait()
}

func TestUnmarshalWantsAPointer(t *testing.T) {
	var codec dotnet.Codec
	for _, v := range []any{nil, 1, (*int)(nil)} {
		if err := codec.Unmarshal([]byte("1"), v); err == nil {
			t.Errorf("%v was read into", v)
		}
	}
}

func TestWhatIsNoUTF8IsRefused(t *testing.T) {
	type latin struct{ Name string }
	var codec dotnet.Codec
	for path, v := range map[string]any{
		"$": "caf\xe9", "$[1].Name": []latin{{"café\ufffd"}, {"caf\xe9"}}, "$.*": map[string]string{"a": "\xed\xa0\x80"},
		"$[0]": []plain{"\xff"}, "$.*[0]": map[plain][]plain{"": {"\xc3"}},
	} {
		got, err := codec.Marshal(v)
		write, ok := errors.AsType[*dotnet.WriteError](err)
		if !ok || write.Path != path || !strings.Contains(err.Error(), "no UTF-8") {
			t.Errorf("%q became %s, %v, want an error at %s", v, got, err, path)
		}
	}
	if got, err := codec.Marshal(map[plain]int{"\xff": 1}); err == nil {
		t.Errorf("a key that is no UTF-8 became %s", got)
	}
}

// A plain is its text.
type plain string

func (p plain) MarshalText() ([]byte, error)  { return []byte(p), nil }
func (p *plain) UnmarshalText(b []byte) error { *p = plain(b); return nil }

func TestValuesAlsoSuitEncodingJSON(t *testing.T) {
	v := allTypes{Char: 'c'}
	for name, typ := range goTypes() {
		if strings.ContainsAny(name, "<[?") {
			continue
		}
		v := reflect.New(typ)
		if text, err := json.Marshal(v.Interface()); err != nil || json.Unmarshal(text, v.Interface()) != nil {
			t.Errorf("%s: %s, %v", name, text, err)
		}
	}
	text, err := json.Marshal(v)
	if err != nil || !strings.Contains(string(text), `"Decimal":0,"Char":"c"`) || !strings.Contains(string(text), `"Dto":"0001-01-01T00:00:00+00:00"`) {
		t.Errorf("%s, %v", text, err)
	}
}

func TestHexOfAGuidIsItsText(t *testing.T) {
	g, err := dotnet.ParseGUID("0F8FAD5B-d9cb-469f-a165-70867728950e")
	if err != nil || hex.EncodeToString(g[:]) != "0f8fad5bd9cb469fa16570867728950e" {
		t.Errorf("%x, %v", g, err)
	}
	for _, text := range []string{"", "-", "0f8fad5b-d9cb-469f-a165-70867728950e0", "0f8fad5b-d9cb-469f-a165-70867728950e-", "0f8f-ad5bd9cb-469f-a165-70867728950e",
		strings.Repeat("-", 36), strings.Repeat("0", 36), strings.Repeat("0", 100)} {
		if g, err := dotnet.ParseGUID(text); err == nil {
			t.Errorf("%q is %v", text, g)
		}
	}
}

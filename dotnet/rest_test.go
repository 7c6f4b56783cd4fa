// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package dotnet_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/sessionbridge/session/dotnet"
)

// A partCart lacks some of cart, in the middle and in its lines.
type partCart struct {
	Items []struct {
		Name *string
		Rest dotnet.Rest
	}
	Promo *product
	dotnet.Rest
}

func TestRestKeepsWhatTheStructLacks(t *testing.T) {
	const text = `{"$type":"c","Owner":null,"Items":[{"Id":7,"Name":"a","Price":1.50}],"Created":"2024-01-01T00:00:00","Promo":null,"items":[{}],"na\u00EFve":"a\u002Bb"}`
	if got, err := roundTrip[partCart](text); got != text || err != nil {
		t.Errorf("%v\ngot  %s\nwant %s", err, got, text)
	}
	var codec dotnet.Codec
	var v partCart
	data := []byte(text)
	if err := codec.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	clear(data) // nothing of which is kept
	want := dotnet.Rest{
		{Name: "$type", Value: json.RawMessage(`"c"`)}, {Name: "Owner", Value: json.RawMessage(`null`)},
		{Name: "Created", Value: json.RawMessage(`"2024-01-01T00:00:00"`), After: "Items"},
		{Name: "items", Value: json.RawMessage(`[{}]`), After: "Promo"}, {Name: "naïve", Value: json.RawMessage(`"a\u002Bb"`), After: "Promo"},
	}
	if diff := cmp.Diff(v.Rest, want); diff != "" {
		t.Errorf("(-got +want)\n%s", diff)
	}
	if err := codec.Unmarshal([]byte(`{}`), &v); err != nil || v.Rest != nil {
		t.Errorf("what was there before stays: %v, %v", v.Rest, err)
	}
}

// What is read in another order than the struct's has all that it had.
func TestRestInAnyOrder(t *testing.T) {
	type part struct {
		A, B int
		More dotnet.Rest
	}
	for text, want := range map[string]string{
		`{"B":2,"x":1,"A":1,"y":[{ }],"x":3}`: `{"A":1,"B":2,"x":1,"y":[{}],"x":3}`,
		`{"x":1}`:                             `{"x":1,"A":0,"B":0}`,
		`{"A":1,"x":"\/","A":2}`:              `{"A":2,"x":"/","B":0}`,
		`{"\u0041":1,"\u0061":1}`:             `{"A":1,"a":1,"B":0}`,
	} {
		if got, err := roundTrip[part](text); got != want || err != nil {
			t.Errorf("%s became %s, %v, want %s", text, got, err, want)
		}
	}
}

// TestRestOfGoldenValues reads each object that .NET wrote as a struct that has
// every second one of its properties, and writes it again byte for byte.
func TestRestOfGoldenValues(t *testing.T) {
	codec, types, passed := new(dotnet.Codec), goTypes(), 0
	for _, c := range goldenCases(t, "testdata/json-values.json") {
		typ := types[c.Type]
		if typ != nil && typ.Kind() == reflect.Pointer {
			typ = typ.Elem()
		}
		if c.Outcome != "ok" || typ == nil || !strings.HasPrefix(*c.JSON, "{") || !hasHalves(typ) {
			continue
		}
		for from := range 2 {
			v := reflect.New(half(typ, from))
			err := codec.Unmarshal([]byte(*c.JSON), v.Interface())
			got, err2 := codec.Marshal(v.Elem().Interface())
			if string(got) != *c.JSON || err != nil || err2 != nil {
				t.Errorf("%s from %d: %s became %s, %v, %v", c.Type, from, *c.JSON, got, err, err2)
			}
			passed++
		}
	}
	if passed < 20 {
		t.Errorf("only %d objects", passed)
	}
}

// hasHalves tells whether a type is a struct with fields to leave out.
func hasHalves(typ reflect.Type) bool {
	if typ.Kind() != reflect.Struct || typ.NumField() == 0 {
		return false
	}
	return !slices.ContainsFunc(reflect.VisibleFields(typ), func(f reflect.StructField) bool { return !f.IsExported() })
}

// half returns a struct of every second field, and a rest.
func half(typ reflect.Type, from int) reflect.Type {
	fields := []reflect.StructField{{Name: "Rest", Type: reflect.TypeFor[dotnet.Rest]()}}
	for i := from; i < typ.NumField(); i += 2 {
		fields = append(fields, typ.Field(i))
	}
	return reflect.StructOf(fields)
}

// FuzzRest reads any object as a struct without fields: it is written as a
// json.RawMessage is.
func FuzzRest(f *testing.F) {
	for _, c := range goldenCases(f, "testdata/json-read.json") {
		f.Add(c.input(f))
	}
	f.Add([]byte(`{"A":[1],"b":{"A":null},"b":" "}`))
	codec := new(dotnet.Codec)
	f.Fuzz(func(t *testing.T, data []byte) {
		var all json.RawMessage
		if codec.Unmarshal(data, &all) != nil || len(all) == 0 || all[0] != '{' {
			return
		}
		want, err := codec.Marshal(all)
		if err != nil {
			return // half a surrogate pair
		}
		var v struct{ Rest dotnet.Rest }
		if err := codec.Unmarshal(data, &v); err != nil {
			t.Fatalf("%s: %v", data, err)
		}
		if got, err := codec.Marshal(v); string(got) != string(want) || err != nil {
			t.Fatalf("%s became %s, %v, want %s", data, got, err, want)
		}
	})
}

func TestRestThatCanNotBeWritten(t *testing.T) {
	type part struct {
		A int
		dotnet.Rest
	}
	var codec dotnet.Codec
	for want, m := range map[string]dotnet.Member{
		"$.A: a dotnet.Rest has a member that a field takes": {Name: "A"},
		"$.*: the string is no UTF-8":                        {Name: "\xff"},
		"$.x: this is not JSON":                              {Name: "x", Value: json.RawMessage("{")},
		"$.*: this is not JSON":                              {Name: "ada@example.com", Value: json.RawMessage("")},
	} {
		got, err := codec.Marshal(part{Rest: dotnet.Rest{m}})
		if err == nil || !strings.HasPrefix(err.Error(), "dotnet: "+want) {
			t.Errorf("%v became %s, %v, want %s", m, got, err, want)
		}
	}
	deep := json.RawMessage(strings.Repeat("[", 64) + strings.Repeat("]", 64))
	if _, err := codec.Marshal(part{Rest: dotnet.Rest{{Name: "x", Value: deep}}}); err == nil {
		t.Error("65 were written, 64 of them in the rest")
	}
	got, err := codec.Marshal(part{Rest: dotnet.Rest{{Name: "x", After: "Z"}, {Name: "y"}}})
	if want := `{"A":0,"x":null,"y":null}`; string(got) != want || err != nil {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
	alone := struct{ dotnet.Rest }{dotnet.Rest{{Name: "x", After: "Z"}}}
	if got, err := codec.Marshal(alone); string(got) != `{"x":null}` || err != nil {
		t.Errorf("a rest alone: %s, %v", got, err)
	}
}

func TestRestThatCanNotBeRead(t *testing.T) {
	var bad *dotnet.ReadError
	if err := new(dotnet.Codec).Unmarshal([]byte("{ \"\xff\": 1}"), &partCart{}); !errors.As(err, &bad) || bad.Offset != 2 || bad.Want != "UTF-8" {
		t.Errorf("got %v, want an error of a name that is no UTF-8", err)
	}
}

func TestWhereARestCanNotBe(t *testing.T) {
	type base struct{ dotnet.Rest }
	var codec dotnet.Codec
	err := codec.Check(reflect.TypeFor[struct {
		dotnet.Rest
		base
		Named dotnet.Rest `dotnet:"Named"`
		Off   dotnet.Rest `dotnet:"-"`
		rest  dotnet.Rest
		Many  []dotnet.Rest
	}]())
	bad, ok := errors.AsType[*dotnet.TypeError](err)
	if !ok {
		t.Fatal(err)
	}
	var got []string
	for _, c := range bad.Complaints {
		got = append(got, c.Path+" "+c.Reason)
	}
	want := []string{
		"$.Named has a dotnet tag, but what is in a dotnet.Rest has names of its own", "$.rest is a dotnet.Rest, but is not exported",
		"$.Many[] is only of use as a field of a struct; use json.RawMessage for any value", "$.Rest is the second dotnet.Rest of its struct",
	}
	if diff := cmp.Diff(got, want); diff != "" {
		t.Errorf("(-got +want)\n%s", diff)
	}
	if got, err := roundTrip[base](`{"a":1}`); got != `{"a":1}` || err != nil {
		t.Errorf("a rest alone: %s, %v", got, err)
	}
}

func TestStrictRefusesWhatTheStructLacks(t *testing.T) {
	codec := dotnet.Codec{Strict: true}
	for text, want := range map[string]string{
		`{"Items":[{"Id":1},{"Id":1,"Discount":2}]}`: `dotnet: $.Items[1].Discount, byte 27: found a property that the struct lacks, want a field for it, or a dotnet.Rest`,
		`{"items":[]}`:         `dotnet: $.items, byte 1: found a property that the struct lacks, want a field for it, or a dotnet.Rest`,
		`{ "a b@c": "d"}`:      `dotnet: $.*, byte 2: found a property that the struct lacks, want a field for it, or a dotnet.Rest`,
		"{\"\xff\": \"d\"}":    `dotnet: $.*, byte 1: found a property that the struct lacks, want a field for it, or a dotnet.Rest`,
		`{"Promo":{"Id":"1"}}`: `dotnet: $.Promo.Id, byte 15: found a string, want a number of type int`,
	} {
		if err := codec.Unmarshal([]byte(text), &cart{}); err == nil || err.Error() != want {
			t.Errorf("%s\ngot  %v\nwant %s", text, err, want)
		}
	}
	if err := codec.Unmarshal([]byte(`{"Owner":null,"Items":[],"New":{"a":1}}`), &struct {
		Owner *string
		Items []struct{}
		dotnet.Rest
	}{}); err != nil {
		t.Error(err)
	}
}

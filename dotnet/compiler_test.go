// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package dotnet_test

import (
	"encoding/json"
	"errors"
	"math/big"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/sessionbridge/session/dotnet"
)

func TestCheckTellsAllThatCannotCross(t *testing.T) {
	type inner struct{ A, B func() }
	type bad struct {
		C     chan int
		X     complex64
		I     any
		P     uintptr
		PP    **int
		PS    *[]int
		Keys  map[[2]int]int
		Times map[time.Time]int
		JSON  forBrowsers
		Bytes [4]byte
		Inner []inner
		Lower string `json:"lower"`
		Empty int    `json:",omitempty"`
		Opts  int    `dotnet:"Opts,omitempty"`
		One   int    `dotnet:"Two"`
		Two   int
		Some  map[string]struct{ hidden int }
		small int `dotnet:"Small"`
		*point
	}
	var codec dotnet.Codec
	err := codec.Check(reflect.TypeFor[bad]())
	bads, ok := errors.AsType[*dotnet.TypeError](err)
	if !ok {
		t.Fatalf("got %v", err)
	}
	var got []string
	for _, c := range bads.Complaints {
		got = append(got, c.Path)
	}
	want := []string{
		"$.C", "$.X", "$.I", "$.P", "$.PP", "$.PS", "$.Keys", "$.Times", "$.JSON", "$.Bytes", "$.Inner[].A", "$.Inner[].B", "$.Lower", "$.Empty",
		"$.Opts", "$.Two", "$.Some.*", "$.small", "$.point",
	}
	if diff := cmp.Diff(got, want); diff != "" {
		t.Errorf("(-got +want)\n%s%v", diff, err)
	}
	for _, part := range []string{"$.C (chan int) has no counterpart in .NET; ", `as in dotnet:"lower"`, "MarshalDotNet"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%v: it does not say %q", err, part)
		}
	}
	if _, again := codec.Marshal(bad{small: 1}); again != err {
		t.Errorf("Marshal says %v", again)
	}
	if again := codec.Unmarshal([]byte("{}"), &bad{}); again != err {
		t.Errorf("Unmarshal says %v", again)
	}
}

// A forBrowsers has a form that was made for another reader.
type forBrowsers struct{}

func (forBrowsers) MarshalJSON() ([]byte, error) { return []byte("{}"), nil }

// An embedded pointer is refused if it is exported: only then could it be set.
type Embedded struct{ A int }

func TestEmbeddedPointersAreRefused(t *testing.T) {
	var codec dotnet.Codec
	if err := codec.Check(reflect.TypeFor[struct{ *Embedded }]()); err == nil {
		t.Error("an embedded pointer was taken")
	}
	text, err := codec.Marshal(struct {
		*Embedded `dotnet:"Base"`
	}{&Embedded{1}})
	if string(text) != `{"Base":{"A":1}}` || err != nil {
		t.Errorf("with a name: %s, %v", text, err)
	}
}

type tree struct {
	Name     string
	Children []tree
	ByName   map[string]*tree
	Lists    lists
}

type lists []lists

func TestTypesCanRecur(t *testing.T) {
	const text = `{"Name":"a","Children":[{"Name":"b","Children":null,"ByName":{},"Lists":[]}],"ByName":{"c":null},"Lists":[[],[[]]]}`
	if got, err := roundTrip[tree](text); got != text || err != nil {
		t.Errorf("got %s, %v", got, err)
	}
}

func TestBadRecursiveTypesAreRefused(t *testing.T) {
	type loop struct {
		Next *loop
		F    func()
	}
	var codec dotnet.Codec
	if err := codec.Check(reflect.TypeFor[loop]()); err == nil || strings.Count(err.Error(), "$.") != 1 {
		t.Errorf("got %v, want one complaint", err)
	}
}

// Twins have a field of the same name.
type (
	Twin      struct{ Same, A int }
	OtherTwin struct{ Same, B int }
)

func TestEmbeddedStructsAreBaseClasses(t *testing.T) {
	var codec dotnet.Codec
	text, err := codec.Marshal(struct {
		Twin
		Own int
		A   string
	}{Twin: Twin{1, 2}, Own: 3, A: "hides"})
	if want := `{"Own":3,"A":"hides","Same":1}`; string(text) != want || err != nil {
		t.Errorf("got %s, %v, want %s", text, err, want)
	}
	err = codec.Check(reflect.TypeFor[struct {
		Twin
		OtherTwin
	}]())
	if err == nil || !strings.Contains(err.Error(), "$.Same (int) has the same name as another field") {
		t.Errorf("two bases with one name: %v", err)
	}
}

func TestTagsNameProperties(t *testing.T) {
	var codec dotnet.Codec
	text, err := codec.Marshal(struct {
		ID     int    `dotnet:"Id" json:"id,omitempty"`
		Note   string `dotnet:"-"`
		Same   int    `json:"Same"`
		Odd    int    `dotnet:"naïve <key>"`
		hidden int
	}{})
	if want := `{"Id":0,"Same":0,"na\u00EFve \u003Ckey\u003E":0}`; string(text) != want || err != nil {
		t.Errorf("got %s, %v, want %s", text, err, want)
	}
}

func TestTypesWithCounterparts(t *testing.T) {
	var codec dotnet.Codec
	for _, typ := range []reflect.Type{
		reflect.TypeFor[netip.Addr](), reflect.TypeFor[map[netip.Addr]uuid](), reflect.TypeFor[struct{}](), reflect.TypeFor[*time.Time](),
		reflect.TypeFor[map[dotnet.TimeSpan][]json.Number](), reflect.TypeFor[[3]string](), reflect.TypeFor[map[level]level](),
	} {
		if err := codec.Check(typ); err != nil {
			t.Error(err)
		}
	}
	if err := codec.Check(nil); err == nil {
		t.Error("no type was taken")
	}
}

// The numbers of math/big have texts, which no number in .NET is read from.
func TestBigNumbersAreRefused(t *testing.T) {
	var codec dotnet.Codec
	for _, typ := range []reflect.Type{
		reflect.TypeFor[*big.Int](), reflect.TypeFor[big.Rat](), reflect.TypeFor[[]*big.Float](), reflect.TypeFor[struct{ Price *big.Rat }](),
		reflect.TypeFor[map[string]big.Float](),
	} {
		if err := codec.Check(typ); err == nil || !strings.Contains(err.Error(), "use dotnet.Decimal") {
			t.Errorf("%v: %v", typ, err)
		}
	}
}

func TestNumbersKeepTheirText(t *testing.T) {
	for _, text := range []string{"1.50", "1E5", "-0", "12345678901234567890123456789012345678901234567890"} {
		if got, err := roundTrip[json.Number](text); got != text || err != nil {
			t.Errorf("%s became %s, %v", text, got, err)
		}
	}
	if got, err := new(dotnet.Codec).Marshal(json.Number("")); string(got) != "0" || err != nil {
		t.Errorf("the empty one became %s, %v", got, err)
	}
}

func TestArraysHaveTheirLength(t *testing.T) {
	if got, err := roundTrip[[2]int](`[1,2]`); got != `[1,2]` || err != nil {
		t.Errorf("got %s, %v", got, err)
	}
	for _, text := range []string{`[1]`, `[1,2,3]`, `[]`, `[1,2,]`} {
		if got, err := roundTrip[[2]int](text); err == nil {
			t.Errorf("%s became %s", text, got)
		}
	}
}

func TestEmbeddedTypesThatWriteThemselvesAreRefused(t *testing.T) {
	var codec dotnet.Codec
	for _, typ := range []reflect.Type{
		reflect.TypeFor[struct {
			dotnet.DateTime
			A int
		}](),
		reflect.TypeFor[struct {
			A int
			time.Time
		}](),
	} {
		if err := codec.Check(typ); err == nil || !strings.Contains(err.Error(), "give the field a name") {
			t.Errorf("%v: %v", typ, err)
		}
	}
}

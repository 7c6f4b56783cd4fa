// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package dotnet_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"sort"
	"testing"

	"github.com/sessionbridge/session/dotnet"
)

// fuzzTypes are types of all forms.
func fuzzTypes() []reflect.Type {
	all := goTypes()
	names := make([]string, 0, len(all))
	for name := range all {
		names = append(names, name)
	}
	sort.Strings(names) // so that a finding is found again
	types := make([]reflect.Type, 0, len(all))
	for _, name := range names {
		types = append(types, all[name])
	}
	return append(types, reflect.TypeFor[tree](), reflect.TypeFor[json.Number](), reflect.TypeFor[map[uuid][]yesNo](), reflect.TypeFor[[2]string](), reflect.TypeFor[partCart]())
}

// FuzzUnmarshal reads any bytes as many types. What was read and can be written
// is JSON, and stays what it is from then on.
func FuzzUnmarshal(f *testing.F) {
	for _, path := range []string{"testdata/json-values.json", "testdata/json-read.json"} {
		for _, c := range goldenCases(f, path) {
			if c.JSON != nil || c.Hex != nil {
				f.Add(c.input(f))
			}
		}
	}
	codec, types := new(dotnet.Codec), fuzzTypes()
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, typ := range types {
			v := reflect.New(typ)
			err := codec.Unmarshal(data, v.Interface())
			if err != nil {
				checkReadError(t, err, data)
				continue
			}
			checkStays(t, codec, v)
		}
	})
}

func checkReadError(t *testing.T, err error, data []byte) {
	t.Helper()
	read, ok := errors.AsType[*dotnet.ReadError](err)
	if !ok || read.Offset < 0 || read.Offset > len(data) || read.Found == "" || read.Want == "" || read.Path == "" {
		t.Errorf("%q: %v", data, err)
	}
}

func checkStays(t *testing.T, codec *dotnet.Codec, v reflect.Value) {
	t.Helper()
	first, err := codec.Marshal(v.Elem().Interface())
	if err != nil {
		return // infinity, half a surrogate pair in raw JSON
	}
	if !json.Valid(first) {
		t.Fatalf("%v wrote %s", v.Type(), first)
	}
	again := reflect.New(v.Type().Elem())
	if err := codec.Unmarshal(first, again.Interface()); err != nil {
		t.Fatalf("%v wrote %s: %v", v.Type(), first, err)
	}
	second, err := codec.Marshal(again.Elem().Interface())
	if err != nil || string(second) != string(first) {
		t.Fatalf("%v wrote %s, then %s, %v", v.Type(), first, second, err)
	}
}

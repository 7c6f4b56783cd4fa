// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package dotnet

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
)

// A Marshaler writes itself as the JSON that .NET reads for its counterpart,
// which a converter in .NET may have given a form of its own. What it returns is
// checked, and written with .NET's escapes. Its pointer must be an [Unmarshaler].
type Marshaler interface {
	MarshalDotNet() ([]byte, error)
}

// An Unmarshaler reads what .NET writes for its counterpart; null too. It must
// copy what it keeps, and set all of itself.
type Unmarshaler interface {
	UnmarshalDotNet(text []byte) error
}

// customForm is a type that has both.
type customForm struct{}

func (customForm) write(dst []byte, v reflect.Value, depth int) ([]byte, error) {
	text, err := v.Addr().Interface().(Marshaler).MarshalDotNet()
	if err != nil {
		return dst, err
	}
	return rewrite(dst, text, depth)
}

func (customForm) read(r *reader, v reflect.Value) error {
	text, err := r.raw()
	if err != nil {
		return err
	}
	if err := v.Addr().Interface().(Unmarshaler).UnmarshalDotNet(text); err != nil {
		return &ReadError{Offset: r.pos - len(text), Found: "a value of another form", Want: v.Type().String(), Err: err}
	}
	return nil
}

// byMethods returns the form of a type that has methods for it, or why they
// don't make one; neither if it has none.
func byMethods(t reflect.Type) (form, string) {
	p := reflect.PointerTo(t)
	if lender := promoting(t); lender != nil {
		return nil, fmt.Sprintf("embeds %v, whose methods would write that alone; give the field a name", lender)
	}
	writes, reads := p.Implements(reflect.TypeFor[Marshaler]()), p.Implements(reflect.TypeFor[Unmarshaler]())
	switch {
	case writes && reads:
		return customForm{}, ""
	case writes || reads:
		return nil, "has only one of MarshalDotNet and UnmarshalDotNet"
	case p.Implements(reflect.TypeFor[json.Marshaler]()), p.Implements(reflect.TypeFor[json.Unmarshaler]()):
		return nil, "has MarshalJSON or UnmarshalJSON, made for another reader; " +
			"give it MarshalDotNet and UnmarshalDotNet, or use a type of package dotnet"
	}
	writes = p.Implements(reflect.TypeFor[encoding.TextMarshaler]())
	reads = p.Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
	switch {
	case writes && reads:
		return textForm{want: "a string that is a " + t.String()}, ""
	case writes || reads:
		return nil, "has only one of MarshalText and UnmarshalText"
	}
	return nil, ""
}

// promoting returns the type that a struct embeds, beside other fields, and
// whose methods for text or for .NET it thereby has; nil if there is none.
func promoting(t reflect.Type) reflect.Type {
	if t.Kind() != reflect.Struct || t.NumField() < 2 {
		return nil
	}
	for i := range t.NumField() {
		field := t.Field(i)
		if field.Anonymous && writesItself(field.Type) && writesItself(t) {
			return field.Type
		}
	}
	return nil
}

// writesItself tells whether a type has methods that write it.
func writesItself(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	if t.Kind() == reflect.Pointer {
		p = t
	}
	return p.Implements(reflect.TypeFor[Marshaler]()) || p.Implements(reflect.TypeFor[encoding.TextMarshaler]()) ||
		p.Implements(reflect.TypeFor[json.Marshaler]())
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package dotnet

import (
	"encoding/json"
	"math"
	"math/big"
	"reflect"
	"time"
)

// A compiler finds the forms of a type and of all that it is made of, and
// gathers what speaks against it.
type compiler struct {
	known      map[reflect.Type]form // those being made too, so that types can recur
	complaints []Complaint
}

// compile returns the form of a type, or a *TypeError.
func compile(t reflect.Type) (form, error) {
	c := compiler{known: make(map[reflect.Type]form)}
	f := c.form("$", t)
	if len(c.complaints) > 0 {
		return nil, &TypeError{Type: t, Complaints: c.complaints}
	}
	return f, nil
}

func (c *compiler) complain(path string, t reflect.Type, reason string) form {
	c.complaints = append(c.complaints, Complaint{Path: path, Type: t, Reason: reason})
	return nil
}

func (c *compiler) form(path string, t reflect.Type) form {
	if f, ok := c.known[t]; ok {
		return f
	}
	if f := byType(t); f != nil {
		return f
	}
	switch t {
	case reflect.TypeFor[Rest]():
		return c.complain(path, t, "is only of use as a field of a struct; use json.RawMessage for any value")
	case reflect.TypeFor[big.Int](), reflect.TypeFor[big.Rat](), reflect.TypeFor[big.Float]():
		return c.complain(path, t, "has no counterpart that .NET writes as JSON; use dotnet.Decimal, which math/big calculates with, or json.Number for an Int128")
	}
	if f, reason := byMethods(t); f != nil {
		return f
	} else if reason != "" {
		return c.complain(path, t, reason)
	}
	if f := byKind(t); f != nil {
		return f
	}
	return c.composed(path, t)
}

// byType returns the form of a type that this package knows, or nil.
func byType(t reflect.Type) form {
	switch t {
	case reflect.TypeFor[DateTime]():
		return ownForm{textForm{"a DateTime"}}
	case reflect.TypeFor[DateTimeOffset]():
		return ownForm{textForm{"a DateTimeOffset"}}
	case reflect.TypeFor[DateOnly]():
		return ownForm{textForm{"a DateOnly"}}
	case reflect.TypeFor[TimeOnly]():
		return ownForm{textForm{"a TimeOnly"}}
	case reflect.TypeFor[TimeSpan]():
		return ownForm{textForm{"a TimeSpan"}}
	case reflect.TypeFor[GUID]():
		return ownForm{textForm{"a Guid"}}
	case reflect.TypeFor[Char]():
		return textForm{"a string of one char"}
	case reflect.TypeFor[Decimal]():
		return decimalForm{textForm{"a number of type decimal"}}
	case reflect.TypeFor[time.Time]():
		return timeForm{}
	case reflect.TypeFor[time.Duration]():
		return durationForm{}
	case reflect.TypeFor[json.Number]():
		return numberForm{}
	case reflect.TypeFor[json.RawMessage]():
		return rawForm{}
	}
	return nil
}

// byKind returns the form of a type that is one value, or nil.
func byKind(t reflect.Type) form {
	switch t.Kind() {
	case reflect.Bool:
		return boolForm{}
	case reflect.String:
		return stringForm{}
	case reflect.Int8:
		return intForm{"sbyte", math.MinInt8, math.MaxInt8}
	case reflect.Int16:
		return intForm{"short", math.MinInt16, math.MaxInt16}
	case reflect.Int32, reflect.Int:
		return intForm{"int", math.MinInt32, math.MaxInt32}
	case reflect.Int64:
		return intForm{"long", math.MinInt64, math.MaxInt64}
	case reflect.Uint8:
		return uintForm{"byte", math.MaxUint8}
	case reflect.Uint16:
		return uintForm{"ushort", math.MaxUint16}
	case reflect.Uint32, reflect.Uint:
		return uintForm{"uint", math.MaxUint32}
	case reflect.Uint64:
		return uintForm{"ulong", math.MaxUint64}
	case reflect.Float32:
		return floatForm{"float", 32}
	case reflect.Float64:
		return floatForm{"double", 64}
	}
	return nil
}

// composed returns the form of a type that is made of others.
func (c *compiler) composed(path string, t reflect.Type) form {
	switch t.Kind() {
	case reflect.Struct:
		return c.object(path, t)
	case reflect.Pointer:
		return c.nullable(path, t)
	case reflect.Slice:
		return c.slice(path, t)
	case reflect.Array:
		return c.array(path, t)
	case reflect.Map:
		return c.dictionary(path, t)
	case reflect.Interface:
		return c.complain(path, t, "is an interface, which doesn't say what to read; use a concrete type, or json.RawMessage for a .NET object")
	}
	return c.complain(path, t, "has no counterpart in .NET")
}

func (c *compiler) nullable(path string, t reflect.Type) form {
	switch elem := t.Elem(); {
	case elem == reflect.TypeFor[json.RawMessage](), elem.Kind() == reflect.Pointer, elem.Kind() == reflect.Map,
		elem.Kind() == reflect.Slice:
		return c.complain(path, t, "points to what can be null itself, and .NET has one null only")
	}
	f := &nullableForm{}
	c.known[t] = f
	f.elem = c.form(path, t.Elem())
	return f
}

func (c *compiler) slice(path string, t reflect.Type) form {
	if t.Elem() == reflect.TypeFor[byte]() {
		return bytesForm{}
	}
	f := &sliceForm{}
	c.known[t] = f
	f.elem = c.form(path+"[]", t.Elem())
	return f
}

func (c *compiler) array(path string, t reflect.Type) form {
	if t.Elem().Kind() == reflect.Uint8 {
		return c.complain(path, t, "is an array of bytes; use dotnet.GUID for a Guid, []byte for a byte[]")
	}
	f := &arrayForm{}
	c.known[t] = f
	f.elem = c.form(path+"[]", t.Elem())
	return f
}

func (c *compiler) dictionary(path string, t reflect.Type) form {
	f := &dictionaryForm{}
	c.known[t] = f
	switch key := c.form(path+".*", t.Key()).(type) {
	case nil: // it has its complaint
	case keyForm:
		f.key = key
	default:
		c.complain(path, t, "has keys that no .NET dictionary can have in JSON; use strings, numbers, or a type of package dotnet")
	}
	f.elem = c.form(path+".*", t.Elem())
	return f
}

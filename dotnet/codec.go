// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package dotnet

import (
	"errors"
	"reflect"
	"sync"
)

// A Codec writes Go values as the JSON that System.Text.Json, with its default
// options, writes and reads for their .NET counterparts; see the package
// comment. The zero Codec is ready to use, and safe for concurrent use. It
// remembers the types that it has met, so it must not be copied.
type Codec struct {
	// Strict makes it an error to read a property that the struct lacks, if that
	// has no [Rest] either. Otherwise such a property is passed over, as .NET does
	// it, and is gone when the value is written. It is not to be changed once the
	// Codec is in use.
	Strict bool

	plans sync.Map // reflect.Type to plan
}

// A plan is what compile made of a type.
type plan struct {
	form form
	err  error
}

func (c *Codec) plan(t reflect.Type) (form, error) {
	known, ok := c.plans.Load(t)
	if !ok {
		f, err := compile(t)
		known, _ = c.plans.LoadOrStore(t, plan{f, err})
	}
	p := known.(plan)
	return p.form, p.err
}

// Check returns a [*TypeError] with all reasons why a type can't cross to .NET,
// or nil.
func (c *Codec) Check(t reflect.Type) error {
	if t == nil {
		return errNoType
	}
	_, err := c.plan(t)
	return err
}

var (
	errNoType  = errors.New("dotnet: an interface without a value has no type")
	errPointer = errors.New("dotnet: a value is read into a pointer that is not nil")
)

// Marshal returns v as JSON: a [*TypeError] for a type that can't cross, a
// [*WriteError] for a value that can't. The caller owns the bytes.
func (c *Codec) Marshal(v any) ([]byte, error) {
	if v == nil {
		return nil, errNoType
	}
	f, err := c.plan(reflect.TypeOf(v))
	if err != nil {
		return nil, err
	}
	value := reflect.New(reflect.TypeOf(v)).Elem() // forms want it addressable
	value.Set(reflect.ValueOf(v))
	text, err := f.write(make([]byte, 0, 128), value, 0)
	if err != nil {
		return nil, under("$", err)
	}
	return text, nil
}

// Unmarshal reads JSON into the value that v points to, all of which it sets,
// and of which nothing counts after an error: a [*TypeError] for a type that
// can't cross, a [*ReadError] for JSON that .NET would not read as that type. It
// keeps nothing of data.
func (c *Codec) Unmarshal(data []byte, v any) error {
	value := reflect.ValueOf(v)
	if value.Kind() != reflect.Pointer || value.IsNil() {
		return errPointer
	}
	f, err := c.plan(value.Type().Elem())
	if err != nil {
		return err
	}
	r := &reader{data: data, strict: c.Strict}
	if err = f.read(r, value.Elem()); err == nil {
		err = r.end()
	}
	if err != nil {
		return under("$", err)
	}
	return nil
}

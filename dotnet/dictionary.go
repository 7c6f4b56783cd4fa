// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package dotnet

import (
	"errors"
	"reflect"
	"sort"
)

// A dictionaryForm is a Dictionary<TKey, TValue>; nil is null. It is written in
// the order of the names, since a Go map has none of its own.
type dictionaryForm struct {
	key  keyForm
	elem form
}

// appendName appends a name. .NET escapes only those that are text: the plus
// sign of a double or a DateTimeOffset stays.
func (f *dictionaryForm) appendName(dst []byte, name string) []byte {
	switch f.key.(type) {
	case stringForm, textForm:
		return appendString(dst, name)
	}
	return append(append(append(dst, '"'), name...), '"')
}

func (f *dictionaryForm) write(dst []byte, v reflect.Value, depth int) (_ []byte, err error) {
	switch {
	case v.IsNil():
		return append(dst, "null"...), nil
	case depth >= maxDepth:
		return dst, errDepth
	}
	entries, err := f.entries(v)
	if err != nil {
		return dst, under(".*", err)
	}
	dst = append(dst, '{')
	for i, name := range entries.names {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(f.appendName(dst, name), ':')
		if dst, err = f.elem.write(dst, entries.elems.Index(entries.places[i]), depth+1); err != nil {
			return dst, under(".*", err)
		}
	}
	return append(dst, '}'), nil
}

// entries are those of a dictionary, by name.
type entries struct {
	names  []string
	places []int         // where in elems the element of a name is
	elems  reflect.Value // a slice
}

func (e *entries) Len() int           { return len(e.names) }
func (e *entries) Less(i, j int) bool { return e.names[i] < e.names[j] }
func (e *entries) Swap(i, j int) {
	e.names[i], e.names[j] = e.names[j], e.names[i]
	e.places[i], e.places[j] = e.places[j], e.places[i]
}

func (f *dictionaryForm) entries(v reflect.Value) (*entries, error) {
	n := v.Len()
	e := &entries{elems: reflect.MakeSlice(reflect.SliceOf(v.Type().Elem()), n, n)}
	key := reflect.New(v.Type().Key()).Elem()
	for each := v.MapRange(); each.Next(); {
		key.SetIterKey(each)
		name, err := f.key.appendKey(nil, key)
		if err != nil {
			return nil, err
		}
		e.elems.Index(len(e.names)).SetIterValue(each)
		e.places = append(e.places, len(e.names))
		e.names = append(e.names, string(name))
	}
	sort.Sort(e)
	for i := 1; i < n; i++ {
		if e.names[i] == e.names[i-1] {
			return nil, errors.New("two keys have the same text")
		}
	}
	return e, nil
}

func (f *dictionaryForm) read(r *reader, v reflect.Value) error {
	if null, err := r.null(); null {
		v.SetZero()
		return err
	}
	if err := r.open('{', "an object"); err != nil {
		return err
	}
	v.Set(reflect.MakeMap(v.Type()))
	for first := true; ; first = false {
		if more, err := r.more(first, '}'); err != nil || !more {
			return err
		}
		if err := f.readEntry(r, v); err != nil {
			return under(".*", err)
		}
	}
}

func (f *dictionaryForm) readEntry(r *reader, v reflect.Value) error {
	key := reflect.New(v.Type().Key()).Elem()
	if err := f.readKey(r, key); err != nil {
		return err
	}
	elem := reflect.New(v.Type().Elem()).Elem()
	if err := f.elem.read(r, elem); err != nil {
		return err
	}
	v.SetMapIndex(key, elem)
	return nil
}

func (f *dictionaryForm) readKey(r *reader, key reflect.Value) error {
	r.peek()
	start := r.pos
	raw, escaped, err := r.name()
	if err != nil {
		return err
	}
	text, err := r.characters(start, raw, escaped)
	if err != nil {
		return err
	}
	if f.key.parseKey(text, key) != nil {
		return &ReadError{Offset: start, Found: "a name of another form", Want: "one of type " + key.Type().String()}
	}
	return nil
}

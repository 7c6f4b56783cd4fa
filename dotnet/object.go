// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package dotnet

import (
	"errors"
	"reflect"
	"slices"
)

var errDepth = errors.New("more than 64 arrays and objects in each other, or a cycle")

// An objectForm is a class or struct, written with all its properties in order.
type objectForm struct {
	properties []property
	byName     map[string]int
}

// A property is one member of an objectForm.
type property struct {
	name  string
	head  []byte // the name in quotes, and a colon
	index []int
	form  form
}

func (f *objectForm) write(dst []byte, v reflect.Value, depth int) (_ []byte, err error) {
	if depth >= maxDepth {
		return dst, errDepth
	}
	dst = append(dst, '{')
	for i := range f.properties {
		p := &f.properties[i]
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, p.head...)
		if dst, err = p.form.write(dst, p.of(v), depth+1); err != nil {
			return dst, under("."+p.name, err)
		}
	}
	return append(dst, '}'), nil
}

func (p *property) of(v reflect.Value) reflect.Value {
	if len(p.index) == 1 {
		return v.Field(p.index[0])
	}
	return v.FieldByIndex(p.index)
}

// read takes members in any order. Of a name that comes twice the last counts,
// as in .NET, and one that is not exactly that of a property is passed over.
func (f *objectForm) read(r *reader, v reflect.Value) error {
	if r.peek() == 'n' {
		return r.fail(r.pos, "an object (a pointer to the struct takes null)")
	}
	if err := r.open('{', "an object"); err != nil {
		return err
	}
	v.SetZero()
	for i := 0; ; i++ {
		if more, err := r.more(i == 0, '}'); err != nil || !more {
			return err
		}
		if err := f.readMember(r, v, i); err != nil {
			return err
		}
	}
}

func (f *objectForm) readMember(r *reader, v reflect.Value, i int) error {
	p, err := f.readName(r, i)
	if err != nil {
		return err
	}
	if p == nil {
		return r.skip()
	}
	if err := p.form.read(r, p.of(v)); err != nil {
		return under("."+p.name, err)
	}
	return nil
}

// readName returns the property that a member is of, or nil. It looks first for
// the one that has the same place as the member.
func (f *objectForm) readName(r *reader, i int) (*property, error) {
	r.peek()
	start := r.pos
	raw, escaped, err := r.name()
	if err != nil {
		return nil, err
	}
	if escaped {
		var ok bool
		if raw, ok = unescape(raw); !ok {
			return nil, &ReadError{Offset: start, Found: "half a surrogate pair", Want: "both halves"}
		}
	}
	if i < len(f.properties) && f.properties[i].name == string(raw) {
		return &f.properties[i], nil
	}
	if at, ok := f.byName[string(raw)]; ok {
		return &f.properties[at], nil
	}
	return nil, nil
}

// newProperty returns a property whose form is to come.
func newProperty(name string, index []int) property {
	return property{name: name, head: append(appendString(nil, name), ':'), index: slices.Clone(index)}
}

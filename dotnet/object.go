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
	rest       []int // the index of the field for what no property takes, nil if there is none
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
	var rest Rest
	if place := f.restOf(v); place != nil {
		rest = *place
	}
	dst, rest, err = f.writeRest(append(dst, '{'), rest, "", len(f.properties) == 0, depth+1)
	for i := range f.properties {
		if err != nil {
			return dst, err
		}
		p := &f.properties[i]
		dst = append(comma(dst), p.head...)
		if dst, err = p.form.write(dst, p.of(v), depth+1); err != nil {
			return dst, under("."+p.name, err)
		}
		dst, rest, err = f.writeRest(dst, rest, p.name, i == len(f.properties)-1, depth+1)
	}
	return append(dst, '}'), err
}

func (p *property) of(v reflect.Value) reflect.Value {
	if len(p.index) == 1 {
		return v.Field(p.index[0])
	}
	return v.FieldByIndex(p.index)
}

// read takes members in any order. Of a name that comes twice the last counts,
// as in .NET, and one that is not exactly that of a property is for the rest.
func (f *objectForm) read(r *reader, v reflect.Value) error {
	if r.peek() == 'n' {
		return r.fail(r.pos, "an object (a pointer to the struct takes null)")
	}
	if err := r.open('{', "an object"); err != nil {
		return err
	}
	v.SetZero()
	var behind *property
	for i := 0; ; i++ {
		more, err := r.more(i == 0, '}')
		if err != nil || !more {
			return err
		}
		if behind, err = f.readMember(r, v, i, behind); err != nil {
			return err
		}
	}
}

// readMember returns the property that it has read, or the one before if it was
// none.
func (f *objectForm) readMember(r *reader, v reflect.Value, i int, behind *property) (*property, error) {
	name, err := r.memberName()
	if err != nil {
		return nil, err
	}
	p := f.find(name.text, i)
	if p == nil {
		return behind, f.readOther(r, v, name, behind)
	}
	if err := p.form.read(r, p.of(v)); err != nil {
		return nil, under("."+p.name, err)
	}
	return p, nil
}

// find returns the property of a name, or nil. It looks first at the one that has
// the same place as the member.
func (f *objectForm) find(name []byte, i int) *property {
	if i < len(f.properties) && f.properties[i].name == string(name) {
		return &f.properties[i]
	}
	if at, ok := f.byName[string(name)]; ok {
		return &f.properties[at]
	}
	return nil
}

// A memberName is one that was read, without escapes. It may be no UTF-8.
type memberName struct {
	text []byte
	at   int // where it began
}

func (r *reader) memberName() (memberName, error) {
	r.peek()
	start := r.pos
	text, escaped, err := r.name()
	if err == nil && escaped {
		var ok bool
		if text, ok = unescape(text); !ok {
			err = &ReadError{Offset: start, Found: "half a surrogate pair", Want: "both halves"}
		}
	}
	return memberName{text, start}, err
}

// newProperty returns a property whose form is to come.
func newProperty(name string, index []int) property {
	return property{name: name, head: append(appendString(nil, name), ':'), index: slices.Clone(index)}
}

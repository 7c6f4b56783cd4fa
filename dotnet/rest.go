// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package dotnet

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A Rest is a field of a struct for the properties that no other field takes, so
// that they are there again when the value is written, each in its place: what
// JsonExtensionData is in C#. A struct has at most one, under any name, which
// does not cross.
type Rest []Member

// A Member is a property that the struct has no field for. One whose name a
// field has can't be written.
type Member struct {
	Name  string
	Value json.RawMessage // nil is null
	After string          // the property that it comes behind, as .NET calls it; "" if it comes first
}

var errTaken = errors.New("a dotnet.Rest has a member that a field takes")

// addRest makes a field the one for the rest.
func (c *compiler) addRest(path string, field reflect.StructField, index []int, f *objectForm) {
	path += "." + field.Name
	tag, tagged := field.Tag.Lookup("dotnet")
	switch {
	case tag == "-":
	case tagged:
		c.complain(path, field.Type, "has a dotnet tag, but what is in a dotnet.Rest has names of its own")
	case !field.IsExported():
		c.complain(path, field.Type, "is a dotnet.Rest, but is not exported")
	case f.rest != nil:
		c.complain(path, field.Type, "is the second dotnet.Rest of its struct")
	default:
		f.rest = slices.Clone(index)
	}
}

// restOf returns where the rest of a struct is, nil if it has no place for one.
func (f *objectForm) restOf(v reflect.Value) *Rest {
	if f.rest == nil {
		return nil
	}
	return v.FieldByIndex(f.rest).Addr().Interface().(*Rest)
}

// writeRest writes members as long as they come behind a property, all with
// last, and returns those that are left.
func (f *objectForm) writeRest(dst []byte, rest Rest, after string, last bool, depth int) (_ []byte, left Rest, err error) {
	for i := range rest {
		m := &rest[i]
		if m.After != after && !last {
			return dst, rest[i:], nil
		}
		if dst, err = f.writeOther(comma(dst), m, depth); err != nil {
			return dst, nil, under("."+shown([]byte(m.Name)), err)
		}
	}
	return dst, nil, nil
}

func (f *objectForm) writeOther(dst []byte, m *Member, depth int) ([]byte, error) {
	if _, ok := f.byName[m.Name]; ok {
		return dst, errTaken
	}
	if !utf8.ValidString(m.Name) {
		return dst, errNoUTF8
	}
	dst = append(appendString(dst, m.Name), ':')
	if m.Value == nil {
		return append(dst, "null"...), nil
	}
	return rewrite(dst, m.Value, depth)
}

// comma appends one unless the object has just begun.
func comma(dst []byte) []byte {
	if dst[len(dst)-1] == '{' {
		return dst
	}
	return append(dst, ',')
}

// readOther reads a member that is of no property; it comes behind one, or nil.
func (f *objectForm) readOther(r *reader, v reflect.Value, m memberName, behind *property) error {
	rest := f.restOf(v)
	switch {
	case rest == nil && r.strict:
		return &ReadError{Path: "." + shown(m.text), Offset: m.at, Found: "a property that the struct lacks", Want: "a field for it, or a dotnet.Rest"}
	case rest == nil:
		return r.skip()
	case !utf8.Valid(m.text):
		return &ReadError{Offset: m.at, Found: "a string that is no UTF-8", Want: "UTF-8"}
	}
	value, err := r.raw()
	if err != nil {
		return under("."+shown(m.text), err)
	}
	other := Member{Name: string(m.text), Value: slices.Clone(value)}
	if behind != nil {
		other.After = behind.name
	}
	*rest = append(*rest, other)
	return nil
}

// shown returns a name for an error: as it is if it may be that of a property,
// else *, since it can be a key of a dictionary, which may be personal data.
func shown(name []byte) string {
	const longest = 64
	odd := func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_' && r != '$' }
	if text := string(name); text != "" && len(text) <= longest && utf8.ValidString(text) && !strings.ContainsFunc(text, odd) {
		return text
	}
	return "*"
}

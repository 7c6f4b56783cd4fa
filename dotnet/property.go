// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package dotnet

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"
)

// object makes the form of a struct. The fields of an embedded struct are those
// of a base class: System.Text.Json writes them after the class's own, and of
// two with the same name the class's own counts.
func (c *compiler) object(path string, t reflect.Type) form {
	f := &objectForm{byName: make(map[string]int)}
	c.known[t] = f
	c.members(path, t, f)
	if len(f.properties) == 0 && f.rest == nil && t.NumField() > 0 {
		return c.complain(path, t, "has no exported fields, so nothing of it would cross")
	}
	return f
}

// A base is a struct embedded in another, or that one itself.
type base struct {
	t     reflect.Type
	index []int
}

// members adds the properties level by level.
func (c *compiler) members(path string, t reflect.Type, f *objectForm) {
	level := []base{{t: t}}
	for depth := 0; len(level) > 0; depth++ {
		var next []base
		above := len(f.properties)
		for _, b := range level {
			next = append(next, c.levelMembers(path, b, f, above)...)
		}
		level = next
	}
}

// levelMembers adds the properties of one struct, and returns those embedded in
// it. The first ones, above, hide others of their names.
func (c *compiler) levelMembers(path string, b base, f *objectForm, above int) (embedded []base) {
	for i := range b.t.NumField() {
		field := b.t.Field(i)
		index := append(slices.Clone(b.index), i)
		if field.Type == reflect.TypeFor[Rest]() {
			c.addRest(path, field, index, f)
			continue
		}
		name, ok := c.nameOf(path, field)
		switch {
		case !ok:
		case isBase(field):
			embedded = append(embedded, base{field.Type, index})
		case field.IsExported():
			c.add(path, f, above, newProperty(name, index), field.Type)
		}
	}
	return embedded
}

func (c *compiler) add(path string, f *objectForm, above int, p property, t reflect.Type) {
	at, ok := f.byName[p.name]
	switch {
	case ok && at < above:
		return // as with new in C#
	case ok:
		c.complain(path+"."+p.name, t, "has the same name as another field")
		return
	}
	p.form = c.form(path+"."+p.name, t)
	f.byName[p.name] = len(f.properties)
	f.properties = append(f.properties, p)
}

// isBase tells whether a field is an embedded struct whose fields are to be the
// outer one's, as they are in Go.
func isBase(field reflect.StructField) bool {
	if !field.Anonymous || field.Type.Kind() != reflect.Struct || field.Tag.Get("dotnet") != "" || byType(field.Type) != nil {
		return false
	}
	f, reason := byMethods(field.Type)
	return f == nil && reason == ""
}

// nameOf returns what .NET calls a field, and false if the field doesn't cross.
func (c *compiler) nameOf(path string, field reflect.StructField) (name string, ok bool) {
	name, tagged := field.Tag.Lookup("dotnet")
	path += "." + field.Name
	switch {
	case name == "-":
		return "", false
	case field.Anonymous && field.Type.Kind() == reflect.Pointer && name == "":
		c.complain(path, field.Type, "is an embedded pointer; embed the struct, or name the property in a dotnet tag")
		return "", false
	case !field.IsExported() && !isBase(field):
		if tagged {
			c.complain(path, field.Type, "has a dotnet tag, but is not exported")
		}
		return "", false
	case strings.Contains(name, ",") || !utf8.ValidString(name):
		c.complain(path, field.Type, "has a dotnet tag that is no name: the tag has no options")
	case !tagged:
		c.checkJSONTag(path, field)
	}
	if name == "" {
		name = field.Name
	}
	return name, true
}

// checkJSONTag complains of a json tag that says something else than the name
// of the field. It is often camelCase and made for another reader, and .NET's
// matching by case would pass over such a property without a word.
func (c *compiler) checkJSONTag(path string, field reflect.StructField) {
	tag, ok := field.Tag.Lookup("json")
	if !ok || tag == "" || tag == field.Name {
		return
	}
	name, _, _ := strings.Cut(tag, ",")
	if name == "" {
		name = field.Name
	}
	c.complain(path, field.Type, fmt.Sprintf("has the tag json:%q, which .NET would not heed; "+
		"say what .NET calls it beside that, as in dotnet:%q", tag, name))
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"encoding"
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// A document is a YAML text on its way into a struct. The YAML library makes
// nodes of it, and no more: what it says of a value has the value in it, which
// may be an API key, and does not name the setting.
type document struct {
	name string // of its file
	say  complaints
}

// decode reads one YAML document into a struct, and refuses what has no place
// in it. The complaints begin with where they are found.
func decode(name string, text string, into any) error {
	d := document{name: name}
	loader, err := yaml.NewLoader(strings.NewReader(text))
	if err != nil {
		return err
	}
	var root, more yaml.Node
	if err := loader.Load(&root); err == io.EOF {
		return nil // nothing but comments
	} else if err != nil {
		return d.malformed(err)
	}
	if err := loader.Load(&more); err == nil {
		d.say.add("%s: there is a second document, after a line ---; want one", name)
	} else if err != io.EOF {
		return d.malformed(err)
	}
	if len(root.Content) == 1 && len(d.say) == 0 {
		d.value(root.Content[0], place{}, reflect.ValueOf(into).Elem())
	}
	return d.say.err()
}

// malformed tells where a text is no YAML.
func (d *document) malformed(err error) error {
	var fault *yaml.LoadError
	if !errors.As(err, &fault) {
		d.say.add("%s: it is no YAML", d.name)
		return d.say.err()
	}
	line, reason := fault.Mark.Line, fault.Message
	switch {
	case strings.HasPrefix(reason, "unknown anchor"):
		reason = "a text that begins with * must stand in quotes"
	case reason == "could not find expected ':'":
		line, reason = fault.ContextMark.Line, reason+" with a space behind it"
	case strings.HasPrefix(reason, "found character '"):
		reason = "found a character that is not allowed in a tag"
	}
	if line > 0 {
		d.say.add("%s:%d: %s", d.name, line, reason)
	} else {
		d.say.add("%s: %s", d.name, reason)
	}
	return d.say.err()
}

// A place is where a value belongs.
type place struct {
	name   string // such as session.timeout; "" for the whole document
	secret bool   // what stands there, or beside it, may be an API key
}

// at returns the place of a setting within this one.
func (p place) at(setting string) place {
	if p.name != "" && !strings.HasSuffix(p.name, ": ") {
		setting = "." + setting
	}
	return place{p.name + setting, p.secret}
}

// entry returns the place of an entry of a list, counted from 0. That of a
// client is spoken of in the words of other complaints about clients.
func (p place) entry(i int, of reflect.Type) place {
	if of == reflect.TypeFor[Client]() {
		return place{fmt.Sprintf("client %d: ", i+1), true}
	}
	return place{fmt.Sprintf("%s: entry %d", p.name, i+1), p.secret}
}

// refuse complains of a value.
func (d *document) refuse(n *yaml.Node, at place, format string, args ...any) {
	where := at.name
	if where != "" && !strings.HasSuffix(where, ": ") {
		where += ": "
	}
	d.say.add("%s:%d: %s%s", d.name, n.Line, where, fmt.Sprintf(format, args...))
}

// want complains of a value that is something else than what its setting takes.
func (d *document) want(n *yaml.Node, at place, into reflect.Value) {
	found := "a list"
	switch {
	case n.Kind == yaml.MappingNode:
		found = "a mapping"
	case n.Kind == yaml.ScalarNode && (at.secret || into.Kind() == reflect.Struct):
		found = "a single value"
	case n.Kind == yaml.ScalarNode:
		found = shown(n.Value)
	}
	d.refuse(n, at, "want %s, not %s", wanted(into.Type()), found)
}

// shown returns a value for a complaint.
func shown(value string) string {
	const most = 60
	if len(value) > most {
		return fmt.Sprintf("%.*q…", most, value)
	}
	return strconv.Quote(value)
}

// wanted tells what a setting of a type takes.
func wanted(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[List]():
		return "a value or a list such as [a, b]"
	case t == reflect.TypeFor[[]Client]():
		return "a list of mappings such as - {name: shop, key_file: shop.key}"
	case t == reflect.TypeFor[Duration]():
		return "a duration such as 250ms, 20m or 1h30m"
	case t == reflect.TypeFor[Size]():
		return "a size such as 4096, 64KiB, 512MiB or 1GiB"
	case t.Kind() == reflect.Slice:
		return "a list such as [a, b]"
	case t.Kind() == reflect.Struct:
		return "a mapping such as {name: value}"
	case t.Kind() == reflect.Bool:
		return "true or false"
	case t == reflect.TypeFor[int]():
		return "a whole number"
	}
	return "a single value"
}

// value reads a node into a value.
func (d *document) value(n *yaml.Node, at place, into reflect.Value) {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	clients := into.Type() == reflect.TypeFor[[]Client]()
	at.secret = at.secret || clients || into.Type() == reflect.TypeFor[Client]()
	switch {
	case n.Style&yaml.TaggedStyle != 0:
		d.refuse(n, at, "tags, which begin with !, have no meaning here")
	case n.Kind == yaml.ScalarNode && n.Tag == "!!null":
		if !clients && into.Kind() != reflect.Struct { // a heading under which all is commented out is harmless
			d.refuse(n, at, "%s", d.nothing(at))
		}
	case into.Kind() == reflect.Struct:
		d.mapping(n, at, into)
	case into.Kind() == reflect.Slice:
		d.list(n, at, into)
	case n.Kind != yaml.ScalarNode:
		d.want(n, at, into)
	default:
		d.scalar(n, at, into)
	}
}

// noPatterns says why a scope must not be empty: no scope would be all keys.
const noPatterns = "want at least one pattern; leave keys out to let the client see all keys"

// nothing tells what to do about a setting without a value.
func (d *document) nothing(at place) string {
	if at.secret && strings.HasSuffix(at.name, ": keys") || at.name == "keys" {
		return noPatterns
	}
	return "it has no value; give it one, or leave it out"
}

// scalar reads a single value.
func (d *document) scalar(n *yaml.Node, at place, into reflect.Value) {
	if u, ok := into.Addr().Interface().(encoding.TextUnmarshaler); ok {
		if err := u.UnmarshalText([]byte(n.Value)); err != nil {
			d.refuse(n, at, "%v", err)
		}
		return
	}
	switch into.Kind() {
	case reflect.String:
		d.text(n, at, into)
	case reflect.Int:
		number, err := strconv.Atoi(n.Value)
		if err != nil {
			d.want(n, at, into)
		}
		into.SetInt(int64(number))
	default:
		yes := slices.Contains([]string{"true", "yes", "on"}, strings.ToLower(n.Value))
		if !yes && !slices.Contains([]string{"false", "no", "off"}, strings.ToLower(n.Value)) {
			d.want(n, at, into)
		}
		into.SetBool(yes)
	}
}

// text reads a text. One of a client may have swallowed the next line, if that
// lacks a space: what is a name here stands in logs.
func (d *document) text(n *yaml.Node, at place, into reflect.Value) {
	if at.secret {
		inside := regexp.MustCompile(`(?:^|\s)(` + strings.Join(settingNames(reflect.TypeFor[Client]()), "|") + `):`)
		if m := inside.FindStringSubmatch(n.Value); m != nil && n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) == 0 {
			d.refuse(n, at, `it has "%s:" in it: a space is missing behind that`, m[1])
			return
		}
	}
	into.SetString(n.Value)
}

// list reads a list, or a single value where that stands for a list of one.
func (d *document) list(n *yaml.Node, at place, into reflect.Value) {
	entries := n.Content
	switch {
	case n.Kind == yaml.ScalarNode && into.Type() == reflect.TypeFor[List]():
		entries = []*yaml.Node{n}
	case n.Kind != yaml.SequenceNode:
		d.want(n, at, into)
		return
	}
	list := reflect.MakeSlice(into.Type(), len(entries), len(entries))
	for i, entry := range entries {
		d.value(entry, at.entry(i, into.Type().Elem()), list.Index(i))
	}
	into.Set(list)
}

// mapping reads the settings of a struct.
func (d *document) mapping(n *yaml.Node, at place, into reflect.Value) {
	if n.Kind != yaml.MappingNode {
		if name, ok := lacksSpace(n.Value, into.Type()); ok {
			d.refuse(n, at, `a space is missing behind "%s:"`, name)
			return
		}
		d.want(n, at, into)
		return
	}
	first := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		field, ok := fieldNamed(into, key.Value)
		switch {
		case !ok || key.Kind != yaml.ScalarNode:
			d.unknown(key, at, into.Type())
		case first[key.Value] > 0:
			d.refuse(key, at.at(key.Value), "it stands there twice, first in line %d", first[key.Value])
		default:
			first[key.Value] = key.Line
			d.value(value, at.at(key.Value), field)
		}
	}
}

// fieldNamed returns the field of a setting.
func fieldNamed(of reflect.Value, setting string) (reflect.Value, bool) {
	for i := range of.NumField() {
		if name := of.Type().Field(i).Tag.Get("yaml"); name == setting && name != "" && name != "-" {
			return of.Field(i), true
		}
	}
	return reflect.Value{}, false
}

// settingNames returns the names of the settings in a struct.
func settingNames(of reflect.Type) []string {
	var names []string
	for i := range of.NumField() {
		if name := of.Field(i).Tag.Get("yaml"); name != "" && name != "-" {
			names = append(names, name)
		}
	}
	return names
}

// within returns the full name of a setting that belongs under another one.
func within(of reflect.Type, setting string) (name string, ok bool) {
	for i := range of.NumField() {
		f := of.Field(i)
		if f.Type.Kind() == reflect.Struct && slices.Contains(settingNames(f.Type), setting) {
			return f.Tag.Get("yaml") + "." + setting, true
		}
	}
	return "", false
}

// lacksSpace returns the setting with which a text such as "key:value" begins.
func lacksSpace(text string, of reflect.Type) (name string, ok bool) {
	name, _, ok = strings.Cut(text, ":")
	return name, ok && slices.Contains(settingNames(of), name)
}

// unknown complains of a setting that does not exist, and names one that might
// be meant. In a client it may be an API key.
func (d *document) unknown(key *yaml.Node, at place, of reflect.Type) {
	names := settingNames(of)
	near, isNear := nearest(key.Value, names)
	if !isNear && of == reflect.TypeFor[Config]() {
		near, isNear = within(of, key.Value)
	}
	plain := regexp.MustCompile(`^[A-Za-z][A-Za-z_-]{0,39}$`).MatchString(key.Value)
	if name, ok := lacksSpace(key.Value, of); ok {
		d.refuse(key, at, `a space is missing behind "%s:"`, name)
		return
	}
	if of == reflect.TypeFor[Config]() && (key.Value == "key" || key.Value == "key_file") { // flags that the file has not, and no tls.key
		d.refuse(key, at, "unknown setting %q; an API key belongs to a client: clients: [{name: shop, key_file: shop.key}]", key.Value)
		return
	}
	said := "unknown setting"
	if isNear && !at.secret && of != reflect.TypeFor[Config]() {
		near = at.at(near).name
	}
	if plain && !at.secret {
		said = fmt.Sprintf("unknown setting %q", at.at(key.Value).name)
		at.name = ""
	}
	switch {
	case isNear:
		d.refuse(key, at, "%s, did you mean %s?", said, near)
	case at.secret:
		d.refuse(key, at, "%s; want %s", said, strings.Join(names, ", "))
	default:
		d.refuse(key, at, "%s", said)
	}
}

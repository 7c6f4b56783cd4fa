// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"bytes"
	"cmp"
	"slices"
	"unicode/utf16"
	"unicode/utf8"
)

// A comparer tells whether two texts are the same JSON. It keeps memory from one
// comparison to the next. The zero comparer is ready to use.
type comparer struct{ a, b document }

// equal is false if one of the two is not JSON.
func (c *comparer) equal(a, b []byte) bool {
	return c.a.parse(a) && c.b.parse(b) && equalValues(&c.a, 0, &c.b, 0)
}

// isNull tells whether the text is the JSON value null.
func isNull(text []byte) bool {
	return len(text) >= len("null") && string(bytes.Trim(text, " \t\r\n")) == "null"
}

// A document is the outline of a JSON text: its values in the order in which
// they begin. The elements of an array follow it, and so do the members of an
// object, each a name and a value.
type document struct {
	text  []byte
	nodes []node
}

// A node is one value or name.
type node struct {
	start, end int // in text, quotes and brackets included
	next       int // the node after this one and all that it contains
}

// maxDepth is how deep System.Text.Json nests by default. What is deeper is not
// JSON to a .NET client either, and the bound makes recursion harmless.
const maxDepth = 64

// parse outlines the text. It is as strict as System.Text.Json: false for
// anything but one value, and for characters that are not UTF-8 or are half a
// surrogate pair, which a reader would have to replace, so that different texts
// became the same.
func (d *document) parse(text []byte) bool {
	d.text, d.nodes = text, d.nodes[:0]
	if !utf8.Valid(text) {
		return false
	}
	end, ok := d.value(d.space(0), 0)
	return ok && d.space(end) == len(text)
}

// value outlines the value at i and returns where it ends.
func (d *document) value(i, depth int) (end int, ok bool) {
	at := len(d.nodes)
	d.nodes = append(d.nodes, node{start: i})
	switch c := d.at(i); {
	case c == '{':
		end, ok = d.object(i+1, depth+1)
	case c == '[':
		end, ok = d.array(i+1, depth+1)
	case c == '"':
		end, ok = scanString(d.text, i+1)
	case c == '-' || '0' <= c && c <= '9':
		end, ok = scanNumber(d.text, i)
	default:
		end, ok = scanLiteral(d.text, i)
	}
	d.nodes[at].end, d.nodes[at].next = end, len(d.nodes)
	return end, ok
}

func (d *document) array(i, depth int) (end int, ok bool) {
	if i = d.space(i); d.at(i) == ']' {
		return i + 1, depth <= maxDepth
	}
	for ok = depth <= maxDepth; ok; i = d.space(i + 1) {
		if i, ok = d.value(i, depth); !ok {
			break
		}
		if i = d.space(i); d.at(i) != ',' {
			return i + 1, d.at(i) == ']'
		}
	}
	return i, false
}

func (d *document) object(i, depth int) (end int, ok bool) {
	if i = d.space(i); d.at(i) == '}' {
		return i + 1, depth <= maxDepth
	}
	for ok = depth <= maxDepth; ok; i = d.space(i + 1) {
		if i, ok = d.member(i, depth); !ok {
			break
		}
		if i = d.space(i); d.at(i) != ',' {
			return i + 1, d.at(i) == '}'
		}
	}
	return i, false
}

func (d *document) member(i, depth int) (end int, ok bool) {
	if d.at(i) != '"' {
		return i, false
	}
	if i, ok = d.value(i, depth); !ok {
		return i, false
	}
	if i = d.space(i); d.at(i) != ':' {
		return i, false
	}
	return d.value(d.space(i+1), depth)
}

// at returns the byte at i, and past the end 0, which is no part of JSON.
func (d *document) at(i int) byte {
	if i < len(d.text) {
		return d.text[i]
	}
	return 0
}

// space returns where the white space at i ends.
func (d *document) space(i int) int {
	for i < len(d.text) && (d.text[i] == ' ' || d.text[i] == '\t' || d.text[i] == '\r' || d.text[i] == '\n') {
		i++
	}
	return i
}

// raw returns the text of a node, and for strings what is between the quotes.
func (d *document) raw(at int) []byte {
	n := d.nodes[at]
	if d.text[n.start] == '"' {
		return d.text[n.start+1 : n.end-1]
	}
	return d.text[n.start:n.end]
}

func scanLiteral(text []byte, i int) (end int, ok bool) {
	for _, word := range [...]string{"true", "false", "null"} {
		if bytes.HasPrefix(text[min(i, len(text)):], []byte(word)) {
			return i + len(word), true
		}
	}
	return i, false
}

// scanString returns the end of the string whose first character is at i.
func scanString(text []byte, i int) (end int, ok bool) {
	for i < len(text) {
		switch c := text[i]; {
		case c == '"':
			return i + 1, true
		case c < ' ':
			return i, false
		case c == '\\':
			_, size := nextChar(text[i:])
			if size == 0 {
				return i, false
			}
			i += size
		default:
			i++
		}
	}
	return i, false
}

// nextChar returns the first character of text inside a JSON string, which is
// not empty, and its size there: 0 for an escape that is none.
func nextChar(text []byte) (r rune, size int) {
	switch c := text[0]; {
	case c >= utf8.RuneSelf:
		return utf8.DecodeRune(text)
	case c != '\\':
		return rune(c), 1
	case len(text) < 2:
		return 0, 0
	}
	switch c := text[1]; c {
	case '"', '\\', '/':
		return rune(c), 2
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	}
	r, ok := hexChar(text)
	switch {
	case !ok:
		return 0, 0
	case !utf16.IsSurrogate(r):
		return r, 6
	}
	low, _ := hexChar(text[6:])
	if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
		return 0, 0
	}
	return r, 12
}

// hexChar returns the UTF-16 unit that text begins with as \uXXXX.
func hexChar(text []byte) (r rune, ok bool) {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return 0, false
	}
	for _, c := range text[2:6] {
		switch {
		case '0' <= c && c <= '9':
			r = r<<4 | rune(c-'0')
		case 'a' <= c && c <= 'f':
			r = r<<4 | rune(c-'a'+10)
		case 'A' <= c && c <= 'F':
			r = r<<4 | rune(c-'A'+10)
		default:
			return 0, false
		}
	}
	return r, true
}

func equalValues(a *document, i int, b *document, j int) bool {
	first := a.text[a.nodes[i].start]
	second := b.text[b.nodes[j].start]
	switch {
	case isDigit(first) || first == '-':
		return (isDigit(second) || second == '-') && equalNumbers(a.raw(i), b.raw(j))
	case first != second:
		return false
	case first == '"':
		return equalStrings(a.raw(i), b.raw(j))
	case first == '[':
		return equalArrays(a, i, b, j)
	case first == '{':
		return equalObjects(a, i, b, j)
	}
	return true // true, false or null
}

func equalArrays(a *document, i int, b *document, j int) bool {
	endA, endB := a.nodes[i].next, b.nodes[j].next
	i, j = i+1, j+1
	for i < endA && j < endB {
		if !equalValues(a, i, b, j) {
			return false
		}
		i, j = a.nodes[i].next, b.nodes[j].next
	}
	return i == endA && j == endB
}

func equalObjects(a *document, i int, b *document, j int) bool {
	membersA, membersB := a.members(i), b.members(j)
	return slices.EqualFunc(membersA, membersB, func(x, y member) bool {
		return bytes.Equal(x.name, y.name) && equalValues(a, x.value, b, y.value)
	})
}

// A member of an object.
type member struct {
	name  []byte
	value int // the node
}

// members returns the members of an object by name, of each name the last.
func (d *document) members(at int) []member {
	var ms []member
	for i := at + 1; i < d.nodes[at].next; {
		value := d.nodes[i].next
		ms = append(ms, member{unescape(d.raw(i)), value})
		i = d.nodes[value].next
	}
	slices.SortFunc(ms, func(a, b member) int {
		return cmp.Or(bytes.Compare(a.name, b.name), b.value-a.value) // the last of a name first
	})
	return slices.CompactFunc(ms, func(a, b member) bool { return bytes.Equal(a.name, b.name) })
}

// unescape returns the characters of a JSON string, of which raw is the inside.
func unescape(raw []byte) []byte {
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw
	}
	var text []byte
	for len(raw) > 0 {
		r, size := nextChar(raw)
		text = utf8.AppendRune(text, r)
		raw = raw[size:]
	}
	return text
}

// equalStrings compares the insides of two JSON strings.
func equalStrings(a, b []byte) bool {
	if bytes.IndexByte(a, '\\') < 0 && bytes.IndexByte(b, '\\') < 0 {
		return bytes.Equal(a, b)
	}
	for len(a) > 0 && len(b) > 0 {
		ra, na := nextChar(a)
		rb, nb := nextChar(b)
		if ra != rb {
			return false
		}
		a, b = a[na:], b[nb:]
	}
	return len(a) == len(b)
}

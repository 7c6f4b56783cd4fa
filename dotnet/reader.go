// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package dotnet

import "bytes"

// maxDepth is how deep System.Text.Json nests by default, both ways.
const maxDepth = 64

// A reader goes through JSON text as System.Text.Json does by default: no
// comments, no trailing commas, no byte order mark. Its methods begin at the
// next byte that is not white space.
type reader struct {
	data   []byte
	pos    int
	at     int // where the last text began
	depth  int
	strict bool // a property that a struct lacks is an error
}

// end checks that nothing but white space follows.
func (r *reader) end() error {
	if r.peek() != 0 || r.pos < len(r.data) {
		return r.fail(r.pos, "the end")
	}
	return nil
}

// peek passes over white space and returns the byte after it, 0 at the end.
func (r *reader) peek() byte {
	for r.pos < len(r.data) {
		switch c := r.data[r.pos]; c {
		case ' ', '\t', '\r', '\n':
			r.pos++
		default:
			return c
		}
	}
	return 0
}

// fail returns an error about what begins at that place.
func (r *reader) fail(at int, want string) error {
	return &ReadError{Offset: at, Found: r.found(at), Want: want}
}

func (r *reader) found(at int) string {
	rest := r.data[min(at, len(r.data)):]
	if len(rest) == 0 {
		return "the end"
	}
	switch c := rest[0]; {
	case c == '{':
		return "an object"
	case c == '[':
		return "an array"
	case c == '"':
		return "a string"
	case isDigit(c) || c == '-':
		return "a number"
	case bytes.HasPrefix(rest, []byte("null")):
		return "null"
	case bytes.HasPrefix(rest, []byte("true")), bytes.HasPrefix(rest, []byte("false")):
		return "a boolean"
	case c == ',' || c == ':' || c == ']' || c == '}':
		return string(c)
	case bytes.HasPrefix(rest, []byte("\ufeff")):
		return "a byte order mark"
	}
	return "what is no JSON"
}

// null passes over a null, if that is what comes.
func (r *reader) null() (bool, error) {
	if r.peek() != 'n' {
		return false, nil
	}
	return true, r.literal("null")
}

func (r *reader) literal(word string) error {
	r.peek()
	if !bytes.HasPrefix(r.data[r.pos:], []byte(word)) {
		return r.fail(r.pos, "a JSON value")
	}
	r.pos += len(word)
	return nil
}

// open passes over a bracket and counts the depth.
func (r *reader) open(bracket byte, want string) error {
	if r.peek() != bracket {
		return r.fail(r.pos, want)
	}
	if r.depth++; r.depth > maxDepth {
		return r.fail(r.pos, "at most 64 arrays and objects in each other")
	}
	r.pos++
	return nil
}

// more tells whether another element or member comes, past the comma, or passes
// over the closing bracket.
func (r *reader) more(first bool, bracket byte) (bool, error) {
	c := r.peek()
	switch {
	case c == bracket && c != 0:
		r.pos++
		r.depth--
		return false, nil
	case first:
		return true, nil
	case c != ',':
		return false, r.fail(r.pos, "a comma or "+string(bracket))
	}
	r.pos++
	if r.peek() == bracket {
		return false, r.fail(r.pos, "a value after the comma")
	}
	return true, nil
}

// name passes over a member's name and the colon. The name may have escapes,
// and may be no UTF-8.
func (r *reader) name() (raw []byte, escaped bool, err error) {
	if r.peek() != '"' {
		return nil, false, r.fail(r.pos, "a name in quotes")
	}
	if raw, escaped, err = r.quoted(); err != nil {
		return nil, false, err
	}
	if r.peek() != ':' {
		return nil, false, r.fail(r.pos, "a colon")
	}
	r.pos++
	return raw, escaped, nil
}

// number passes over a number and returns its text.
func (r *reader) number(want string) ([]byte, error) {
	c := r.peek()
	start := r.pos
	if c != '-' && !isDigit(c) {
		return nil, r.fail(start, want)
	}
	end, ok := scanNumber(r.data, start)
	if !ok {
		return nil, &ReadError{Offset: start, Found: "a malformed number", Want: want}
	}
	r.pos = end
	return r.data[start:end], nil
}

// scanNumber returns where the number at i ends.
func scanNumber(data []byte, i int) (end int, ok bool) {
	if i < len(data) && data[i] == '-' {
		i++
	}
	first := i
	if i = digits(data, i); i == first || data[first] == '0' && i > first+1 {
		return i, false
	}
	if i < len(data) && data[i] == '.' {
		first = i + 1
		if i = digits(data, first); i == first {
			return i, false
		}
	}
	if i < len(data) && data[i]|' ' == 'e' {
		first = i + 1
		if first < len(data) && (data[first] == '+' || data[first] == '-') {
			first++
		}
		if i = digits(data, first); i == first {
			return i, false
		}
	}
	return i, true
}

// digits returns where the digits at i end.
func digits(data []byte, i int) int {
	for i < len(data) && isDigit(data[i]) {
		i++
	}
	return i
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package dotnet

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
)

// A ReadError says where a value is not what .NET would read as its type. Its
// text tells kinds and places, never what the value holds: it may end in a log,
// and a session holds personal data.
type ReadError struct {
	Path   string // as in $.Lines[2].Price; a dictionary's key is *
	Offset int    // in bytes, from the start of the value
	Found  string // "a string", "the end"
	Want   string // "an int"
	Err    error  // what a type's own method said, or nil; it may quote the value
}

func (e *ReadError) Error() string {
	return fmt.Sprintf("dotnet: %s, %s", short(e.Path), e.what())
}

// what is the text without the path.
func (e *ReadError) what() string {
	return fmt.Sprintf("byte %d: found %s, want %s", e.Offset, e.Found, e.Want)
}

// Unwrap returns what a type's own method said.
func (e *ReadError) Unwrap() error { return e.Err }

// A WriteError says which part of a value has no form that .NET would read.
type WriteError struct {
	Path string // as in $.Lines[2].Price; a dictionary's key is *
	Err  error
}

func (e *WriteError) Error() string { return fmt.Sprintf("dotnet: %s: %v", short(e.Path), e.Err) }

// Unwrap returns what is wrong there.
func (e *WriteError) Unwrap() error { return e.Err }

// A TypeError lists all reasons why a Go type can't stand for a .NET type.
type TypeError struct {
	Type       reflect.Type
	Complaints []Complaint
}

// A Complaint is about one place in a type.
type Complaint struct {
	Path   string // as in $.Lines[].Price
	Type   reflect.Type
	Reason string
}

func (e *TypeError) Error() string {
	reasons := make([]string, len(e.Complaints))
	for i, c := range e.Complaints {
		reasons[i] = fmt.Sprintf("%s (%v) %s", c.Path, c.Type, c.Reason)
	}
	return fmt.Sprintf("dotnet: %v can't cross to .NET: %s", e.Type, strings.Join(reasons, "; "))
}

// short returns a path as it is, or the first and the last steps of one that goes
// deep, as that into a cycle does.
func short(path string) string {
	const enough = 100
	if len(path) <= enough {
		return path
	}
	head, tail := path[:enough/2], path[len(path)-enough/2:]
	head = head[:max(strings.LastIndexAny(head, ".["), 0)]
	if at := strings.IndexAny(tail, ".["); at >= 0 {
		return head + "…" + tail[at:]
	}
	return head + "…"
}

// under puts a step before the path of an error that comes up through it, so
// that the way down costs nothing while all is well.
func under(step string, err error) error {
	if read, ok := errors.AsType[*ReadError](err); ok {
		read.Path = step + read.Path
		return read
	}
	if write, ok := errors.AsType[*WriteError](err); ok {
		write.Path = step + write.Path
		return write
	}
	return &WriteError{Path: step, Err: err}
}

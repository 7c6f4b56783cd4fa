// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package dotnet

// skip passes over a value that nobody asks for. As in .NET its strings must be
// well-formed, but need be no UTF-8, and half a surrogate pair is no matter.
func (r *reader) skip() error {
	switch r.peek() {
	case '{':
		return r.skipObject()
	case '[':
		return r.skipArray()
	case '"':
		_, _, err := r.quoted()
		return err
	case 't':
		return r.literal("true")
	case 'f':
		return r.literal("false")
	case 'n':
		return r.literal("null")
	}
	_, err := r.number("a JSON value")
	return err
}

func (r *reader) skipArray() error {
	if err := r.open('[', "an array"); err != nil {
		return err
	}
	for first := true; ; first = false {
		if more, err := r.more(first, ']'); err != nil || !more {
			return err
		}
		if err := r.skip(); err != nil {
			return err
		}
	}
}

func (r *reader) skipObject() error {
	if err := r.open('{', "an object"); err != nil {
		return err
	}
	for first := true; ; first = false {
		if more, err := r.more(first, '}'); err != nil || !more {
			return err
		}
		if _, _, err := r.name(); err != nil {
			return err
		}
		if err := r.skip(); err != nil {
			return err
		}
	}
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package wire

import "fmt"

// A FormatError tells why bytes are not a session, or that a limit was
// exceeded, or that they could not be read. It contains no value and no key,
// save that a wrong version shows how the input begins.
type FormatError struct {
	Field  string // what was being read: "session id", "value of item 3", …
	Offset int    // where that field begins, from the first byte of the input
	Reason string // what is wrong with it

	// Err is the cause, if there is one: io.ErrUnexpectedEOF where the input
	// ends too early, io.EOF where there is none at all, or what the reader of
	// the stream returned.
	Err error
}

func (e *FormatError) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("wire: %s at offset %d: %s", e.Field, e.Offset, e.Reason)
	}
	return fmt.Sprintf("wire: %s at offset %d: %s: %v", e.Field, e.Offset, e.Reason, e.Err)
}

// Unwrap returns e.Err.
func (e *FormatError) Unwrap() error { return e.Err }

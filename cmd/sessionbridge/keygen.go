// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/rand"
	"fmt"
	"io"
)

type keygenCommand struct{}

// Help implements kong.HelpProvider.
func (*keygenCommand) Help() string {
	return "The key is a random GUID, which is what both ends insist on. Anybody who knows it can read and write sessions."
}

// Run prints a key.
func (*keygenCommand) Run(stdout io.Writer) error {
	_, err := fmt.Fprintln(stdout, newKey())
	return err
}

// newKey returns a random GUID (RFC 9562, version 4).
func newKey() string {
	var b [16]byte
	rand.Read(b[:]) // never fails: crypto/rand ends the program instead
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package dotnet

import (
	"bytes"
	"encoding/hex"
)

// A GUID is .NET's Guid, its bytes in the order in which its text shows them. So it
// can be turned into the usual UUID types of Go and back:
//
//	uuid.UUID(guid)
//
// (Guid.ToByteArray of .NET gives the first eight in another order.)
type GUID [16]byte

// ParseGUID reads the form 0f8fad5b-d9cb-469f-a165-70867728950e, in any case.
// It is the only one that System.Text.Json reads.
func ParseGUID(text string) (GUID, error) {
	var g GUID
	return g, g.UnmarshalText([]byte(text))
}

// String returns the form 0f8fad5b-d9cb-469f-a165-70867728950e.
func (g GUID) String() string { return textOf(g) }

// AppendText appends the form of [GUID.String]. It never fails.
func (g GUID) AppendText(dst []byte) ([]byte, error) {
	dst = hex.AppendEncode(dst, g[:4])
	for _, part := range [...][]byte{g[4:6], g[6:8], g[8:10], g[10:]} {
		dst = hex.AppendEncode(append(dst, '-'), part)
	}
	return dst, nil
}

// MarshalText returns the form of [GUID.String].
func (g GUID) MarshalText() ([]byte, error) { return g.AppendText(nil) }

// UnmarshalText reads the form of [ParseGUID].
func (g *GUID) UnmarshalText(text []byte) error {
	var b [16]byte
	at := 0
	for _, part := range bytes.SplitN(text, []byte("-"), 5) {
		n, err := hex.Decode(b[at:], part[:min(len(part), 2*(len(b)-at))])
		if err != nil {
			return errText
		}
		at += n
	}
	if got, _ := GUID(b).AppendText(nil); !bytes.EqualFold(got, text) {
		return errText
	}
	*g = b
	return nil
}

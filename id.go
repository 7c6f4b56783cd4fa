// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// idLength and idAlphabet are those of System.Web's SessionIDManager: 24
// characters of 5 bits each, 120 bits in all.
const (
	idLength   = 24
	idAlphabet = "abcdefghijklmnopqrstuvwxyz012345"
)

// NewID returns an unguessable session id as ASP.NET makes them: 24 characters
// of a–z and 0–5.
func NewID() string {
	var id [idLength]byte
	rand.Read(id[:]) // never fails: crypto/rand ends the program instead
	for i, b := range id {
		id[i] = idAlphabet[b%32]
	}
	return string(id[:])
}

// ParseID returns the id that an arriving value stands for: lower-cased, as
// ASP.NET does. It reports false for anything but 24 characters of a–z and
// 0–9; such a value is ignored, not answered with an error.
func ParseID(value string) (id string, ok bool) {
	if len(value) != idLength {
		return "", false
	}
	capitals := false
	for i := range len(value) {
		switch c := value[i]; {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
		case 'A' <= c && c <= 'Z':
			capitals = true
		default:
			return "", false
		}
	}
	if capitals {
		value = strings.ToLower(value)
	}
	return value, true
}

// HashID returns a short hash of a session id, for logs and pages. An id is a
// credential: whoever knows it has the session, so it is never written down.
func HashID(id string) string {
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:6])
}

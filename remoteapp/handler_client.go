// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package remoteapp

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/wire"
)

// A HandlerClient is a program that may use the sessions of a [Handler].
type HandlerClient struct {
	Name string   // for logs, metrics and operators: printable, and not "none"
	Keys []string // its API keys: several are valid at once, so that one can replace another without a gap

	// Scope declares the keys that are the client's business, such as "user"
	// and "cart*". It is sent no others and can touch no others; of its own, one
	// that it leaves out is removed. nil: it sees all keys. One without a pattern is
	// refused, lest a list that came out empty open everything.
	Scope []string

	// Replace says what it means if a client without a scope leaves a key out:
	// true, that the key goes, as with Microsoft's server; false, that it goes
	// only if this client has ever sent it. Microsoft's client in its strict
	// mode knows all keys, and lenient ones leave out what they don't know.
	Replace bool
}

// clients tells who sent a request by its API key.
type clients struct {
	header string // in canonical form
	keys   []clientKey
}

// A clientKey is one valid key. Keys are compared by their hashes, which have
// one length, so the time says nothing about them.
type clientKey struct {
	hash   [sha256.Size]byte
	client *session.Client
}

// newClients returns all that is wrong with the clients together.
func newClients(header string, list []HandlerClient) (*clients, error) {
	c := &clients{header: header}
	var errs []error
	names, owner := map[string]bool{}, map[[sha256.Size]byte]string{}
	if len(list) == 0 {
		errs = append(errs, errors.New("no clients: nobody could use the sessions"))
	}
	for _, client := range list {
		scope, err := wire.ParseScope(client.Scope)
		if err != nil {
			errs = append(errs, fmt.Errorf("client %q: %w", client.Name, err))
		}
		if client.Scope != nil && len(client.Scope) == 0 {
			errs = append(errs, fmt.Errorf("client %q: its scope has no pattern; leave it out to let the client see all keys", client.Name))
		}
		errs = append(errs, checkName(client.Name))
		if names[client.Name] {
			errs = append(errs, fmt.Errorf("client %q stands there twice", client.Name))
		}
		names[client.Name] = true
		if len(client.Keys) == 0 {
			errs = append(errs, fmt.Errorf("client %q has no API key", client.Name))
		}
		known := &session.Client{Name: client.Name, Scope: scope, Replace: client.Replace}
		for _, key := range client.Keys {
			hash := sha256.Sum256([]byte(key))
			if err := CheckKey(key); err != nil {
				errs = append(errs, fmt.Errorf("client %q: %w", client.Name, err))
			}
			if other, taken := owner[hash]; taken && other == client.Name {
				errs = append(errs, fmt.Errorf("client %q has the same API key twice", client.Name))
			} else if taken {
				errs = append(errs, fmt.Errorf("clients %q and %q have the same API key", other, client.Name))
			}
			owner[hash] = client.Name
			c.keys = append(c.keys, clientKey{hash, known})
		}
	}
	return c, errors.Join(errs...)
}

// checkName returns an error if a client can't have the name. Metrics say none
// of a request that has no valid key.
func checkName(name string) error {
	hidden := func(r rune) bool { return !unicode.IsPrint(r) }
	switch {
	case strings.TrimSpace(name) == "":
		return errors.New("a client has no name")
	case strings.TrimSpace(name) != name:
		return fmt.Errorf("client %q: its name begins or ends with white space", name)
	case strings.ContainsFunc(name, hidden) || !utf8.ValidString(name):
		return fmt.Errorf("client %q: its name has characters that can't be printed", name)
	case strings.EqualFold(name, "none"):
		return fmt.Errorf("client %q: that name stands for requests without a valid API key", name)
	}
	return nil
}

// find returns the client whose key a request carries. A repeated header is
// joined with commas, as in ASP.NET, and then fits no key.
func (c *clients) find(h http.Header) (*session.Client, bool) {
	values := h[c.header]
	if len(values) == 0 {
		return nil, false
	}
	var key [64]byte // enough for any GUID, so most keys are hashed without an allocation
	hash := sha256.Sum256(append(key[:0], strings.Join(values, ",")...))
	var found *session.Client
	for _, key := range c.keys {
		if subtle.ConstantTimeCompare(hash[:], key.hash[:]) == 1 {
			found = key.client
		}
	}
	return found, found != nil
}

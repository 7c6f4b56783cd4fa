// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package memstore

import (
	"context"
	"slices"
	"strings"

	"github.com/sessionbridge/session/wire"
)

// Bounds on what is learned: a client that invents keys must not fill the store.
const (
	maxKeys      = 10_000
	maxKeyLength = 1024
)

// A keySet is what a client is known to have sent, as it was spelled first.
type keySet struct {
	keys   []string
	folded map[string]struct{}
}

// Learn implements [session.Store]. It learns at most 10,000 keys of a client,
// none of more than 1 KiB, and none for which there is no room. A key that is
// not learned is no error: all that follows is that the client can't remove it.
func (s *Store) Learn(ctx context.Context, client string, keys []string) (all []string, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, key := range keys {
		s.learn(client, key)
	}
	if known := s.clients[client]; known != nil {
		all = slices.Clone(known.keys)
	}
	return all, nil
}

// learn adds a key to those of a client, if it is new and allowed. s.mu is held.
func (s *Store) learn(client, key string) {
	if len(key) > maxKeyLength {
		return
	}
	known, folded := s.clients[client], wire.FoldKey(key)
	size := int64(keySize + 2*len(key))
	if known == nil {
		size += int64(keySize + len(client))
	} else if _, is := known.folded[folded]; is || len(known.keys) == maxKeys {
		return
	}
	if !s.fits(size, 0, s.now()) {
		return
	}
	if known == nil {
		known = &keySet{folded: map[string]struct{}{}}
		s.clients[strings.Clone(client)] = known
	}
	s.used += size
	known.keys = append(known.keys, strings.Clone(key)) // it may be part of a whole request
	known.folded[strings.Clone(folded)] = struct{}{}
}

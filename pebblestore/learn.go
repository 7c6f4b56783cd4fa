// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package pebblestore

import (
	"context"

	"github.com/cockroachdb/pebble/v2"
	"github.com/sessionbridge/session/wire"
)

// Bounds on what is learned: a client that invents keys must not fill the store.
const (
	maxKeys      = 10_000
	maxKeyLength = 1024
)

// Learn implements [session.Store]. It learns at most 10,000 keys of a client,
// and none of more than 1 KiB. A key that is not learned is no error: all that
// follows is that the client can't remove it.
func (s *Store) Learn(ctx context.Context, client string, keys []string) (all []string, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	from := learnedFrom(client)
	st := s.stripes.of(string(from))
	st.order.Lock()
	defer st.order.Unlock()
	known := map[string]bool{}
	err = scanPrefix(ctx, s.db, from, func(key, value []byte) error {
		known[string(key[len(from):])] = true
		all = append(all, string(value))
		return nil
	})
	if err != nil {
		return nil, s.wrong(err)
	}
	added, err := s.learn(from, keys, known)
	if err != nil {
		return nil, s.wrong(err)
	}
	return append(all, added...), nil
}

// learn stores the keys that are not known yet. The client's stripe is held.
func (s *Store) learn(from []byte, keys []string, known map[string]bool) (added []string, err error) {
	b := s.db.NewBatch()
	defer b.Close()
	for _, key := range keys {
		folded := wire.FoldKey(key)
		if known[folded] || len(known) == maxKeys || len(key) > maxKeyLength {
			continue
		}
		known[folded] = true
		added = append(added, key)
		_ = b.Set(append(from[:len(from):len(from)], folded...), []byte(key), pebble.NoSync)
	}
	if len(added) == 0 {
		return nil, nil
	}
	if err := s.disk.admit(0, false); err != nil {
		return nil, err
	}
	return added, s.commit(b, durably)
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package pebblestore

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"github.com/cockroachdb/pebble/v2"
)

// scan shows all keys of a kind to f. They are f's until it returns.
func scan(ctx context.Context, r pebble.Reader, kind byte, f func(key, value []byte) error) error {
	return scanPrefix(ctx, r, []byte{kind}, f)
}

// scanPrefix shows all keys that begin with prefix to f.
func scanPrefix(ctx context.Context, r pebble.Reader, prefix []byte, f func(key, value []byte) error) error {
	return scanRange(ctx, r, prefix, after(prefix), f)
}

// errEnough ends a scan.
var errEnough = errors.New("enough")

func scanRange(ctx context.Context, r pebble.Reader, from, to []byte, f func(key, value []byte) error) error {
	it, err := r.NewIterWithContext(ctx, &pebble.IterOptions{LowerBound: from, UpperBound: to})
	if err != nil {
		return err
	}
	for it.First(); it.Valid() && err == nil; it.Next() {
		value, valueErr := it.ValueAndErr()
		if err = errors.Join(valueErr, ctx.Err()); err == nil {
			err = f(it.Key(), value)
		}
	}
	if errors.Is(err, errEnough) {
		err = nil
	}
	return errors.Join(err, it.Close()) // which answers an error of the iteration too
}

// scanOn is scanRange, but goes on with the next table behind what can't be read,
// unless unread answers an error to that.
func (s *Store) scanOn(ctx context.Context, r pebble.Reader, from, to []byte, f func(key, value []byte) error, unread func(error) error) error {
	edges, err := s.edges(to)
	if err != nil {
		return err
	}
	for {
		last := from
		err := scanRange(ctx, r, from, to, func(key, value []byte) error {
			last = append(last[:0:0], key...)
			return f(key, value)
		})
		if err == nil || ctx.Err() != nil {
			return err
		}
		if err := unread(err); err != nil {
			return err
		}
		for len(edges) > 0 && bytes.Compare(edges[0], last) <= 0 {
			edges = edges[1:]
		}
		if len(edges) == 0 {
			return nil
		}
		from = edges[0]
	}
}

// edges are the first and the last keys of all tables, in order, that are before
// a key; nil is behind all.
func (s *Store) edges(to []byte) (keys [][]byte, err error) {
	levels, err := s.db.SSTables()
	for _, tables := range levels {
		for _, t := range tables {
			keys = append(keys, t.Smallest.UserKey, t.Largest.UserKey)
		}
	}
	keys = slices.DeleteFunc(keys, func(k []byte) bool { return to != nil && bytes.Compare(k, to) >= 0 })
	slices.SortFunc(keys, bytes.Compare)
	return keys, err
}

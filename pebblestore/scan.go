// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package pebblestore

import (
	"context"
	"errors"

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

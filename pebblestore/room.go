// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package pebblestore

import (
	"context"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
	"github.com/sessionbridge/session"
)

// loadUsed counts what there is, if that is bounded. Items that can't be read
// count for nothing: who uses one is told.
func (s *Store) loadUsed(ctx context.Context) error {
	if s.o.MaxBytes == 0 || s.readOnly {
		return nil
	}
	items := []byte{kindItem}
	return s.scanOn(ctx, s.db, items, after(items), func(key, value []byte) error {
		if it, err := decodeItem(string(key[1:]), value); err == nil {
			s.used.Add(it.bytes())
		}
		return nil
	}, func(err error) error {
		if pebble.IsCorruptionError(err) {
			return nil
		}
		return err
	})
}

// take counts what a change takes. It is an error if that is too much, unless
// the change must be.
func (s *Store) take(bytes int64, bounded bool) error {
	if s.o.MaxBytes == 0 {
		return nil
	}
	used := s.used.Add(bytes)
	if used > s.o.MaxBytes && bytes > 0 && bounded {
		s.give(bytes)
		return fmt.Errorf("%w: %d bytes are used and %d more are wanted, of at most %d (MaxBytes)", session.ErrFull, used-bytes, bytes, s.o.MaxBytes)
	}
	return nil
}

func (s *Store) give(bytes int64) {
	if s.o.MaxBytes != 0 {
		s.used.Add(-bytes)
	}
}

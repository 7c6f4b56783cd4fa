// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package pebblestore

import (
	"context"
	"fmt"

	"github.com/sessionbridge/session"
)

// loadUsed counts what there is, if that is bounded.
func (s *Store) loadUsed(ctx context.Context) error {
	if s.o.MaxBytes == 0 || s.readOnly {
		return nil
	}
	return scan(ctx, s.db, kindItem, func(key, value []byte) error {
		it, err := decodeItem(string(key[1:]), value)
		if err != nil {
			return err
		}
		s.used.Add(it.bytes())
		return nil
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

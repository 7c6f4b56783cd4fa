// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package pebblestore

import (
	"context"
	"encoding/binary"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// tokenBlock is how many tokens are reserved at a time.
const tokenBlock = 1 << 20

// lastClock bounds what the system's clock may make of the tokens: they stay
// below 2^53, which JavaScript and Lua keep exactly.
const lastClock = 1 << 52

// tokens rise for ever: before one is granted, it is written down that no larger
// one was, for a whole block. They begin with the system's clock, so that a
// store that was begun anew does not grant what a former one did.
type tokens struct {
	mu      sync.Mutex // held while a block is written down, once in a million tokens
	last    uint64
	ceiling uint64
}

// loadTokens reserves the first block, in the batch that says that the store is
// open.
func (s *Store) loadTokens(context.Context) error {
	text, err := s.read([]byte(keyCeiling))
	if err != nil {
		return err
	}
	if len(text) == 8 {
		s.tokens.ceiling = binary.BigEndian.Uint64(text)
	}
	s.tokens.last = max(s.tokens.ceiling, min(uint64(max(time.Now().UnixMicro(), 0)), lastClock))
	if s.readOnly {
		return nil
	}
	return s.reserve(s.clock.opened)
}

// nextToken is larger than all that were granted before.
func (s *Store) nextToken() (uint64, error) {
	s.tokens.mu.Lock()
	defer s.tokens.mu.Unlock()
	if s.tokens.last >= s.tokens.ceiling {
		if err := s.reserve(func(*pebble.Batch) error { return nil }); err != nil {
			return 0, err
		}
	}
	s.tokens.last++
	return s.tokens.last, nil
}

// reserve writes down the next block, and what else there is. s.tokens.mu is
// held, or nobody else has the store yet.
func (s *Store) reserve(also func(*pebble.Batch) error) error {
	b := s.db.NewBatch()
	defer b.Close()
	ceiling := s.tokens.last + tokenBlock
	if err := b.Set([]byte(keyCeiling), binary.BigEndian.AppendUint64(nil, ceiling), nil); err != nil {
		return err
	}
	if err := also(b); err != nil {
		return err
	}
	if err := s.commit(b, surely); err != nil {
		return err
	}
	s.tokens.ceiling = ceiling
	return nil
}

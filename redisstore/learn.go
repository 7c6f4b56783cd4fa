// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package redisstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/wire"
)

// Bounds on what is learned: a client that invents keys must not fill Redis.
const (
	maxKeys      = 10_000
	maxKeyLength = 1024
	learnedFor   = 90 * 24 * time.Hour // from when a node last asked, or a day less
)

// Learn implements [session.Store]. It learns at most 10,000 keys of a client,
// none of more than 1 KiB, and none while Redis is full. A key that is not
// learned is no error: all that follows is that the client can't remove it.
func (s *Store) Learn(ctx context.Context, client string, keys []string) (all []string, err error) {
	args := []string{number[int64](maxKeys), number[int64](learnedFor.Milliseconds())}
	for _, key := range keys {
		if len(key) <= maxKeyLength {
			args = append(args, wire.FoldKey(key), key)
		}
	}
	values, err := s.call(ctx, s.scripts.learn, []string{s.keys.client(client)}, args)
	if errors.Is(err, session.ErrFull) {
		return s.learned(ctx, client)
	}
	if err != nil {
		return nil, err
	}
	v := valueReader{rest: values}
	for len(v.rest) > 0 && !v.bad {
		all = append(all, v.text())
	}
	if v.bad {
		return nil, errReply
	}
	return all, nil
}

// learned is what a client is known to have sent, without anything new.
func (s *Store) learned(ctx context.Context, client string) ([]string, error) {
	all, err := s.client.Do(ctx, s.client.B().Hvals().Key(s.keys.client(client)).Build()).AsStrSlice()
	if err != nil {
		return nil, fmt.Errorf("redisstore: learn: %w", err)
	}
	return all, nil
}

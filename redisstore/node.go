// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package redisstore

import (
	"context"
	"time"

	"github.com/redis/rueidis"
)

// Beat implements [session.Store]. Which nodes are alive is kept in one place, by
// the clock of the server that has it.
func (s *Store) Beat(ctx context.Context, node string, ttl time.Duration) (live []string, err error) {
	values, err := s.call(ctx, s.scripts.beat, []string{s.keys.nodes()}, []string{node, number(max(ttl, 0) / time.Microsecond)})
	return texts(values, err)
}

// live returns the nodes that are alive.
func (s *Store) live(ctx context.Context) ([]string, error) {
	values, err := s.call(ctx, s.scripts.nodes, []string{s.keys.nodes()}, nil)
	return texts(values, err)
}

// texts are the values of an answer behind its first one.
func texts(values []rueidis.RedisMessage, err error) ([]string, error) {
	if err != nil {
		return nil, err
	}
	v := valueReader{rest: values}
	v.text()
	var all []string
	for len(v.rest) > 0 && !v.bad {
		all = append(all, v.text())
	}
	if v.bad {
		return nil, errReply
	}
	return all, nil
}

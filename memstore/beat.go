// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package memstore

import (
	"context"
	"time"
)

// Beat implements [session.Store].
func (s *Store) Beat(ctx context.Context, node string, ttl time.Duration) (live []string, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	s.nodes[node] = after(now, ttl)
	for other := range s.nodes {
		if !s.alive(other, now) && other != node {
			delete(s.nodes, other)
			continue
		}
		live = append(live, other)
	}
	return live, nil
}

// alive reports whether a node has beaten, and not too long ago. s.mu is held.
func (s *Store) alive(node string, now time.Duration) bool {
	return now < s.nodes[node]
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package pebblestore

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// formerTTL is how long the nodes of the former process count as alive when a
// store is opened: what they were to commit may still come to this process.
const formerTTL = 15 * time.Second

// nodes are those who have beaten. Only their names are written down: times are
// worth nothing to the next process.
type nodes struct {
	mu    sync.Mutex
	until map[string]time.Duration // when each is dead
}

func (s *Store) loadNodes(ctx context.Context) error {
	s.nodes.until = map[string]time.Duration{}
	return scan(ctx, s.db, kindNode, func(key, _ []byte) error {
		s.nodes.until[string(key[1:])] = later(s.now(), formerTTL)
		return nil
	})
}

// Beat implements [session.Store].
func (s *Store) Beat(ctx context.Context, node string, ttl time.Duration) (live []string, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	live, dead, known := s.nodes.beat(strings.Clone(node), s.now(), ttl)
	if known && len(dead) == 0 {
		return live, nil
	}
	if err := s.rename(node, dead); err != nil {
		return nil, s.wrong(err)
	}
	return live, nil
}

// rename writes down the name of a node and forgets those of dead ones.
func (s *Store) rename(node string, dead []string) error {
	b := s.db.NewBatch()
	defer b.Close()
	for _, name := range dead {
		_ = b.Delete(nodeKey(name), nil)
	}
	_ = b.Set(nodeKey(node), nil, pebble.NoSync)
	return s.commit(b, durably)
}

// beat keeps a node alive, and forgets those who are not.
func (n *nodes) beat(node string, now, ttl time.Duration) (live, dead []string, known bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	_, known = n.until[node]
	n.until[node] = later(now, ttl)
	for name, until := range n.until {
		switch {
		case name == node || now < until:
			live = append(live, name)
		default:
			dead = append(dead, name)
			delete(n.until, name)
		}
	}
	slices.Sort(live)
	return live, dead, known
}

// alive reports whether a node has beaten, and not too long ago.
func (n *nodes) alive(node string, now time.Duration) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return now < n.until[node]
}

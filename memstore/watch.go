// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package memstore

import (
	"context"
	"slices"
)

// Watch implements [session.Store].
func (s *Store) Watch(ctx context.Context, id string) (changed <-chan struct{}, stop func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	ch := make(chan struct{}, 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watches[id] = append(s.watches[id], ch)
	return ch, func() { s.unwatch(id, ch) }, nil
}

func (s *Store) unwatch(id string, ch chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.watches[id]
	i := slices.Index(all, ch)
	switch {
	case i < 0: // stopped already
	case len(all) == 1:
		delete(s.watches, id)
	default:
		s.watches[id] = slices.Delete(all, i, i+1)
	}
}

// signal tells those who watch an id. One whose last signal is still there needs
// no other. s.mu is held.
func (s *Store) signal(id string) {
	for _, ch := range s.watches[id] {
		select {
		case ch <- struct{}{}:
		default:
		}
	}
}

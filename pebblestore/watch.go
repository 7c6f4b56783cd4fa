// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package pebblestore

import (
	"context"
	"slices"
	"sync"
)

// watches are those who wait for a change of an id.
type watches struct {
	mu  sync.Mutex
	ids map[string][]chan struct{}
}

func (w *watches) init() { w.ids = map[string][]chan struct{}{} }

// Watch implements [session.Store].
func (s *Store) Watch(ctx context.Context, id string) (changed <-chan struct{}, stop func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	ch := make(chan struct{}, 1)
	s.watches.mu.Lock()
	defer s.watches.mu.Unlock()
	s.watches.ids[id] = append(s.watches.ids[id], ch)
	return ch, func() { s.watches.remove(id, ch) }, nil
}

func (w *watches) remove(id string, ch chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := w.ids[id]
	i := slices.Index(all, ch)
	switch {
	case i < 0: // stopped already
	case len(all) == 1:
		delete(w.ids, id)
	default:
		w.ids[id] = slices.Delete(all, i, i+1)
	}
}

// signal tells those who watch an id. One whose last signal is still there needs
// no other.
func (w *watches) signal(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, ch := range w.ids[id] {
		select {
		case ch <- struct{}{}:
		default:
		}
	}
}

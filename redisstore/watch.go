// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package redisstore

import (
	"context"
	"sync"
)

// Watch implements [session.Store]. It asks Redis nothing: one subscription of
// the store hears of every change, and while it is broken the watch waits for the
// signal that all get when it is mended.
func (s *Store) Watch(ctx context.Context, id string) (changed <-chan struct{}, stop func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	ch := make(chan struct{}, 1)
	s.watches.add(id, ch)
	return ch, func() { s.watches.remove(id, ch) }, nil
}

// watches are the channels to signal, by bucket and id.
type watches struct {
	mu  sync.Mutex
	all [buckets]map[string]map[chan struct{}]struct{}
}

func (w *watches) add(id string, ch chan struct{}) {
	bucket := bucketOf(id)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.all[bucket] == nil {
		w.all[bucket] = map[string]map[chan struct{}]struct{}{}
	}
	if w.all[bucket][id] == nil {
		w.all[bucket][id] = map[chan struct{}]struct{}{}
	}
	w.all[bucket][id][ch] = struct{}{}
}

func (w *watches) remove(id string, ch chan struct{}) {
	bucket := bucketOf(id)
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.all[bucket][id], ch)
	if len(w.all[bucket][id]) == 0 {
		delete(w.all[bucket], id)
	}
}

// signal tells those who watch an id.
func (w *watches) signal(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	signalEach(w.all[bucketOf(id)][id])
}

// signalBucket tells those who watch any id of a bucket.
func (w *watches) signalBucket(bucket int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, chs := range w.all[bucket] {
		signalEach(chs)
	}
}

// signalEach signals channels. One whose last signal is still there needs no
// other.
func signalEach(chs map[chan struct{}]struct{}) {
	for ch := range chs {
		select {
		case ch <- struct{}{}:
		default:
		}
	}
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

// Package memstore keeps items in memory. What it keeps ends with the process.
// It is for tests, and for a server that is alone and whose sessions may go
// when it does. It knows nothing of files, of networks or of other processes.
package memstore

import (
	"cmp"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/sessionbridge/session"
)

const (
	defaultMaxBytes = 1 << 30
	defaultMaxItems = 1_000_000
)

// Options bound a [Store]. What has expired is removed before anything is
// refused for want of room; what has not is never removed to make room.
type Options struct {
	MaxBytes int64 // bytes of what is stored, with an estimate of what keeping it takes; 0 means 1 GiB
	MaxItems int   // number of items, with those that are only held; 0 means 1,000,000
}

// A Store is a [session.Store] in memory. It runs no goroutine: what expires is
// removed by [Store.Expire], or when its room is needed.
type Store struct {
	maxBytes int64
	maxItems int
	start    time.Time // zero of the store's clock: times are durations since, half the size of a time.Time

	mu      sync.Mutex
	items   map[string]*item
	due     expiries            // all items, by when to look at them
	removed map[string]struct{} // ids of items that had expired and had to make room; Expire owes them to a caller
	used    int64               // what all this counts for under MaxBytes
	token   uint64              // the newest
	watches map[string][]chan struct{}
	nodes   map[string]time.Duration // when each is dead
	clients map[string]*keySet
}

var _ session.Store = (*Store)(nil)

// New returns an empty store. The error tells everything that is wrong with the
// options.
func New(o Options) (*Store, error) {
	var wrong []error
	if o.MaxBytes < 0 {
		wrong = append(wrong, fmt.Errorf("memstore: MaxBytes is %d; it must not be negative", o.MaxBytes))
	}
	if o.MaxItems < 0 {
		wrong = append(wrong, fmt.Errorf("memstore: MaxItems is %d; it must not be negative", o.MaxItems))
	}
	if len(wrong) > 0 {
		return nil, errors.Join(wrong...)
	}
	start := time.Now()
	return &Store{
		maxBytes: cmp.Or(o.MaxBytes, defaultMaxBytes),
		maxItems: cmp.Or(o.MaxItems, defaultMaxItems),
		start:    start,
		items:    map[string]*item{},
		removed:  map[string]struct{}{},
		token:    firstToken(start),
		watches:  map[string][]chan struct{}{},
		nodes:    map[string]time.Duration{},
		clients:  map[string]*keySet{},
	}, nil
}

// firstToken is the clock in microseconds: a late commit from before a restart
// must not find its token granted anew. The clock outruns the counter as long
// as fewer than a million holds are granted in a second, and the tokens stay
// below 2^53, which JavaScript and Lua keep exactly.
func firstToken(start time.Time) uint64 {
	return uint64(start.UnixMicro())
}

// Len returns the number of items, with those that are only held and those that
// have expired and are still to be removed.
func (s *Store) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.items)
}

// Bytes returns how much of [Options.MaxBytes] is used.
func (s *Store) Bytes() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.used
}

// Close does nothing: a Store holds nothing open.
func (s *Store) Close() error {
	return nil
}

// now is the time by the store's clock.
func (s *Store) now() time.Duration {
	return time.Since(s.start)
}

// after returns t + d, or the end of time where that is later.
func after(t, d time.Duration) time.Duration {
	if d > session.Never-t {
		return session.Never
	}
	return t + d
}

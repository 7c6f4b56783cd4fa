// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package pebblestore

import (
	"hash/maphash"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

const (
	stripeCount = 1024
	mostSlides  = 64 // of one stripe, in memory
)

// stripes keep the ids apart: what is done with those of one stripe is done one
// after the other.
type stripes struct {
	seed maphash.Seed
	all  [stripeCount]stripe
}

// A stripe makes what is done with an id atomic. Pebble shows a batch before it
// is safe, so a writer keeps order until it is, and readers wait for him: nobody
// sees what a crash could take back. order is held for I/O, that is what it is
// for; it comes before mu.
type stripe struct {
	order sync.RWMutex

	mu    sync.Mutex
	slids map[string]time.Duration // later than the records say, so that a read costs no write
}

func (s *stripes) init() { s.seed = maphash.MakeSeed() }

func (s *stripes) of(id string) *stripe {
	return &s.all[maphash.String(s.seed, id)%stripeCount]
}

// slide slides the expiry of an item. It reports true if it is time to write
// such things down. order is held for reading.
func (st *stripe) slide(id string, now time.Duration) (full bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.slids == nil {
		st.slids = map[string]time.Duration{}
	}
	st.slids[id] = now
	return len(st.slids) > mostSlides
}

// slid is when the expiry of an item was slid last; 0 if the record knows.
func (st *stripe) slid(id string) time.Duration {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.slids[id]
}

// forget: the record knows. order is held.
func (st *stripe) forget(id string) {
	st.mu.Lock()
	defer st.mu.Unlock()
	delete(st.slids, id)
}

// take returns what is in memory only, which the caller writes down. order is
// held.
func (st *stripe) take() map[string]time.Duration {
	st.mu.Lock()
	defer st.mu.Unlock()
	all := st.slids
	st.slids = nil
	return all
}

// keepSlides writes down when the items of a stripe were used.
func (s *Store) keepSlides(st *stripe) error {
	if err := s.disk.admit(0, false); err != nil {
		return err // a read must not wait for a disk that is full
	}
	st.order.Lock()
	defer st.order.Unlock()
	b := s.db.NewBatch()
	defer b.Close()
	for id, slid := range st.take() {
		it, err := s.item(st, id)
		if err != nil || it == nil {
			continue // who uses the item is told what is wrong with it
		}
		it.slid = max(it.slid, slid)
		if err := b.Set(itemKey(id), appendItem(nil, it), pebble.NoSync); err != nil {
			return err
		}
	}
	return s.commit(b, lazily)
}

func (s *Store) keepAllSlides() error {
	for i := range s.stripes.all {
		if err := s.keepSlides(&s.stripes.all[i]); err != nil {
			return s.wrong(err)
		}
	}
	return nil
}

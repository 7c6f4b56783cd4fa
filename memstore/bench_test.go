// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package memstore_test

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/memstore"
)

var sizes = []int{1_000, 1_000_000}

// filled returns a store with n items of 1 KB and their ids.
func filled(b *testing.B, n int) (*memstore.Store, []string) {
	s, err := memstore.New(memstore.Options{MaxItems: n, MaxBytes: 4 << 30})
	if err != nil {
		b.Fatal(err)
	}
	ids := make([]string, n)
	for i := range ids {
		ids[i] = session.NewID()
		if err := s.Put(b.Context(), ids[i], 0, make([]byte, 1024), session.PutOptions{Timeout: 20 * time.Minute}); err != nil {
			b.Fatal(err)
		}
	}
	return s, ids
}

// A baseline is what there is at least to do: a map under a mutex.
type baseline struct {
	mu    sync.Mutex
	items map[string][]byte
}

func newBaseline(n int) (*baseline, []string) {
	l := &baseline{items: map[string][]byte{}}
	ids := make([]string, n)
	for i := range ids {
		ids[i] = session.NewID()
		l.items[strings.Clone(ids[i])] = make([]byte, 1024) // as a request has it: the id is another string
	}
	return l, ids
}

func (l *baseline) get(id string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.items[id] == nil {
		return session.ErrNotFound
	}
	return nil
}

func (l *baseline) put(id string, data []byte) error {
	data = bytes.Clone(data)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.items[id] = data
	return nil
}

// spread calls op with ids that lie far apart: from one goroutine, then from
// all processors.
func spread(b *testing.B, ids []string, op func(id string) error) {
	const stride = 7919 // a prime: every id has its turn
	b.Run("serial", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i += stride {
			if err := op(ids[i%len(ids)]); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("parallel", func(b *testing.B) {
		b.ReportAllocs()
		var begun, refused atomic.Int64
		b.RunParallel(func(pb *testing.PB) {
			i := int(begun.Add(1)) * len(ids) / 16 // apart from the others, so that holds seldom meet
			for ; pb.Next(); i += stride {
				if err := op(ids[i%len(ids)]); err != nil {
					refused.Add(1)
				}
			}
		})
		b.ReportMetric(float64(refused.Load())/float64(b.N), "refused/op")
	})
}

func BenchmarkBaselineGet(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			l, ids := newBaseline(n)
			spread(b, ids, l.get)
		})
	}
}

func BenchmarkBaselinePut(b *testing.B) {
	data := make([]byte, 1024)
	for _, n := range sizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			l, ids := newBaseline(n)
			spread(b, ids, func(id string) error { return l.put(id, data) })
		})
	}
}

func BenchmarkGet(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s, ids := filled(b, n)
			spread(b, ids, func(id string) error {
				_, err := s.Get(b.Context(), id, session.GetOptions{Touch: true})
				return err
			})
		})
	}
}

func BenchmarkLockPut(b *testing.B) {
	data := make([]byte, 1024)
	for _, n := range sizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s, ids := filled(b, n)
			spread(b, ids, func(id string) error {
				it, err := s.Lock(b.Context(), id, session.LockOptions{})
				if err != nil {
					return err
				}
				return s.Put(b.Context(), id, it.Hold.Token, data, session.PutOptions{Timeout: 20 * time.Minute})
			})
		})
	}
}

func BenchmarkLockUnlock(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s, ids := filled(b, n)
			spread(b, ids, func(id string) error {
				it, err := s.Lock(b.Context(), id, session.LockOptions{})
				if err != nil {
					return err
				}
				return s.Unlock(b.Context(), id, it.Hold.Token, session.UnlockOptions{})
			})
		})
	}
}

// BenchmarkVisit is a session that comes and goes: the item is made, stored and
// deleted.
func BenchmarkVisit(b *testing.B) {
	data := make([]byte, 1024)
	for _, n := range sizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s, ids := filled(b, n)
			spread(b, ids, func(id string) error {
				if err := s.Delete(b.Context(), id, 0); err != nil {
					return err
				}
				return s.Put(b.Context(), id, 0, data, session.PutOptions{Timeout: 20 * time.Minute})
			})
		})
	}
}

func BenchmarkWatch(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s, ids := filled(b, n)
			spread(b, ids, func(id string) error {
				_, stop, err := s.Watch(b.Context(), id)
				if err == nil {
					stop()
				}
				return err
			})
		})
	}
}

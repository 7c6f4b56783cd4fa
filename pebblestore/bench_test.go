// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package pebblestore_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/pebblestore"
)

var (
	writers = []int{1, 16, 64}
	sizes   = []int{1_000, 100_000}
)

// filled returns a store with n items of some size, and their ids.
func filled(b *testing.B, n, size int) (*pebblestore.Store, []string) {
	b.Helper()
	o := quiet(filepath.Join(b.TempDir(), "store"))
	o.SyncEvery = time.Hour // while it is filled
	s := open(b, o)
	ids, data := make([]string, n), noise(size)
	for i := range ids {
		ids[i] = session.NewID()
		if err := putData(b, s, ids[i], data); err != nil {
			b.Fatal(err)
		}
	}
	mustClose(b, s)
	s = open(b, quiet(o.Dir))
	b.Cleanup(func() { mustClose(b, s) })
	return s, ids
}

// crowd calls op from so many goroutines, each of which has ids of its own.
func crowd(b *testing.B, writers int, ids []string, op func(id string) error) {
	b.Helper()
	b.SetParallelism(max(writers/runtime.GOMAXPROCS(0), 1))
	var begun atomic.Int64
	b.ReportAllocs()
	b.ResetTimer()
	run := func(next func() bool) {
		for i := int(begun.Add(1)); next(); i += writers {
			if err := op(ids[i%len(ids)]); err != nil {
				b.Error(err)
				return
			}
		}
	}
	if writers == 1 {
		run(b.Loop)
		return
	}
	b.RunParallel(func(pb *testing.PB) { run(pb.Next) })
}

// BenchmarkFsync is the null baseline of a commit: its bytes at the end of a
// file, and one fsync for each.
func BenchmarkFsync(b *testing.B) {
	for _, size := range sizes {
		b.Run(fmt.Sprintf("size=%d", size), func(b *testing.B) {
			f, err := os.Create(filepath.Join(b.TempDir(), "file"))
			if err != nil {
				b.Fatal(err)
			}
			defer f.Close()
			for data := noise(size); b.Loop(); {
				if _, err := f.Write(data); err != nil {
					b.Fatal(err)
				}
				if err := f.Sync(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkPut(b *testing.B) {
	for _, size := range sizes {
		for _, w := range writers {
			b.Run(fmt.Sprintf("size=%d/writers=%d", size, w), func(b *testing.B) {
				s, ids := filled(b, 1000, size)
				data := noise(size)
				crowd(b, w, ids, func(id string) error { return putData(b, s, id, data) })
			})
		}
	}
}

func BenchmarkGet(b *testing.B) {
	for _, n := range []int{1_000, 1_000_000} {
		for _, w := range writers {
			b.Run(fmt.Sprintf("items=%d/readers=%d", n, w), func(b *testing.B) {
				s, ids := filled(b, n, 1000)
				crowd(b, w, ids, func(id string) error {
					_, err := s.Get(b.Context(), id, session.GetOptions{Touch: true})
					return err
				})
			})
		}
	}
}

// BenchmarkLock takes holds, each from the one before. A detached one outlives
// the process, and is not synced either.
func BenchmarkLock(b *testing.B) {
	for _, detached := range []bool{false, true} {
		for _, w := range writers {
			b.Run(fmt.Sprintf("detached=%t/writers=%d", detached, w), func(b *testing.B) {
				s, ids := filled(b, 1000, 1000)
				crowd(b, w, ids, func(id string) error {
					it, err := s.Lock(b.Context(), id, session.LockOptions{Hold: session.Hold{Node: "n", Detached: detached}})
					if err != nil {
						return nil // another goroutine has it
					}
					return s.Unlock(b.Context(), id, it.Hold.Token, session.UnlockOptions{})
				})
			})
		}
	}
}

// BenchmarkExpireNothing is the sweeper's call where nothing is due: it must not
// depend on how many items there are.
func BenchmarkExpireNothing(b *testing.B) {
	for _, n := range []int{1_000, 1_000_000} {
		b.Run(fmt.Sprintf("items=%d", n), func(b *testing.B) {
			s, _ := filled(b, n, 100)
			for b.Loop() {
				if ids, _, err := s.Expire(b.Context(), 100); err != nil || len(ids) > 0 {
					b.Fatal(ids, err)
				}
			}
		})
	}
}

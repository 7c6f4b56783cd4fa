// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package redisstore_test

import (
	"context"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/internal/redistest"
	"github.com/sessionbridge/session/redisstore"
)

// bare is a client as the store has it, to compare with.
func bare(b *testing.B, server *redistest.Server) rueidis.Client {
	b.Helper()
	client, err := rueidis.NewClient(rueidis.ClientOption{
		InitAddress: []string{server.Addr()}, DisableCache: true, DisableRetry: true, AlwaysPipelining: true,
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(client.Close)
	return client
}

// each calls op one by one, then from many goroutines.
func each(b *testing.B, op func(id string) error) {
	ids := make([]string, 1000)
	for i := range ids {
		ids[i] = session.NewID()
		if err := op(ids[i]); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("serial", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			if err := op(ids[i%len(ids)]); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("parallel", func(b *testing.B) {
		b.SetParallelism(16)
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			id := session.NewID()
			if err := op(id); err != nil {
				b.Error(err)
			}
			for pb.Next() {
				if err := op(id); err != nil {
					b.Error(err)
				}
			}
		})
	})
}

const kilobyte = 1024

// BenchmarkBare is what there is at least to do: the same bytes in one key.
func BenchmarkBare(b *testing.B) {
	client := bare(b, redistest.Start(b))
	data := string(make([]byte, kilobyte))
	set := func(id string) error {
		return client.Do(b.Context(), client.B().Set().Key(id).Value(data).Build()).Error()
	}
	get := func(id string) error {
		return client.Do(b.Context(), client.B().Get().Key(id).Build()).Error()
	}
	b.Run("Set", func(b *testing.B) { each(b, set) })
	b.Run("Get", func(b *testing.B) {
		each(b, func(id string) error {
			if err := get(id); !rueidis.IsRedisNil(err) {
				return err
			}
			return set(id)
		})
	})
	b.Run("GetSet", func(b *testing.B) {
		each(b, func(id string) error {
			if err := get(id); err != nil && !rueidis.IsRedisNil(err) {
				return err
			}
			return set(id)
		})
	})
}

func BenchmarkStore(b *testing.B) {
	s := open(b, redisstore.Options{URL: redistest.Start(b).URL()})
	data := make([]byte, kilobyte)
	put := session.PutOptions{Timeout: 20 * time.Minute}
	get := func(touch bool) func(id string) error {
		return func(id string) error {
			if _, err := s.Get(b.Context(), id, session.GetOptions{Touch: touch}); err != session.ErrNotFound {
				return err
			}
			return s.Put(b.Context(), id, 0, data, put)
		}
	}
	b.Run("Put", func(b *testing.B) {
		each(b, func(id string) error { return s.Put(b.Context(), id, 0, data, put) })
	})
	b.Run("Get", func(b *testing.B) { each(b, get(false)) })
	b.Run("GetTouch", func(b *testing.B) { each(b, get(true)) })
	b.Run("LockPut", func(b *testing.B) {
		each(b, func(id string) error {
			it, err := s.Lock(b.Context(), id, session.LockOptions{Timeout: time.Minute})
			if err != nil {
				return err
			}
			return s.Put(b.Context(), id, it.Hold.Token, data, put)
		})
	})
}

// BenchmarkBareHandOff is one message from one client to another.
func BenchmarkBareHandOff(b *testing.B) {
	server := redistest.Start(b)
	from, to := bare(b, server), bare(b, server)
	ctx, cancel := context.WithCancel(b.Context())
	subscribed, heard := make(chan struct{}), make(chan struct{}, 1)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		ctx := rueidis.WithOnSubscriptionHook(ctx, func(rueidis.PubSubSubscription) { close(subscribed) })
		_ = to.Receive(ctx, to.B().Subscribe().Channel("c").Build(), func(rueidis.PubSubMessage) { heard <- struct{}{} })
	}()
	<-subscribed
	for b.Loop() {
		if err := from.Do(b.Context(), from.B().Publish().Channel("c").Message("0123456789").Build()).Error(); err != nil {
			b.Fatal(err)
		}
		<-heard
	}
	cancel()
	<-ended
}

// BenchmarkHandOff is the end of a hold on one node until another node that waits
// knows it. The Lock before it is not in the time.
func BenchmarkHandOff(b *testing.B) {
	server := redistest.Start(b)
	from, to := open(b, redisstore.Options{URL: server.URL()}), open(b, redisstore.Options{URL: server.URL()})
	id := session.NewID()
	changed, stop, err := to.Watch(b.Context(), id)
	if err != nil {
		b.Fatal(err)
	}
	defer stop()
	if err := from.Put(b.Context(), id, 0, make([]byte, kilobyte), session.PutOptions{Timeout: time.Hour}); err != nil {
		b.Fatal(err)
	}
	<-changed
	var took time.Duration
	for b.Loop() {
		it, err := from.Lock(b.Context(), id, session.LockOptions{Timeout: time.Minute})
		if err != nil {
			b.Fatal(err)
		}
		for len(changed) > 0 {
			<-changed
		}
		begun := time.Now()
		if err := from.Unlock(b.Context(), id, it.Hold.Token, session.UnlockOptions{}); err != nil {
			b.Fatal(err)
		}
		<-changed
		took += time.Since(begun)
	}
	b.ReportMetric(float64(took.Nanoseconds())/float64(b.N), "handoff-ns")
}

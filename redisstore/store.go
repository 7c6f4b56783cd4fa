// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package redisstore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"

	"github.com/sessionbridge/session"
)

// A Store is a [session.Store] in Redis. It is safe for concurrent use.
type Store struct {
	keys     keyspace
	scripts  scripts
	patience time.Duration
	log      *slog.Logger
	client   rueidis.Client
	ears     rueidis.Client // hears of changes
	cluster  bool
	publish  string // the command that tells of a change
	watches  watches

	connections connections // of both clients

	stop   context.CancelFunc
	done   context.Context // ends when the store closes
	chores sync.WaitGroup  // hearing and polling
	deaf   atomic.Int64    // when it was last logged that a subscription ended
}

var _ session.Store = (*Store)(nil)

// Open connects to Redis, checks that it can be relied on, and begins to hear of
// changes. The error tells everything that is wrong with the options, or why
// Redis can't be used.
func Open(ctx context.Context, o Options) (*Store, error) {
	if err := errors.Join(ctx.Err(), o.Check()); err != nil {
		return nil, fmt.Errorf("redisstore: %w", err)
	}
	o = o.withDefaults()
	s := &Store{keys: keyspace{o.Prefix}, patience: o.Patience, log: o.Logger, publish: "PUBLISH"}
	s.done, s.stop = context.WithCancel(context.Background())
	if err := s.open(ctx, o); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// open does what may fail.
func (s *Store) open(ctx context.Context, o Options) (err error) {
	if s.scripts, err = newScripts(); err != nil {
		return fmt.Errorf("redisstore: %w", err)
	}
	option, err := o.clientOption()
	if err != nil {
		return fmt.Errorf("redisstore: %w", err)
	}
	option.DialCtxFn = s.connections.dialWith(option.DialCtxFn)
	if s.client, err = s.connect(ctx, option); err != nil {
		return err
	}
	if s.cluster = s.client.Mode() == rueidis.ClientModeCluster; s.cluster {
		s.publish = "SPUBLISH"
	}
	if err := s.inspect(ctx, o.AllowEviction); err != nil {
		return err
	}
	if err := s.rehearse(ctx); err != nil {
		return err
	}
	if s.ears, err = s.connect(ctx, earsOption(option)); err != nil {
		return err
	}
	s.subscribe()
	s.chores.Go(s.poll)
	return nil
}

// connect connects to Redis, and tries again while that may help. The client
// knows no context for that, only a timeout.
func (s *Store) connect(ctx context.Context, option rueidis.ClientOption) (rueidis.Client, error) {
	sc := &script{name: "connect", again: true}
	begun := time.Now()
	for {
		if end, ok := ctx.Deadline(); ok {
			option.Dialer.Timeout = max(min(time.Until(end), rueidis.DefaultDialTimeout), time.Millisecond)
		}
		client, err := rueidis.NewClient(option)
		if err == nil {
			return client, nil
		}
		f := explain(ctx, sc, err)
		if !f.passes || time.Since(begun)+mostPause > s.patience || !s.pause(ctx, mostPause) {
			return nil, f.error
		}
	}
}

// Close implements [session.Store]. When it returns, no goroutine is left.
func (s *Store) Close() error {
	s.stop()
	if s.ears != nil {
		s.ears.Close()
	}
	s.chores.Wait()
	if s.client != nil {
		s.client.Close()
	}
	return nil
}

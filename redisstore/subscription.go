// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package redisstore

import (
	"fmt"
	"time"

	"github.com/redis/rueidis"
)

const (
	// pollEvery is after how long each watch is signalled in any case: a change of
	// which nobody has told is noticed then.
	pollEvery = 30 * time.Second

	// pollSteps is in how many parts, so that not all ask Redis at once.
	pollSteps = 16
)

// channel is where changes of a bucket are told.
func (s *Store) channel(bucket int) string {
	if s.cluster {
		return s.keys.changesOf(bucket)
	}
	return s.keys.changes()
}

// subscribe begins to hear of changes. A cluster tells them where they are made,
// with a channel for each bucket; all that one server has share a connection.
func (s *Store) subscribe() {
	if !s.cluster {
		s.chores.Go(func() { s.hear(s.ears.B().Subscribe().Channel(s.keys.changes()).Build().Pin(), 0, buckets) })
		return
	}
	for bucket := range buckets {
		s.chores.Go(func() {
			s.hear(s.ears.B().Ssubscribe().Channel(s.keys.changesOf(bucket)).Build().Pin(), bucket, bucket+1)
		})
	}
}

// hear signals the watches until the store closes. Whenever the subscription
// begins anew, something may have been missed.
func (s *Store) hear(command rueidis.Completed, from, to int) {
	ctx := rueidis.WithOnSubscriptionHook(s.done, func(rueidis.PubSubSubscription) { s.signalBuckets(from, to) })
	pause := firstPause
	for s.done.Err() == nil {
		begun := time.Now()
		err := s.ears.Receive(ctx, command, func(m rueidis.PubSubMessage) { s.watches.signal(m.Message) })
		if s.done.Err() != nil {
			return
		}
		if time.Since(begun) > time.Minute {
			pause = firstPause
		}
		s.noteDeaf(err)
		s.pause(s.done, pause)
		pause = min(2*pause, mostPause)
	}
}

// noteDeaf logs that the subscription ended, now and then.
func (s *Store) noteDeaf(err error) {
	now := time.Now().Unix()
	last := s.deaf.Load()
	if now-last < 10 || !s.deaf.CompareAndSwap(last, now) {
		return
	}
	s.log.Warn("the subscription to changes in Redis has ended, and begins anew; until then writers wait longer for each other", "err", withoutArguments(fmt.Sprint(err)))
}

func (s *Store) signalBuckets(from, to int) {
	for bucket := from; bucket < to; bucket++ {
		s.watches.signalBucket(bucket)
	}
}

// poll signals all watches, a part of them at a time, until the store closes.
func (s *Store) poll() {
	const part = buckets / pollSteps
	ticker := time.NewTicker(pollEvery / pollSteps)
	defer ticker.Stop()
	for step := 0; ; step = (step + 1) % pollSteps {
		select {
		case <-s.done.Done():
			return
		case <-ticker.C:
		}
		s.signalBuckets(step*part, (step+1)*part)
	}
}

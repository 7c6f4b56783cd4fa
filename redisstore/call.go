// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package redisstore

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/redis/rueidis"
)

// Between two tries of a call that was not done.
const (
	firstPause = 20 * time.Millisecond
	mostPause  = 500 * time.Millisecond
)

// ask runs the script of a verb for one session. An item that is held beyond its
// timeout exists only while its node lives, which is known in another slot: then
// the script does nothing but ask, and runs again with the answer.
func (s *Store) ask(ctx context.Context, sc *script, id string, args ...string) (reply, error) {
	bucket := bucketOf(id)
	keys := []string{s.keys.items(bucket) + id, s.keys.index(bucket), s.keys.token(bucket)}
	all := append([]string{id, s.channel(bucket), s.publish, ""}, args...)
	for {
		values, err := s.call(ctx, sc, keys, all)
		if err != nil {
			return reply{}, err
		}
		r, err := readReply(id, values)
		if err != nil || r.kind != "doubt" {
			return r, err
		}
		if all[3], err = s.verdict(ctx, r); err != nil {
			return reply{}, err
		}
	}
}

// verdict says whether the node of a hold is alive, as the scripts want it.
func (s *Store) verdict(ctx context.Context, r reply) (string, error) {
	live, err := s.live(ctx)
	if err != nil {
		return "", err
	}
	token := number(r.item.Hold.Token)
	if slices.Contains(live, r.item.Hold.Node) {
		return "+" + token, nil
	}
	return "-" + token, nil
}

// call runs a script until it is done, or for certain can't be, or may have been
// done: that is not tried again, unless it may be done twice.
func (s *Store) call(ctx context.Context, sc *script, keys, args []string) ([]rueidis.RedisMessage, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	begun, pause := time.Now(), firstPause
	for {
		sent := time.Now()
		values, err := sc.run(ctx, s.client, keys, args).ToArray()
		if err == nil {
			return values, nil
		}
		f := explain(ctx, sc, err)
		if f.deposed && s.client.Mode() == rueidis.ClientModeStandalone { // others ask who is primary
			s.connections.renew(sent)
		}
		if !f.passes || time.Since(begun)+pause > s.patience || !s.pause(ctx, pause) {
			return nil, f.error
		}
		pause = min(2*pause, mostPause)
	}
}

// pause waits; it reports false if the call has to end.
func (s *Store) pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
	case <-s.done.Done():
	}
	return false
}

var errReply = errors.New("redisstore: an answer of Redis is not in our form: another version of this program may write under this prefix")

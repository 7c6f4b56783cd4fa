// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package redisstore

import (
	"context"
	"time"

	"github.com/redis/rueidis"

	"github.com/sessionbridge/session"
)

// mostExpired bounds what one script removes, and for how long it stops the
// server for the others.
const mostExpired = 1000

// Expire implements [session.Store]. It asks all buckets at once what is due,
// then removes one after the other what has expired.
func (s *Store) Expire(ctx context.Context, limit int) (ids []string, next time.Duration, err error) {
	first, err := s.firstDue(ctx)
	if err != nil {
		return nil, 0, err
	}
	sweep := sweep{s: s, ctx: ctx, limit: limit, next: session.Never}
	for bucket, due := range first {
		if due > 0 {
			sweep.next = min(sweep.next, due)
		} else if err := sweep.bucket(bucket); err != nil {
			// What was removed before must be told: nobody else will.
			return sweep.ids, 0, sweep.partly(err)
		}
	}
	return sweep.ids, sweep.next, nil
}

// firstDue returns for each bucket how long it is until something is due; Never
// if it is empty.
func (s *Store) firstDue(ctx context.Context) ([]time.Duration, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	sc := s.scripts.expire
	commands := make(rueidis.Commands, 0, buckets)
	for bucket := range buckets {
		commands = append(commands, sc.known(s.client, s.expireKeys(bucket), s.expireArgs(bucket, 0, nil)))
	}
	all := make([]time.Duration, buckets)
	for bucket, resp := range s.client.DoMulti(ctx, commands...) {
		values, err := resp.ToArray()
		if err != nil { // a server that doesn't know the script yet, or has moved
			values, err = s.call(ctx, sc, s.expireKeys(bucket), s.expireArgs(bucket, 0, nil))
		}
		if err != nil {
			return nil, err
		}
		if all[bucket], _, _, err = readExpired(values); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// A sweep is one call of Expire.
type sweep struct {
	s     *Store
	ctx   context.Context
	limit int // how many may still be removed
	live  []string
	asked bool // live is known
	ids   []string
	next  time.Duration
}

// bucket removes what has expired of a bucket.
func (w *sweep) bucket(bucket int) error {
	if w.limit <= 0 {
		w.next = 0
		return nil
	}
	if !w.asked {
		live, err := w.s.live(w.ctx)
		if err != nil {
			return err
		}
		w.live, w.asked = live, true
	}
	args := w.s.expireArgs(bucket, min(w.limit, mostExpired), w.live)
	values, err := w.s.call(w.ctx, w.s.scripts.expire, w.s.expireKeys(bucket), args)
	if err != nil {
		return err
	}
	next, removed, ids, err := readExpired(values)
	w.limit -= removed
	w.next = min(w.next, next)
	w.ids = append(w.ids, ids...)
	return err
}

// partly is the error of a sweep that has to end; none if it has something to
// tell. The next one meets it again.
func (w *sweep) partly(err error) error {
	if len(w.ids) > 0 {
		return nil
	}
	return err
}

func (s *Store) expireKeys(bucket int) []string {
	return []string{s.keys.items(bucket), s.keys.index(bucket)}
}

func (s *Store) expireArgs(bucket, limit int, live []string) []string {
	return append([]string{"", s.channel(bucket), s.publish, s.keys.items(bucket), number(int64(limit))}, live...)
}

// readExpired reads how long it is until more is due, how many items were removed
// and which of them are to be told.
func readExpired(values []rueidis.RedisMessage) (next time.Duration, removed int, ids []string, err error) {
	v := valueReader{rest: values}
	v.text()
	next, removed = session.Never, 0
	if micros := v.number(); micros >= 0 {
		next = time.Duration(micros) * time.Microsecond
	}
	removed = int(v.number())
	for len(v.rest) > 0 && !v.bad {
		ids = append(ids, v.text())
	}
	if v.bad {
		return 0, 0, nil, errReply
	}
	return next, removed, ids, nil
}

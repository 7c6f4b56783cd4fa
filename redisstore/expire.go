// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package redisstore

import (
	"context"
	"errors"
	"time"

	"github.com/redis/rueidis"

	"github.com/sessionbridge/session"
)

// mostExpired bounds what one script removes, and for how long it stops the
// server for the others.
const mostExpired = 1000

// Expire implements [session.Store]. It asks all buckets at once what is due,
// then removes one after the other what has expired. A server of a cluster that
// does not answer keeps only its own sessions from expiring, and is not waited for
// by each bucket.
func (s *Store) Expire(ctx context.Context, limit int) (ids []string, next time.Duration, err error) {
	if err := ctx.Err(); err != nil {
		return nil, 0, err
	}
	w := sweep{s: s, ctx: ctx, limit: limit, next: session.Never}
	for bucket, first := range s.firstDue(ctx) {
		switch {
		case first.err != nil:
			w.failed(first.err)
		case first.in > 0:
			w.next = min(w.next, first.in)
		default:
			if err := w.bucket(bucket); err != nil {
				return w.partly(err)
			}
		}
	}
	if w.err != nil {
		return w.partly(w.err)
	}
	return w.ids, w.next, nil
}

// A due says how long it is until something of a bucket is due; Never if it is
// empty.
type due struct {
	in  time.Duration
	err error // its server does not tell
}

// firstDue asks all buckets at once what is due first.
func (s *Store) firstDue(ctx context.Context) []due {
	together, cancel := half(ctx)
	defer cancel()
	sc := s.scripts.expire
	commands := make(rueidis.Commands, 0, buckets)
	for bucket := range buckets {
		commands = append(commands, sc.known(s.client, s.expireKeys(bucket), s.expireArgs(bucket, 0, nil)))
	}
	all := make([]due, buckets)
	for bucket, resp := range s.client.DoMulti(together, commands...) {
		asked := together
		if asksAlone(resp.Error()) {
			asked = ctx
			resp = sc.run(asked, s.client, s.expireKeys(bucket), s.expireArgs(bucket, 0, nil))
		}
		values, err := resp.ToArray()
		if err != nil {
			err = explain(asked, &script{name: sc.name, again: true}, err).error
		} else {
			all[bucket].in, _, _, err = readExpired(values)
		}
		all[bucket].err = err
	}
	return all
}

// asksAlone reports whether a bucket that got no answer together with all others
// may get one alone: its server does not know the script yet, or the keys of
// another bucket have no server.
func asksAlone(err error) bool {
	refusal, is := rueidis.IsRedisErr(err)
	return is && refusal.IsNoScript() || errors.Is(err, rueidis.ErrNoSlot)
}

// half is a context with half of the time that another one has, if that ends by
// itself: who does not answer within that leaves some for the others.
func half(ctx context.Context) (context.Context, context.CancelFunc) {
	end, ok := ctx.Deadline()
	if !ok {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, time.Until(end)/2)
}

// A sweep is one call of Expire.
type sweep struct {
	s     *Store
	ctx   context.Context
	limit int // how many may still be removed
	nodes []string
	asked bool // nodes is set
	ids   []string
	next  time.Duration
	err   error // the first one that left something out
}

// bucket removes what has expired of a bucket.
func (w *sweep) bucket(bucket int) error {
	if w.limit <= 0 {
		w.next = 0
		return nil
	}
	w.askNodes()
	sc := w.s.scripts.expire
	args := w.s.expireArgs(bucket, min(w.limit, mostExpired), w.nodes)
	values, err := sc.run(w.ctx, w.s.client, w.s.expireKeys(bucket), args).ToArray()
	if err != nil {
		return explain(w.ctx, sc, err).error
	}
	next, removed, ids, err := readExpired(values)
	w.limit -= removed
	w.next = min(w.next, next)
	w.ids = append(w.ids, ids...)
	return err
}

// askNodes asks once which nodes are alive. As long as that is not known, what is
// held stays.
func (w *sweep) askNodes() {
	if w.asked {
		return
	}
	w.asked = true
	ctx, cancel := half(w.ctx)
	defer cancel()
	live, err := w.s.live(ctx)
	if err != nil {
		w.failed(err)
		return
	}
	w.nodes = append([]string{"known"}, live...)
}

// failed notes why something was left out.
func (w *sweep) failed(err error) {
	if w.err == nil {
		w.err = err
	}
}

// partly is the answer of a sweep that has left something out. It has no error if
// it has something to tell, which nobody else will: the next sweep meets it again.
func (w *sweep) partly(err error) ([]string, time.Duration, error) {
	if len(w.ids) > 0 {
		return w.ids, 0, nil
	}
	return nil, 0, err
}

// expireKeys are the keys by which a bucket is asked what is due. The first one is
// never there: while a cluster moves the bucket, each server refuses what names a
// key that it lacks, and so does not take what the other one has for gone.
func (s *Store) expireKeys(bucket int) []string {
	return []string{s.keys.items(bucket), s.keys.index(bucket)}
}

func (s *Store) expireArgs(bucket, limit int, nodes []string) []string {
	return append([]string{"", s.channel(bucket), s.publish, s.keys.items(bucket), number(int64(limit))}, nodes...)
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

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package redisstore

import (
	"strconv"
	"time"

	"github.com/redis/rueidis"

	"github.com/sessionbridge/session"
)

// A reply is what the script of a verb answers. The item is that of the session,
// or has nothing but the hold that the script tells of.
type reply struct {
	kind string // item, done, none, lost, locked, doubt
	item session.Item
}

// err is the error that the contract has for a reply, or nil.
func (r reply) err() error {
	switch r.kind {
	case "item", "done":
		return nil
	case "none":
		return session.ErrNotFound
	case "lost":
		return session.ErrLockLost
	case "locked":
		return &session.LockedError{Hold: r.item.Hold}
	}
	return errReply
}

// readReply reads the answer to a verb.
func readReply(id string, values []rueidis.RedisMessage) (reply, error) {
	v := valueReader{rest: values}
	r := reply{kind: v.text()}
	switch r.kind {
	case "item":
		r.item = v.item(id)
	case "locked", "doubt":
		r.item.Hold = v.hold(v.number())
	}
	if v.bad {
		return reply{}, errReply
	}
	return r, nil
}

// A valueReader reads the values of an answer. It remembers that one was bad.
type valueReader struct {
	rest []rueidis.RedisMessage
	bad  bool
}

func (v *valueReader) next() rueidis.RedisMessage {
	if len(v.rest) == 0 {
		v.bad = true
		return rueidis.RedisMessage{}
	}
	first := v.rest[0]
	v.rest = v.rest[1:]
	return first
}

func (v *valueReader) text() string {
	m := v.next()
	s, err := m.ToString()
	v.bad = v.bad || err != nil
	return s
}

func (v *valueReader) number() int64 {
	m := v.next()
	n, err := m.AsInt64()
	v.bad = v.bad || err != nil
	return n
}

func (v *valueReader) hold(now int64) session.Hold {
	h, err := parseHold(v.text(), now)
	v.bad = v.bad || err != nil
	return h
}

// item reads an item. Its data are a string of their own, which nobody else has.
func (v *valueReader) item(id string) session.Item {
	now := v.number()
	it := session.Item{ID: id, Timeout: time.Duration(v.number())}
	it.New = v.text() == ""
	it.Hold = v.hold(now)
	it.Committed = v.hold(now)
	data := v.text()
	if !it.New {
		it.Data = []byte(data)
	}
	for len(v.rest) > 0 && !v.bad {
		it.Lost = append(it.Lost, v.hold(now))
	}
	return it
}

// number is a number as the scripts want it.
func number[N ~int64 | ~uint64](n N) string {
	if n < 0 {
		n = 0
	}
	return strconv.FormatUint(uint64(n), 10)
}

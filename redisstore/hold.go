// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package redisstore

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/sessionbridge/session"
)

var errHold = errors.New("a hold is not in our form")

// appendedHold is a hold as it is passed to the script that grants it, which
// puts the token, the time, the late token and the losses before it.
func appendedHold(h session.Hold) string {
	detached := 0
	if h.Detached {
		detached = 1
	}
	return fmt.Sprintf("%d %s%d %d %d %s%s", len(h.Node), h.Node, detached, int64(h.Limit), len(h.Client), h.Client, h.Trace)
}

// parseHold reads a hold; now is the server's time, in microseconds. An empty
// one is none.
func parseHold(text string, now int64) (session.Hold, error) {
	if text == "" {
		return session.Hold{}, nil
	}
	r := holdReader{rest: text}
	var h session.Hold
	h.Token = uint64(r.number())
	h.Age = time.Duration(max(now-r.number(), 0)) * time.Microsecond
	h.Late = uint64(r.number())
	h.Losses = int(r.number())
	h.Node = r.string(r.number())
	h.Detached = r.number() == 1
	h.Limit = time.Duration(r.number())
	h.Client = r.string(r.number())
	h.Trace = r.rest
	if r.bad {
		return session.Hold{}, errHold
	}
	return h, nil
}

// A holdReader reads the parts of a hold. It remembers that one was bad.
type holdReader struct {
	rest string
	bad  bool
}

// number reads a number and the space behind it.
func (r *holdReader) number() int64 {
	digits, rest, found := strings.Cut(r.rest, " ")
	n, err := strconv.ParseInt(digits, 10, 64)
	if !found || err != nil {
		r.bad = true
		return 0
	}
	r.rest = rest
	return n
}

// string reads as many bytes.
func (r *holdReader) string(n int64) string {
	if n < 0 || n > int64(len(r.rest)) {
		r.bad = true
		return ""
	}
	s := r.rest[:n]
	r.rest = r.rest[n:]
	return s
}

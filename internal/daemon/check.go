// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/remoteapp"
)

// check complains of settings that no package checks, or that have another
// meaning there: to the packages 0 is their default. It names them as they are
// named in the file, and what it found.
func (c *Config) check(say *complaints) {
	c.checkPath(say)
	c.checkKeyHeader(say)
	if c.Log.Format != "text" && c.Log.Format != "json" {
		say.add("log.format: %q is not text or json", c.Log.Format)
	}
	if c.Session.LateCommits != "merge" && c.Session.LateCommits != "refuse" {
		say.add("session.late_commits: %q is not merge or refuse", c.Session.LateCommits)
	}
	c.checkTimes(say)
	c.checkNumbers(say)
	c.checkSizes(say)
}

// checkPath complains of a path that no request would have as it is written
// here: requests are compared with it after net/http has decoded theirs.
func (c *Config) checkPath(say *complaints) {
	odd := func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) || strings.ContainsRune(`?#%\`, r) }
	switch {
	case !strings.HasPrefix(c.Path, "/") || strings.ContainsFunc(c.Path, odd):
		say.add("path: %q is no path such as %s", c.Path, remoteapp.DefaultPath)
	case c.Path != path.Clean(c.Path):
		say.add("path: %q is not as clients ask for it, want %s", c.Path, path.Clean(c.Path))
	}
}

// checkKeyHeader complains of a header that can't carry a key, because it has
// a meaning of its own. Whether it is one at all, the handler knows.
func (c *Config) checkKeyHeader(say *complaints) {
	taken := []string{
		"Accept", "Accept-Encoding", "Connection", "Content-Length", "Content-Type", "Cookie", "Date", "Expect", "Host", "Keep-Alive",
		"Te", "Traceparent", "Tracestate", "Trailer", "Transfer-Encoding", "Upgrade", "X-Systemwebadapter-Remoteappsession-Readonly",
	}
	if slices.Contains(taken, http.CanonicalHeaderKey(c.KeyHeader)) {
		say.add("key_header: %s has a meaning of its own and can't carry a key", c.KeyHeader)
	}
}

// leastHeartbeat is the shortest time between heartbeats that is no load.
const leastHeartbeat = Duration(time.Second)

// checkTimes checks the durations, none of which can be negative.
func (c *Config) checkTimes(say *complaints) {
	if t := time.Duration(c.Session.Timeout); session.CheckTimeout(t) != nil {
		say.add("session.timeout is %s, want whole minutes from 1m to %dm", c.Session.Timeout, session.MaxTimeout/time.Minute)
	}
	for _, d := range []struct {
		name  string
		value Duration
	}{
		{"session.lock_wait", c.Session.LockWait},
		{"session.duplex_hold_limit", c.Session.DuplexHoldLimit},
		{"session.get_hold_limit", c.Session.GetHoldLimit},
	} {
		if d.value <= 0 {
			say.add("%s is %s, want more than 0", d.name, d.value)
		}
	}
	if h := c.Session.Heartbeat; h != 0 && h < leastHeartbeat {
		say.add("session.heartbeat is %s, want %s or more, or 0 for none", h, leastHeartbeat)
	}
}

// checkNumbers checks what is counted.
func (c *Config) checkNumbers(say *complaints) {
	for _, n := range []struct {
		name  string
		value int
	}{
		{"session.max_waiters", c.Session.MaxWaiters},
		{"session.max_holds", c.Session.MaxHolds},
		{"limits.keys", c.Limits.Keys},
		{"memory.max_sessions", c.Memory.MaxSessions},
	} {
		if n.value <= 0 {
			say.add("%s is %d, want more than 0", n.name, n.value)
		}
	}
}

// checkSizes checks that each size has room in the next larger one.
func (c *Config) checkSizes(say *complaints) {
	type size struct {
		name  string
		value Size
	}
	key, value := size{"limits.key", c.Limits.Key}, size{"limits.value", c.Limits.Value}
	whole, memory := size{"limits.session", c.Limits.Session}, size{"memory.max_bytes", c.Memory.MaxBytes}
	pairs := [][2]size{{key, whole}, {value, whole}}
	if c.Store == "memory" {
		pairs = append(pairs, [2]size{whole, memory})
	}
	for _, s := range []size{key, value, whole, memory} {
		if s.value <= 0 {
			say.add("%s is %s, want more than 0", s.name, s.value)
		}
	}
	for _, pair := range pairs {
		if in, out := pair[0], pair[1]; in.value > out.value && out.value > 0 {
			say.add("%s is %s, want no more than %s, which is %s", in.name, in.value, out.name, out.value)
		}
	}
}

// patience is how long Microsoft's client waits for the headers of an answer.
const patience = Duration(100 * time.Second)

// warnings returns what a careful operator would change.
func (c *Config) warnings() []string {
	var all []string
	if c.Session.LockWait >= patience {
		all = append(all, fmt.Sprintf("session.lock_wait is %s, but Microsoft's client gives up after %s", c.Session.LockWait, patience))
	}
	return append(all, exposed(c.Redis.URLFile)...)
}

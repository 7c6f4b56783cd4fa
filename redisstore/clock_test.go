// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package redisstore_test

import (
	"bufio"
	"io"
	"net"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/internal/redistest"
	"github.com/sessionbridge/session/redisstore"
)

// TestNoClockOfANodeReachesRedis: the clocks of nodes may differ by as much as
// they like, because nothing that is sent to Redis is a time of day.
func TestNoClockOfANodeReachesRedis(t *testing.T) {
	server := redistest.Start(t)
	s := open(t, redisstore.Options{URL: server.URL()})
	monitor, err := net.Dial("tcp", server.Addr())
	must(t, err)
	defer monitor.Close()
	_, err = io.WriteString(monitor, "MONITOR\r\n")
	must(t, err)
	lines := bufio.NewScanner(monitor)
	lines.Scan()                                  // it hears from now on
	token := strconv.FormatUint(useAll(t, s), 10) // time of the server
	server.Do(t, "ECHO", "the end")

	sent := regexp.MustCompile(`^\+[0-9.]+ \[\d+ 127[^]]*\] (.*)`) // not what scripts do
	number := regexp.MustCompile(`\d{6,}`)
	commands := 0
	for lines.Scan() && !strings.Contains(lines.Text(), `"the end"`) {
		m := sent.FindStringSubmatch(lines.Text())
		if m == nil || !strings.Contains(m[1], "EVALSHA") {
			continue
		}
		commands++
		_, arguments, _ := strings.Cut(m[1], `{session:`) // without the sha of the script
		for _, digits := range number.FindAllString(arguments, -1) {
			if digits != token && isTimeOfDay(digits) {
				t.Errorf("%s is a time of day, in %s", digits, m[1])
			}
		}
	}
	if commands < 9 {
		t.Errorf("only %d calls were seen: %v", commands, lines.Err())
	}
}

// useAll makes a session come and go, and returns the token of its hold.
func useAll(t *testing.T, s *redisstore.Store) uint64 {
	t.Helper()
	ctx, id := t.Context(), session.NewID()
	_, err := s.Beat(ctx, "node", time.Minute)
	must(t, err)
	item, err := s.Lock(ctx, id, session.LockOptions{Hold: session.Hold{Node: "node", Limit: time.Second}, Timeout: 20 * time.Minute})
	must(t, err)
	must(t, s.Put(ctx, id, item.Hold.Token, []byte("x"), session.PutOptions{Timeout: 20 * time.Minute}))
	_, err = s.Get(ctx, id, session.GetOptions{Touch: true})
	must(t, err)
	_, _, err = s.Expire(ctx, 10)
	must(t, err)
	must(t, s.Delete(ctx, id, 0))
	return item.Hold.Token
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// isTimeOfDay reports whether digits are within a year of now, in any unit.
func isTimeOfDay(digits string) bool {
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return false
	}
	for _, unit := range []time.Duration{time.Second, time.Millisecond, time.Microsecond, time.Nanosecond} {
		now, year := time.Now().UnixNano()/int64(unit), int64(365*24*time.Hour/unit)
		if n > now-year && n < now+year {
			return true
		}
	}
	return false
}

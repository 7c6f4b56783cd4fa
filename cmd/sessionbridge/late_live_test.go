// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// A lockedBuffer is a log that is read while it is written.
type lockedBuffer struct {
	mu  sync.Mutex
	log bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.log.Write(p)
}

// line returns the first line that has all of the words, or "".
func (b *lockedBuffer) line(words ...string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
next:
	for line := range strings.Lines(b.log.String()) {
		for _, word := range words {
			if !strings.Contains(line, word) {
				continue next
			}
		}
		return line
	}
	return ""
}

// A page that is slow loses the session to a quick one, and commits after it.
func TestSlowPageOnDotNetCommitsLate(t *testing.T) {
	for i, mode := range modes {
		t.Run(mode.name, func(t *testing.T) {
			s := startServe(t, "--read-wait", "2s", "--duplex-hold-limit", "500ms", "--get-hold-limit", "500ms")
			shop := visit(t, s, i)
			shop.post(set("visits", "1"))
			slowly := func(page string) (wait func()) {
				var slow sync.WaitGroup
				slow.Go(func() { shop.try(http.MethodPost, "/slow?ms=2000&"+page) })
				s.awaitMetric(t, "sessionbridge_holds 1")
				return slow.Wait
			}

			wait := slowly("k=user&v=" + `"ann"`)
			shop.post("/incr?k=visits")
			shop.want("visits", "2") // while the slow page still runs
			wait()
			s.awaitMetric(t, "sessionbridge_late_commits_total 1")
			shop.want("user", `"ann"`)
			shop.want("visits", "2")

			wait = slowly("k=visits&v=7")
			shop.post("/incr?k=visits")
			wait()
			s.awaitMetric(t, "sessionbridge_late_conflicts_total 1")
			shop.want("visits", "3")
			if s.log.line("an exchange was refused", "client=shop", "both changed", "visits") == "" {
				t.Error("the log does not say that a late commit was refused, whose, and for which key")
			}
			s.awaitMetric(t, "sessionbridge_holds 0")
		})
	}
}

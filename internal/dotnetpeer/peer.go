// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package dotnetpeer

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// readyWithin bounds the time from the start of a peer to its "ready" line.
const readyWithin = 30 * time.Second

// A Peer is a running dotnet-peer that listens for HTTP.
type Peer struct {
	// URL is where the peer listens, without a slash at the end.
	URL string

	process *process
}

// Start runs dotnet-peer with the arguments, of which the first is "app" or
// "legacy", and returns when it listens. It picks a free port unless the
// arguments have a --listen. The peer is stopped when the test ends.
func Start(tb testing.TB, args ...string) *Peer {
	tb.Helper()
	if !slices.ContainsFunc(args, isListen) {
		args = slices.Insert(slices.Clone(args), min(1, len(args)), "--listen", "http://127.0.0.1:0")
	}
	ready := make(chan string, 1)
	p := start(tb, args, func(line string) bool {
		url, ok := strings.CutPrefix(line, "ready ")
		if ok {
			ready <- strings.TrimSuffix(url, "/")
		}
		return ok
	})
	url, err := awaitReady(p, ready)
	if err != nil {
		p.kill()
		tb.Fatalf("dotnetpeer: %q: %v\n%s", args, err, p.log.String())
	}
	return &Peer{URL: url, process: p}
}

// Stop asks the peer to end, and kills it if it has not after a few seconds.
// It returns when the process is gone; a second call does nothing.
func (p *Peer) Stop() { p.process.stop() }

// Kill ends the peer at once, as a crash does: no connection is closed in an
// orderly way. It returns when the process is gone.
func (p *Peer) Kill() { p.process.kill() }

func isListen(arg string) bool {
	return arg == "--listen" || strings.HasPrefix(arg, "--listen=")
}

func awaitReady(p *process, ready <-chan string) (string, error) {
	select {
	case url := <-ready:
		return url, nil
	case <-p.gone:
		return "", fmt.Errorf("ended before it was ready: %w", p.exit)
	case <-time.After(readyWithin):
		return "", fmt.Errorf("not ready after %v", readyWithin)
	}
}

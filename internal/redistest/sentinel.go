// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package redistest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

// StartSentinel starts a sentinel that watches over a primary under the name
// main. It ends with the test.
func StartSentinel(t testing.TB, primary *Server) *Server {
	t.Helper()
	conf := filepath.Join(directory(t), "conf")
	text := fmt.Sprintf("sentinel monitor main 127.0.0.1 %d 1\nsentinel down-after-milliseconds main 1000\nsentinel failover-timeout main 3000\n", primary.Port)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return startWith(t, []string{conf, "--sentinel"}, freePort(t), nil, nil)
}

// StartReplica starts a replica of a primary, and waits until it has what that
// has. It ends with the test.
func StartReplica(t testing.TB, primary *Server) *Server {
	t.Helper()
	s := Start(t, "--replicaof", "127.0.0.1 "+strconv.Itoa(primary.Port), "--repl-diskless-sync-delay", "0")
	Eventually(t, "the replica is in touch", func() error {
		n, err := primary.Try("WAIT", "1", "100")
		if err == nil && n != "1" {
			err = errors.New(n)
		}
		return err
	})
	return s
}

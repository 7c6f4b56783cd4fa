// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package redistest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
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
	primary.Replicate(t)
	return s
}

// Replicate waits until the replicas have all that the primary has now. WAIT does
// not tell: it knows only what its own connection wrote.
func (s *Server) Replicate(t testing.TB) {
	t.Helper()
	s.Do(t, "PUBLISH", "replicate", "") // goes to the replicas too, so that there is something
	goal := infoNumber(s.Do(t, "INFO", "replication"), "master_repl_offset:")
	Eventually(t, "a replica has all", func() error {
		info, err := s.Try("INFO", "replication")
		if err != nil {
			return err
		}
		if replicas := strings.Count(info, "ip="); replicas == 0 || strings.Count(info, "state=online") < replicas {
			return errors.New(info)
		}
		for _, replica := range strings.Split(info, "state=online")[1:] {
			if infoNumber(replica, "offset=") < goal {
				return errors.New(info)
			}
		}
		return nil
	})
}

// infoNumber is what stands behind the first of a name in an answer to INFO, or
// -1.
func infoNumber(info, name string) int64 {
	_, rest, _ := strings.Cut(info, name)
	digits := strings.TrimLeft(rest, "0123456789")
	n, err := strconv.ParseInt(strings.TrimSuffix(rest, digits), 10, 64)
	if err != nil {
		return -1
	}
	return n
}

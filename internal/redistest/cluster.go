// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package redistest

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
)

const (
	slots     = 16384
	primaries = 3
)

// A Cluster has three primaries with a replica each.
type Cluster struct {
	Servers []*Server // those that begin as primaries first, then the replica of each
}

// StartCluster starts a cluster whose replicas take over after some seconds.
// It ends with the test.
func StartCluster(t testing.TB, args ...string) *Cluster {
	t.Helper()
	c := &Cluster{}
	for range 2 * primaries {
		c.Servers = append(c.Servers, startNode(t, args))
	}
	c.meet(t)
	for i, s := range c.Servers[:primaries] {
		first, last := c.Slots(i)
		s.Do(t, "CLUSTER", "ADDSLOTSRANGE", strconv.Itoa(first), strconv.Itoa(last))
	}
	for i, s := range c.Servers[primaries:] {
		primary := c.Servers[i].Do(t, "CLUSTER", "MYID")
		Eventually(t, "a replica knows its primary", func() error { return said(s.Try("CLUSTER", "REPLICATE", primary)) })
	}
	c.Settle(t)
	return c
}

// Slots are the first and the last slot that a primary begins with.
func (c *Cluster) Slots(primary int) (first, last int) {
	return primary * slots / primaries, (primary+1)*slots/primaries - 1
}

// startNode starts a server that is no cluster yet.
func startNode(t testing.TB, args []string) *Server {
	t.Helper()
	port := freePort(t)
	return start(t, port, nil, append([]string{
		"--cluster-enabled", "yes",
		"--cluster-port", strconv.Itoa(busPort(port)),
		"--cluster-node-timeout", "2000",
		"--cluster-replica-validity-factor", "0",
		"--repl-diskless-sync-delay", "0",
		"--repl-ping-replica-period", "1",
	}, args...))
}

// meet lets all servers know each other.
func (c *Cluster) meet(t testing.TB) {
	t.Helper()
	for i, s := range c.Servers {
		s.Do(t, "CLUSTER", "SET-CONFIG-EPOCH", strconv.Itoa(i+1))
		if i > 0 {
			c.Servers[0].Do(t, "CLUSTER", "MEET", "127.0.0.1", strconv.Itoa(s.Port), strconv.Itoa(busPort(s.Port)))
		}
	}
	Eventually(t, "the servers know each other", func() error {
		for _, s := range c.Servers {
			nodes, err := s.Try("CLUSTER", "NODES")
			if n := strings.Count(nodes, " connected"); err != nil || n != len(c.Servers) || strings.Contains(nodes, "handshake") {
				return fmt.Errorf("%d are connected, error %w", n, err)
			}
		}
		return nil
	})
}

// Settle waits until each server that runs says that the cluster is whole, and
// each replica has what its primary has.
func (c *Cluster) Settle(t testing.TB) {
	t.Helper()
	Eventually(t, "the cluster is whole", func() error {
		for _, s := range c.Servers {
			if s.cmd == nil {
				continue
			}
			info, err := s.Try("CLUSTER", "INFO")
			if err != nil || !strings.Contains(info, "cluster_state:ok") {
				return fmt.Errorf("port %d: %s, error %w", s.Port, info, err)
			}
			role, err := s.Try("INFO", "replication")
			if err != nil || strings.Contains(role, "role:slave") && !strings.Contains(role, "master_link_status:up") {
				return fmt.Errorf("port %d: %s, error %w", s.Port, role, err)
			}
		}
		return nil
	})
}

// URL is how a client reaches the cluster.
func (c *Cluster) URL() string {
	url := c.Servers[0].URL()
	for i, s := range c.Servers[1:] {
		sep := "&"
		if i == 0 {
			sep = "?"
		}
		url += sep + "addr=" + s.Addr()
	}
	return url
}

// Primary is the server that has the slot of a key.
func (c *Cluster) Primary(t testing.TB, key string) *Server {
	t.Helper()
	for _, s := range c.Servers {
		if s.cmd == nil {
			continue
		}
		if answer, err := s.Try("EXISTS", key); err == nil && (answer == "0" || answer == "1") {
			return s
		}
	}
	t.Fatal("no server has the key's slot")
	return nil
}

// said makes an error of an answer that is none that all is well.
func said(answer string, err error) error {
	if err == nil && answer != "OK" {
		err = errors.New(answer)
	}
	return err
}

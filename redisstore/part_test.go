// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package redisstore_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/internal/redistest"
	"github.com/sessionbridge/session/redisstore"
)

// TestExpireBesidePartThatIsGone has a cluster of which a primary and its replica
// are gone, or do not answer, or have no slots: the sessions of the others expire,
// in the time that a Manager gives.
func TestExpireBesidePartThatIsGone(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		end   func(t *testing.T, s session.Store, cluster *redistest.Cluster, part int)
		nodes bool // the part is that which knows what nodes are alive
	}{
		{"killed, with the nodes", func(_ *testing.T, _ session.Store, cluster *redistest.Cluster, part int) {
			cluster.Servers[part+3].Kill()
			cluster.Servers[part].Kill()
		}, true},
		{"frozen", func(t *testing.T, _ session.Store, cluster *redistest.Cluster, part int) {
			cluster.Servers[part+3].Freeze(t)
			cluster.Servers[part].Freeze(t)
		}, false},
		{"without slots", func(t *testing.T, s session.Store, cluster *redistest.Cluster, part int) {
			first, last := cluster.Slots(part)
			id := stored(t, cluster.Servers[part])[0]
			for _, server := range cluster.Servers {
				_, _ = server.Try("CLUSTER", "DELSLOTSRANGE", strconv.Itoa(first), strconv.Itoa(last)) // replicas may know of it already
			}
			redistest.Eventually(t, "the client knows it", func() error {
				if _, err := s.Get(t.Context(), id, session.GetOptions{}); err == nil || !strings.Contains(err.Error(), "no primary for these keys") {
					return fmt.Errorf("got error %w", err)
				}
				return nil
			})
		}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			cluster := redistest.StartCluster(t, "--cluster-require-full-coverage", "no")
			s := open(t, redisstore.Options{URL: cluster.URL()})
			part := slices.Index(cluster.Servers, cluster.Primary(t, "{session:nodes}"))
			if !test.nodes {
				part = (part + 1) % 3
			}
			_, err := s.Beat(t.Context(), "node", time.Hour)
			must(t, err)
			held := session.NewID()
			for !strings.Contains(cluster.Servers[(part+2)%3].Do(t, "KEYS", "*item:*"), held) {
				held = session.NewID()
				mustPutFor(t, s, held, time.Millisecond)
			}
			_, err = s.Lock(t.Context(), held, session.LockOptions{Hold: session.Hold{Node: "node"}, Timeout: time.Millisecond})
			must(t, err)
			for range 60 {
				mustPutFor(t, s, session.NewID(), time.Millisecond)
			}
			others := append(stored(t, cluster.Servers[(part+1)%3]), stored(t, cluster.Servers[(part+2)%3])...)
			others = slices.DeleteFunc(others, func(id string) bool { return id == held })
			test.end(t, s, cluster, part)

			var told []string
			lost := 0 // answers: what was removed then is told to nobody
			for {
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second) // as a Manager does
				ids, _, err := s.Expire(ctx, 1000)
				cancel()
				told = append(told, ids...)
				if errors.Is(err, redisstore.ErrUnknown) && lost < 5 { // the machine is busy
					lost++
					continue
				}
				if len(ids) == 0 {
					tells(t, err)
					break
				}
				if err != nil {
					t.Errorf("with something to tell the error is %v", err)
				}
			}
			slices.Sort(told)
			slices.Sort(others)
			if lost == 0 && !slices.Equal(told, others) {
				t.Errorf("%d were announced, want %d", len(told), len(others))
			}
			if left := stored(t, cluster.Servers[(part+2)%3]); !slices.Equal(left, []string{held}) {
				t.Errorf("%d are left, want the one that is held by a node that is alive", len(left))
			}
		})
	}
}

func mustPutFor(t *testing.T, s session.Store, id string, timeout time.Duration) {
	t.Helper()
	must(t, s.Put(t.Context(), id, 0, nil, session.PutOptions{Timeout: timeout}))
}

// stored are the sessions that a server has.
func stored(t *testing.T, s *redistest.Server) []string {
	t.Helper()
	var ids []string
	for _, key := range strings.Fields(s.Do(t, "KEYS", "*item:*")) {
		_, id, _ := strings.Cut(key, "item:")
		ids = append(ids, id)
	}
	return ids
}

// TestPrimariesThatDisagree has two primaries each of which says that the other one
// has a slot.
func TestPrimariesThatDisagree(t *testing.T) {
	t.Parallel()
	cluster := redistest.StartCluster(t)
	s := open(t, redisstore.Options{URL: cluster.URL(), Patience: -1})
	id := session.NewID()
	mustPut(t, s, id, "data")
	tag, _, _ := strings.Cut("{session:"+bucketTag(t, cluster, id), "item:")
	from, to := cluster.Primary(t, tag), cluster.Servers[0]
	if to == from {
		to = cluster.Servers[1]
	}
	move(t, cluster, tag)
	slot := from.Do(t, "CLUSTER", "KEYSLOT", tag)
	from.Do(t, "CLUSTER", "SETSLOT", slot, "NODE", to.Do(t, "CLUSTER", "MYID"))
	to.Do(t, "CLUSTER", "SETSLOT", slot, "STABLE")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	_, err := s.Get(ctx, id, session.GetOptions{})
	tells(t, err, "CLUSTER NODES")
}

// TestExpireWhileKeysMove has a cluster that moves a session, and the index of what
// expires after it: it is not taken for gone, and announced once.
func TestExpireWhileKeysMove(t *testing.T) {
	t.Parallel()
	cluster := redistest.StartCluster(t)
	s := open(t, redisstore.Options{URL: cluster.URL()})
	id := session.NewID()
	mustPutFor(t, s, id, time.Millisecond)
	tag, _, _ := strings.Cut("{session:"+bucketTag(t, cluster, id), "item:")
	expire := func() []string {
		ids, _, err := s.Expire(t.Context(), 10)
		if len(ids) == 0 {
			tells(t, err, "moving")
		}
		return ids
	}
	from, to := cluster.Primary(t, tag), cluster.Servers[0]
	if to == from {
		to = cluster.Servers[1]
	}
	slot, target := from.Do(t, "CLUSTER", "KEYSLOT", tag), to.Do(t, "CLUSTER", "MYID")
	to.Do(t, "CLUSTER", "SETSLOT", slot, "IMPORTING", from.Do(t, "CLUSTER", "MYID"))
	from.Do(t, "CLUSTER", "SETSLOT", slot, "MIGRATING", target)
	for _, key := range []string{"item:" + id, "due"} {
		if said := from.Do(t, "MIGRATE", "127.0.0.1", strconv.Itoa(to.Port), tag+key, "0", "5000"); said != "OK" {
			t.Fatal(said)
		}
		if told := expire(); told != nil {
			t.Errorf("when %s had moved %q were announced", key, told)
		}
	}
	to.Do(t, "CLUSTER", "SETSLOT", slot, "NODE", target)
	from.Do(t, "CLUSTER", "SETSLOT", slot, "NODE", target)
	if told := expire(); !slices.Equal(told, []string{id}) {
		t.Errorf("%q were announced, want %q", told, id)
	}
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package redisstore_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/internal/redistest"
	"github.com/sessionbridge/session/redisstore"
)

// A visitor counts in a session of its own, by turns on each node.
type visitor struct {
	id     string
	nodes  []session.Store
	acked  atomic.Int64 // the last number that was acknowledged
	last   uint64       // the last token
	turns  atomic.Int64
	faults atomic.Int64
}

// visit counts until the context ends. The error is what must not happen.
func (v *visitor) visit(ctx context.Context) error {
	for turn := 0; ctx.Err() == nil; turn++ {
		err := v.count(ctx, v.nodes[turn%len(v.nodes)])
		var wrong wrongError
		switch {
		case errors.As(err, &wrong):
			return err
		case err != nil:
			v.faults.Add(1)
			time.Sleep(10 * time.Millisecond)
		default:
			v.turns.Add(1)
		}
	}
	return nil
}

// A wrongError is what no fault excuses.
type wrongError string

func (e wrongError) Error() string { return string(e) }

// count adds 1 to the number in the session.
func (v *visitor) count(ctx context.Context, s session.Store) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	it, err := v.lock(ctx, s)
	if err != nil {
		return err
	}
	n := int64(0)
	if !it.New {
		if n, err = strconv.ParseInt(string(it.Data), 10, 64); err != nil {
			return wrongError(err.Error())
		}
	}
	// An unknown change may have been made: it is one ahead then.
	if acked := v.acked.Load(); n < acked {
		return wrongError(fmt.Sprintf("%d was acknowledged and %d is stored", acked, n))
	}
	if it.Hold.Token <= v.last {
		return wrongError(fmt.Sprintf("token %d follows %d", it.Hold.Token, v.last))
	}
	v.last = it.Hold.Token
	err = s.Put(ctx, v.id, it.Hold.Token, strconv.AppendInt(nil, n+1, 10), session.PutOptions{Timeout: time.Hour})
	if err == nil {
		v.acked.Store(n + 1)
	}
	return err
}

// lock takes the session, also from itself if it does not know that it has it.
func (v *visitor) lock(ctx context.Context, s session.Store) (session.Item, error) {
	it, err := s.Lock(ctx, v.id, session.LockOptions{Timeout: time.Hour})
	var locked *session.LockedError
	if errors.As(err, &locked) {
		return s.Lock(ctx, v.id, session.LockOptions{Timeout: time.Hour, Steal: locked.Hold.Token})
	}
	return it, err
}

// TestFailover moves a part of a cluster to its replica, orderly, while visitors
// count: nothing that was acknowledged may be lost.
func TestFailover(t *testing.T) {
	t.Parallel()
	cluster := redistest.StartCluster(t)
	o := redisstore.Options{URL: cluster.URL(), Patience: 2 * time.Second}
	nodes := []session.Store{open(t, o), open(t, o)}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var visitors []*visitor
	var wg sync.WaitGroup
	for range 6 {
		v := &visitor{id: session.NewID(), nodes: nodes}
		visitors = append(visitors, v)
		wg.Go(func() {
			if err := v.visit(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	progress(t, visitors)
	replica := cluster.Servers[3]
	if said := replica.Do(t, "CLUSTER", "FAILOVER"); said != "OK" {
		t.Fatal(said)
	}
	redistest.Eventually(t, "the replica is primary", func() error { return isRole(replica, "master") })
	progress(t, visitors)
	cluster.Settle(t)
	progress(t, visitors)
	for _, v := range visitors {
		hears(t, nodes[0], v.id)
	}
	cancel()
	wg.Wait()
	for _, v := range visitors {
		t.Logf("%d turns, %d faults", v.turns.Load(), v.faults.Load())
	}
}

// TestPrimaryDies kills a primary whose replica has all: the holder of a session
// and who watches it go on with the replica.
func TestPrimaryDies(t *testing.T) {
	t.Parallel()
	cluster := redistest.StartCluster(t)
	s := open(t, redisstore.Options{URL: cluster.URL(), Patience: 20 * time.Second})
	id := session.NewID()
	mustPut(t, s, id, "data")
	token := mustLock(t, s, id)
	tag := "{session:" + bucketTag(t, cluster, id)
	primary := cluster.Primary(t, tag)
	primary.Replicate(t)
	changed, stop, err := s.Watch(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	for len(changed) > 0 {
		<-changed
	}
	primary.Kill()
	if err := s.Put(t.Context(), id, token, []byte("other"), session.PutOptions{Timeout: time.Minute}); err != nil {
		if !errors.Is(err, redisstore.ErrUnknown) {
			t.Fatal(err)
		}
		// It was under way when the connection broke.
		if err := s.Put(t.Context(), id, token, []byte("other"), session.PutOptions{Timeout: time.Minute}); err != nil {
			t.Fatal(err)
		}
	}
	it, err := s.Get(t.Context(), id, session.GetOptions{})
	if err != nil || string(it.Data) != "other" || it.Committed.Token != token {
		t.Errorf("the item is %+v, error %v", it, err)
	}
	select {
	case <-changed:
	case <-time.After(20 * time.Second):
		t.Error("no signal")
	}
}

// TestPrimaryHangs has a primary that does not answer any more, and whose
// replica takes over: its sessions are served on before a node counts as dead that
// was last heard five seconds before.
func TestPrimaryHangs(t *testing.T) {
	t.Parallel()
	cluster := redistest.StartCluster(t)
	s := open(t, redisstore.Options{URL: cluster.URL()})
	id := session.NewID()
	mustPut(t, s, id, "data")
	primary := cluster.Primary(t, "{session:"+bucketTag(t, cluster, id))
	primary.Replicate(t)
	primary.Freeze(t)
	begun := time.Now()
	redistest.Eventually(t, "the replica answers", func() error {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := s.Get(ctx, id, session.GetOptions{})
		return err
	})
	if took := time.Since(begun); took > 10*time.Second {
		t.Errorf("it took %s", took)
	}
}

// TestSentinel kills a primary that sentinels watch over.
func TestSentinel(t *testing.T) {
	t.Parallel()
	primary := redistest.Start(t)
	replica := redistest.StartReplica(t, primary)
	sentinel := redistest.StartSentinel(t, primary)
	redistest.Eventually(t, "the sentinel knows the replica", func() error {
		if known := sentinel.Do(t, "SENTINEL", "REPLICAS", "main"); !strings.Contains(known, strconv.Itoa(replica.Port)) {
			return errors.New(known)
		}
		return nil
	})
	s := open(t, redisstore.Options{URL: sentinel.URL() + "?master_set=main", Patience: 20 * time.Second})
	id := session.NewID()
	mustPut(t, s, id, "data")
	token := mustLock(t, s, id)
	primary.Replicate(t)
	changed, stop, err := s.Watch(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	primary.Kill()
	unknown := false
	redistest.Eventually(t, "the holder commits", func() error {
		err := s.Put(t.Context(), id, token, []byte("other"), session.PutOptions{Timeout: time.Minute})
		unknown = unknown || errors.Is(err, redisstore.ErrUnknown)
		if errors.Is(err, session.ErrLockLost) && !unknown {
			t.Fatalf("the first answer to the holder is %v", err)
		}
		if item, _ := s.Get(t.Context(), id, session.GetOptions{}); string(item.Data) == "other" {
			return nil // a Put whose answer was lost has ended the hold
		}
		return err
	})
	select {
	case <-changed:
	case <-time.After(20 * time.Second):
		t.Error("no signal")
	}
}

// TestPrimaryBehindOneAddress makes another server primary, to which the address
// of the store leads from then on. The old one goes on as a replica, and cuts no
// connection.
func TestPrimaryBehindOneAddress(t *testing.T) {
	t.Parallel()
	primary := redistest.Start(t)
	replica := redistest.StartReplica(t, primary)
	proxy := redistest.StartProxy(t, primary)
	s := open(t, redisstore.Options{URL: proxy.URL()})
	id := session.NewID()
	mustPut(t, s, id, "data")
	token := mustLock(t, s, id)
	primary.Replicate(t)
	replica.Do(t, "REPLICAOF", "NO", "ONE")
	proxy.Turn(replica)
	primary.Do(t, "REPLICAOF", "127.0.0.1", strconv.Itoa(replica.Port))
	if err := s.Put(t.Context(), id, token, []byte("other"), session.PutOptions{Timeout: time.Minute}); err != nil {
		t.Errorf("the holder can't commit: %v", err)
	}
	redistest.Eventually(t, "the store hears of changes from the new primary", func() error {
		mustPut(t, s, session.NewID(), "data") // each may be the first over a connection to the old one
		if replica.Do(t, "PUBSUB", "CHANNELS") == "" {
			return errors.New("nobody is subscribed")
		}
		return nil
	})
}

// bucketTag is what the item's key has behind the prefix and a colon.
func bucketTag(t *testing.T, cluster *redistest.Cluster, id string) string {
	t.Helper()
	for _, s := range cluster.Servers[:3] {
		if key := s.Do(t, "KEYS", "*item:"+id); key != "" {
			return strings.TrimPrefix(key, "{session:")
		}
	}
	t.Fatal("no server has the session")
	return ""
}

// progress waits until each visitor has counted further.
func progress(t *testing.T, visitors []*visitor) {
	t.Helper()
	for _, v := range visitors {
		until := v.turns.Load() + 5
		redistest.Eventually(t, "a visitor goes on", func() error {
			if n := v.turns.Load(); n < until {
				return fmt.Errorf("%d of %d turns, %d faults", n, until, v.faults.Load())
			}
			return nil
		})
	}
}

func isRole(s *redistest.Server, role string) error {
	info, err := s.Try("INFO", "replication")
	if err == nil && !strings.Contains(info, "role:"+role) {
		err = errors.New(info)
	}
	return err
}

// hears checks that a store hears of the changes of a session that changes all
// the time.
func hears(t *testing.T, s session.Store, id string) {
	t.Helper()
	changed, stop, err := s.Watch(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	for range 3 {
		select {
		case <-changed:
		case <-time.After(5 * time.Second):
			t.Error("no signal")
			return
		}
	}
}

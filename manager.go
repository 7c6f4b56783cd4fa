// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sessionbridge/session/wire"
)

// ManagerOptions say how a [Manager] deals with sessions. The zero value is
// what a server wants.
type ManagerOptions struct {
	Node       string        // name of this node, unlike that of any other on the store; "" makes one
	Timeout    time.Duration // idle timeout of new sessions, whole minutes; 0 means 20 minutes
	ReadWait   time.Duration // how long a reader gives a writer in progress; 0 means 250 ms, less than 0 none
	LockWait   time.Duration // how long a writer waits for its turn; 0 means 60 s
	HoldLimit  time.Duration // how old a hold of Open may become while another writer waits; 0 means 50 s
	MaxWaiters int           // writers that wait for one session; 0 means 50
	MaxHolds   int           // holds and waiters of this node together; 0 means 50,000
	StrictIDs  bool          // an unknown id makes a new one, instead of being adopted
	RefuseLate bool          // a commit whose hold was lost is refused, instead of merged if nobody else changed the same keys
	LastWins   wire.Scope    // keys that never conflict in a late commit, if it is declared
	Limits     wire.Limits   // how large a session may become
	Logger     *slog.Logger  // nil means slog.Default()

	// OnEvent is told what becomes of sessions; see Event. It is called from one
	// goroutine of the Manager, for one event after the other, so it keeps no
	// request waiting; Close waits for it. nil: nobody wants to know.
	OnEvent func(Event)

	// EventQueue is how many events may wait for OnEvent; 0 means 1,024. More are
	// dropped, and counted in Stats.
	EventQueue int
}

// Check returns all that is wrong with the options, or nil.
func (o ManagerOptions) Check() error {
	var errs []error
	if o.Timeout != 0 {
		errs = append(errs, CheckTimeout(o.Timeout))
	}
	for _, d := range []struct {
		name  string
		value time.Duration
	}{{"lock wait", o.LockWait}, {"hold limit", o.HoldLimit}} {
		if d.value < 0 {
			errs = append(errs, fmt.Errorf("%s is %s, want 0 or more", d.name, d.value))
		}
	}
	for _, n := range []struct {
		name  string
		value int
	}{{"max waiters", o.MaxWaiters}, {"max holds", o.MaxHolds}, {"event queue", o.EventQueue}} {
		if n.value < 0 {
			errs = append(errs, fmt.Errorf("%s is %d, want 0 or more", n.name, n.value))
		}
	}
	return errors.Join(errs...)
}

// withDefaults returns the options with every zero field filled in.
func (o ManagerOptions) withDefaults() ManagerOptions {
	o.Node = cmp.Or(o.Node, NewID())
	o.Timeout = cmp.Or(o.Timeout, 20*time.Minute)
	o.ReadWait = max(cmp.Or(o.ReadWait, 250*time.Millisecond), 0)
	o.LockWait = cmp.Or(o.LockWait, 60*time.Second)
	o.HoldLimit = cmp.Or(o.HoldLimit, 50*time.Second)
	o.MaxWaiters = cmp.Or(o.MaxWaiters, 50)
	o.MaxHolds = cmp.Or(o.MaxHolds, 50_000)
	o.EventQueue = cmp.Or(o.EventQueue, 1024)
	o.Limits = o.Limits.WithDefaults()
	o.Logger = cmp.Or(o.Logger, slog.Default())
	return o
}

// A Manager decides who may have a session of a [Store]: readers wait a moment
// for a writer in progress, writers queue, one at a time holds, and what it
// commits is merged with what is stored. Several Managers, on several nodes,
// may share one store. It is safe for concurrent use.
type Manager struct {
	store  Store
	opts   ManagerOptions
	log    *slog.Logger
	stop   context.CancelFunc
	done   context.Context // ends when the Manager closes
	chores sync.WaitGroup  // beating and sweeping
	sweep  sweeper

	queues   queues
	slow     slowHolds
	learned  learnedKeys
	orphans  orphans
	underway underway
	events   events

	unheard atomic.Pointer[time.Time] // when the store last did not hear this node

	steals, expired            atomic.Uint64
	lateCommits, lateConflicts atomic.Uint64
}

var _ Source = (*Manager)(nil)

// OpenManager starts a Manager on a store, which stays the caller's to close,
// after the Manager. The error names all that is wrong with the options, or
// why the store does not answer.
func OpenManager(ctx context.Context, store Store, o ManagerOptions) (*Manager, error) {
	if err := o.Check(); err != nil {
		return nil, fmt.Errorf("session manager: %w", err)
	}
	o = o.withDefaults()
	// Before its first hold a node must be known to live, or others take the
	// hold away.
	if _, err := store.Beat(ctx, o.Node, nodeTTL); err != nil {
		return nil, fmt.Errorf("session manager: the store does not answer: %w", err)
	}
	m := &Manager{store: store, opts: o, log: o.Logger}
	m.done, m.stop = context.WithCancel(context.Background())
	m.sweep.init()
	m.queues.init(o.MaxWaiters, o.MaxHolds)
	m.chores.Go(m.beat)
	m.chores.Go(m.expire)
	m.startEvents()
	return m, nil
}

// Close stops the Manager and waits for its chores, and until OnEvent has had the
// events that have happened; waiters get ErrClosed. It does not wait for calls that are under way, and what is held stays held until
// it is committed or released: end those first.
func (m *Manager) Close() {
	m.stop()
	m.chores.Wait()
}

// Stats are figures of a [Manager] since it was opened.
type Stats struct {
	Holds   int    // holds of this node, without those that were taken from it
	Waiters int    // writers of this node that wait for their turn
	Steals  uint64 // holds that this node took from another writer
	Expired uint64 // sessions that this node removed because their time was over

	LateCommits   uint64 // commits whose hold was lost, and that were made all the same
	LateConflicts uint64 // those that were refused because another writer changed the same keys

	EventsDropped uint64 // events that OnEvent was not told, because it was too slow
}

// Limits returns how large a session may become.
func (m *Manager) Limits() wire.Limits { return m.opts.Limits }

// Stats returns the Manager's figures now.
func (m *Manager) Stats() Stats {
	holds, waiters := m.queues.count()
	return Stats{Holds: holds, Waiters: waiters, Steals: m.steals.Load(), Expired: m.expired.Load(),
		LateCommits: m.lateCommits.Load(), LateConflicts: m.lateConflicts.Load(), EventsDropped: m.events.dropped.Load()}
}

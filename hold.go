// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"time"
)

// A HoldRequest says who wants to change which session.
type HoldRequest struct {
	ID       string        // as it arrived; anything that ParseID refuses stands for a new session
	Client   string        // name of the client, for logs and for whom the commit must come from
	Trace    string        // W3C trace id of the exchange, or ""
	Detached bool          // the commit comes in a request of its own, maybe to another node: see Find
	Limit    time.Duration // how old the hold may become while another writer waits

	unwatched bool // Held.Changed is not used: the store need not watch a session that is free

	// Stop sends the writer away with ErrClosed when it is closed. nil: never.
	Stop <-chan struct{}
}

// A Held is a session that this node holds for one exchange. It ends with
// Commit or Release; Release is always safe to call.
type Held struct {
	Item   Item // as it was when the hold was granted; a New item has the timeout of new sessions
	Issued bool // the Manager made the id for this request, so the browser must be told

	// Waited is how long the session had to be waited for.
	Waited time.Duration

	m       *Manager
	changed <-chan struct{}
	unwatch func()
	ended   atomic.Bool
}

// Hold waits until the session is this writer's: first come, first served on
// each node. A hold of somebody else that is past its limit, or whose node is
// dead, is taken away. *BusyError if the session can't be had in time or too
// many wait; ErrClosed if the Manager closes; else the context's cause.
func (m *Manager) Hold(ctx context.Context, r HoldRequest) (*Held, error) {
	if m.done.Err() != nil {
		return nil, ErrClosed
	}
	id, arrived := ParseID(r.ID)
	if !arrived {
		id = NewID()
	}
	h, err := m.hold(ctx, id, r)
	if err == nil && arrived && h.Item.New && m.opts.StrictIDs {
		if err := h.Release(ctx); err != nil {
			return nil, err
		}
		arrived = false
		h, err = m.hold(ctx, NewID(), r)
	}
	if err != nil {
		return nil, err
	}
	h.Issued = !arrived
	return h, nil
}

// hold queues for a session and takes it.
func (m *Manager) hold(ctx context.Context, id string, r HoldRequest) (*Held, error) {
	place, err := m.queues.join(id)
	if err != nil {
		return nil, err
	}
	w := writer{m: m, ctx: ctx, stop: r.Stop, place: place}
	h, err := w.take(!r.unwatched, Hold{Node: m.opts.Node, Client: r.Client, Trace: r.Trace, Detached: r.Detached, Limit: r.Limit})
	if err != nil {
		return nil, err
	}
	if ctx.Err() != nil { // the request ended while the store answered
		return nil, errors.Join(context.Cause(ctx), h.Release(ctx))
	}
	return h, nil
}

// A writer is one that waits for a session.
type writer struct {
	m      *Manager
	ctx    context.Context
	stop   <-chan struct{}
	place  *place
	came   time.Time
	holder Hold      // who held the session when it was last looked at
	looked time.Time // when that was

	changed <-chan struct{} // nil: nobody watches the session yet
	unwatch func()
}

// take waits for the turn of the writer, then for the session, takes it and leaves
// the queue.
func (w *writer) take(watched bool, want Hold) (*Held, error) {
	defer w.m.queues.leave(w.place)
	w.came, w.unwatch = time.Now(), func() {}
	if err := w.awaitTurn(); err != nil {
		return nil, err
	}
	if watched {
		if err := w.watch(); err != nil {
			return nil, err
		}
	}
	item, err := w.lock(want)
	if err != nil {
		w.unwatch()
		return nil, err
	}
	w.m.queues.hold(item.holdName())
	return &Held{Item: item, Waited: time.Since(w.came), m: w.m, changed: w.changed, unwatch: w.unwatch}, nil
}

// watch lets the store tell of changes.
func (w *writer) watch() error {
	changed, unwatch, err := w.m.store.Watch(w.ctx, w.place.id)
	if err == nil {
		w.changed, w.unwatch = changed, unwatch
	}
	return err
}

// awaitTurn waits until the writer is the first in its queue.
func (w *writer) awaitTurn() error {
	if w.place.turn == nil {
		return nil
	}
	if err := w.wait(w.place.turn, w.m.opts.LockWait); err != nil {
		return err
	}
	return w.m.queues.failure(w.place)
}

// lock takes the session once it is free or may be taken away.
func (w *writer) lock(want Hold) (Item, error) {
	var steal Hold
	for {
		item, err := w.ask(w.place.id, LockOptions{Hold: want, Steal: steal.Token, Timeout: w.m.opts.Timeout})
		if err == nil {
			w.m.noteSteal(item, steal)
			return item, nil
		}
		var locked *LockedError
		if !errors.As(err, &locked) {
			return Item{}, err
		}
		w.holder, w.looked, steal = locked.Hold, time.Now(), Hold{}
		patience, err := w.m.patience(w.ctx, w.place.id, w.holder)
		if err != nil {
			return Item{}, err
		}
		if patience <= 0 {
			steal = w.holder
			continue
		}
		if w.changed == nil {
			if err := w.watch(); err != nil {
				return Item{}, err
			}
			continue // it may have changed before that
		}
		if err := w.wait(w.changed, patience); err != nil {
			return Item{}, err
		}
		if w.m.queues.yield(w.place) {
			if err := w.awaitTurn(); err != nil {
				return Item{}, err
			}
		}
	}
}

// ask asks the store for the hold. The request may end meanwhile, but the answer
// must be heard: nobody else knows the token of a hold that was granted.
func (w *writer) ask(id string, o LockOptions) (Item, error) {
	if w.ctx.Err() != nil {
		return Item{}, context.Cause(w.ctx)
	}
	ctx := within(w.ctx, storeTimeout)
	defer ctx.end()
	item, err := w.m.store.Lock(ctx, id, o)
	if err != nil && !isAnswer(err) {
		w.m.orphans.add(id)
		if w.place != nil {
			w.m.queues.fail(w.place, err)
		}
	}
	return item, err
}

// wait returns when something is received or a time has passed, with an error
// if the writer has to give up before that.
func (w *writer) wait(signal <-chan struct{}, most time.Duration) error {
	left := w.m.opts.LockWait - time.Since(w.came)
	timer := time.NewTimer(min(most, left))
	defer timer.Stop()
	select {
	case <-signal:
		return nil
	case <-w.ctx.Done():
		return context.Cause(w.ctx)
	case <-w.m.done.Done():
		return ErrClosed
	case <-w.stop:
		return ErrClosed
	case <-timer.C:
	}
	if most < left {
		return nil
	}
	holder := w.holder
	if holder.Token != 0 {
		holder.Age += time.Since(w.looked)
	}
	return &BusyError{
		Reason: "another writer has it, and the wait for it is over (lock_wait)",
		Waited: time.Since(w.came),
		Holder: holder,
	}
}

// patience returns how long a writer leaves a session to its holder before it
// looks again; 0 if the hold may be taken away now.
func (m *Manager) patience(ctx context.Context, id string, holder Hold) (time.Duration, error) {
	patience := Never
	if limit := holder.limit(); limit > 0 {
		patience = max(limit-holder.Age, 0)
	}
	if holder.Node == m.opts.Node && !m.isHeld(holdName{id, holder.Token}) {
		if holder.Late != 0 { // that of an abandon is taken out of turn, and its answer may be on its way
			return min(patience, max(storeTimeout-holder.Age, 0)), nil
		}
		return 0, nil // granted, but the store's answer was lost: nobody knows of it
	}
	if holder.Node == m.opts.Node || patience == 0 {
		return patience, nil
	}
	live, err := m.nodes(ctx)
	if err != nil {
		return 0, err
	}
	if !slices.Contains(live, holder.Node) && !m.storeWasAway() {
		return 0, nil
	}
	return min(patience, beatEvery), nil
}

// isHeld reports whether somebody at this node has a hold: an exchange, or its
// commit, which goes on when the exchange has ended.
func (m *Manager) isHeld(name holdName) bool { return m.queues.holds(name) || m.underway.has(name) }

// lossesInARow is after how many lost holds the next one gets a tenth of its
// limit. Waiters whose browsers have left look like any other: each would hold
// for nobody, one after the other.
const lossesInARow = 2

// limit returns how old the hold may become while another writer waits; 0 means
// as old as it likes.
func (h Hold) limit() time.Duration {
	if h.Losses >= lossesInARow {
		return h.Limit / 10
	}
	return h.Limit
}

// noteSteal counts and logs that a hold was taken away.
func (m *Manager) noteSteal(item Item, stolen Hold) {
	if stolen.Token == 0 || !slices.ContainsFunc(item.Lost, func(h Hold) bool { return h.Token == stolen.Token }) {
		return
	}
	m.steals.Add(1)
	m.tell(Event{Kind: EventHoldLost, ID: item.ID, Client: stolen.Client})
	m.log.Warn("a session was taken from its holder, which held it past its limit or is dead",
		"session", HashID(item.ID), "holder", stolen.Client, "node", stolen.Node, "held", stolen.Age, "limit", stolen.limit(),
		"losses_before", stolen.Losses, "taken_by", item.Hold.Client)
}

// A Standing says what has become of a hold.
type Standing int

// What [Held.Standing] answers.
const (
	Holding   Standing = iota // the hold is this exchange's still
	Lost                      // another writer took the session over; a commit would be a late one
	Committed                 // it was committed, maybe late
	Over                      // it was given up, or the session has ended
)

// Changed receives when the hold may have ended otherwise than by Commit or
// Release of this Held; Standing tells.
func (h *Held) Changed() <-chan struct{} { return h.changed }

// Standing asks the store what has become of the hold.
func (h *Held) Standing(ctx context.Context) (Standing, error) {
	ask := within(ctx, storeTimeout)
	defer ask.end()
	mine := h.Item.Hold.Token
	item, err := h.m.store.Get(ask, h.Item.ID, GetOptions{})
	switch {
	case errors.Is(err, ErrNotFound):
		h.end()
		return Over, nil
	case err != nil:
		return Holding, err
	case item.Hold.Token == mine:
		return Holding, nil
	case slices.ContainsFunc(item.Lost, func(lost Hold) bool { return lost.Token == mine }):
		h.m.queues.drop(h.Item.holdName())
		return Lost, nil
	}
	h.end()
	if item.Committed.Token == mine || item.Committed.Late == mine {
		return Committed, nil
	}
	return Over, nil
}

// Commit merges an update into the session, stores it and ends the hold; see
// [Manager.Commit]. After an error, Release it.
func (h *Held) Commit(ctx context.Context, u Update) error {
	if h.ended.Load() {
		return ErrLockLost
	}
	if err := h.m.Commit(ctx, h.Item, u); err != nil {
		return err
	}
	h.end()
	return nil
}

// Release ends the hold without a change. It works with a context that is done,
// within a time of its own, and does nothing once the hold has ended. A commit of
// the hold that is under way goes on, and ends the hold if it fails.
func (h *Held) Release(ctx context.Context) error {
	if h.ended.Swap(true) {
		return nil
	}
	h.unwatch()
	// Not before the store has ended it: one of this node that is not noted is nobody's.
	defer h.m.queues.drop(h.Item.holdName())
	if h.m.underway.leave(h.Item.holdName()) {
		return nil
	}
	return h.m.giveUp(ctx, h.Item)
}

// end forgets the hold on this node.
func (h *Held) end() {
	if h.ended.Swap(true) {
		return
	}
	h.unwatch()
	h.m.queues.drop(h.Item.holdName())
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"context"
	"errors"
	"sync"
	"time"
)

// mostOrphans bounds how many sessions are remembered whose store did not
// answer. One that is forgotten stays held until another writer takes it.
const mostOrphans = 10_000

// orphanGap is after how long a session is looked at again that was not held for
// nobody; then after twice that, and so on up to longestGap. What a network has
// kept back the store may do long after it was asked.
const (
	orphanGap  = 2 * beatEvery
	longestGap = 8 * beatEvery
)

// adoptTime bounds for how long the node looks for its orphans between two beats.
const adoptTime = beatEvery / 5

// orphans are the sessions that may be held by this node for nobody: the store
// was asked for a hold, or to end one, and its answer was lost.
type orphans struct {
	mu  sync.Mutex
	ids map[string]orphan
}

// An orphan says when to look at a session.
type orphan struct {
	at  time.Time
	gap time.Duration // from then to the next time
}

func (o *orphans) add(id string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.ids == nil {
		o.ids = make(map[string]orphan)
	}
	if _, known := o.ids[id]; known || len(o.ids) < mostOrphans {
		o.ids[id] = orphan{at: time.Now(), gap: orphanGap}
	}
}

// looked notes that the store has told of a session. It is forgotten when it was
// looked at for as long as the store may take.
func (o *orphans) looked(id string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	known := o.ids[id]
	if known.gap > longestGap {
		delete(o.ids, id)
		return
	}
	o.ids[id] = orphan{at: time.Now().Add(known.gap), gap: 2 * known.gap}
}

// due returns those that are to be looked at now.
func (o *orphans) due() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	var due []string
	for id, known := range o.ids {
		if !time.Now().Before(known.at) {
			due = append(due, id)
		}
	}
	return due
}

// isAnswer reports whether an error of the store tells what it did. After any
// other one it may have done what it was asked or not.
func isAnswer(err error) bool {
	var locked *LockedError
	return errors.As(err, &locked) || errors.Is(err, ErrLockLost) || errors.Is(err, ErrNotFound) || errors.Is(err, ErrFull) || errors.Is(err, ErrDamaged)
}

// adoptOrphans ends the holds of this node that nobody has. What the store does
// not answer now, or not in time for the next beat, is left for the next time.
func (m *Manager) adoptOrphans() {
	end := time.Now().Add(adoptTime)
	for _, id := range m.orphans.due() {
		if err := m.adopt(id); err != nil || time.Now().After(end) {
			return
		}
	}
}

// adopt ends the hold of a session if it is one of this node that nobody has. It
// takes its turn in the queue: while it has that, no writer of this node is
// between the grant of a hold and knowing it.
func (m *Manager) adopt(id string) error {
	place := m.queues.joinLate(id)
	defer m.queues.leave(place)
	if place.turn != nil {
		select {
		case <-place.turn:
		default:
			return nil // somebody is asking the store, and will see for himself
		}
	}
	ctx, cancel := context.WithTimeout(m.done, storeTimeout)
	defer cancel()
	item, err := m.store.Get(ctx, id, GetOptions{})
	if err == nil && item.Hold.Node == m.opts.Node && !m.isHeld(item.holdName()) {
		m.log.Warn("a session was held for nobody, because an answer of the store was lost; it is free again",
			"session", HashID(id), "client", item.Hold.Client, "held", item.Hold.Age)
		err = m.store.Unlock(ctx, id, item.Hold.Token, UnlockOptions{})
	}
	if err != nil && !isAnswer(err) {
		return err
	}
	m.orphans.looked(id)
	return nil
}

// giveUp ends the hold of an item, also a lost one. That it has ended is no
// error.
func (m *Manager) giveUp(ctx context.Context, item Item) error {
	ask := within(ctx, storeTimeout)
	defer ask.end()
	m.sweep.expect(item.Timeout) // Unlock slides the expiry
	err := m.store.Unlock(ask, item.ID, item.Hold.Token, UnlockOptions{})
	switch {
	case errors.Is(err, ErrLockLost):
		return nil
	case err != nil && !isAnswer(err):
		m.orphans.add(item.ID)
	}
	return err
}

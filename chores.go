// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"context"
	"sync"
	"time"
)

// A node that has not beaten for nodeTTL is dead, and its holds are free to be
// taken. It beats three times in that time, so that one lost beat is nothing.
const (
	nodeTTL   = 15 * time.Second
	beatEvery = nodeTTL / 3
)

// storeTimeout bounds a call to the store that no request bounds.
const storeTimeout = 5 * time.Second

// beat keeps this node alive until the Manager closes, and ends holds of it that
// nobody has.
func (m *Manager) beat() {
	ticker := time.NewTicker(beatEvery)
	defer ticker.Stop()
	var silent time.Time // since when the store does not answer; zero: it does
	for {
		select {
		case <-m.done.Done():
			return
		case <-ticker.C:
		}
		_, err := m.nodes(m.done)
		switch {
		case err == nil && !silent.IsZero():
			m.log.Info("the store hears this node again", "after", time.Since(silent).Round(time.Second))
			silent = time.Time{}
		case err != nil && m.done.Err() == nil:
			m.log.Warn("the store does not hear this node: other nodes may take its sessions", "err", err)
			now := time.Now()
			m.unheard.Store(&now)
			if silent.IsZero() {
				silent = time.Now()
			}
		}
		if err == nil {
			m.adoptOrphans()
		}
	}
}

// storeWasAway reports whether the store did not hear this node a short time ago,
// and so maybe no other one: who is not alive then may just not have beaten yet.
func (m *Manager) storeWasAway() bool {
	unheard := m.unheard.Load()
	return unheard != nil && time.Since(*unheard) < nodeTTL
}

// nodes beats and returns the nodes that are alive.
func (m *Manager) nodes(ctx context.Context) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	return m.store.Beat(ctx, m.opts.Node, nodeTTL)
}

// expireBatch is how many sessions are removed in one call.
const expireBatch = 500

// mostRest bounds how long expire rests. This node is not told what others
// store, and those may die and leave it behind, even with a hold on it.
const mostRest = 5 * time.Minute

// leastRest makes one call of all that expires within it.
const leastRest = time.Second

// A sweeper knows when the next session may expire, so that an idle server has
// next to nothing to do.
type sweeper struct {
	kick chan struct{} // somebody stored what expires before at

	mu sync.Mutex
	at time.Time // when expire looks next; zero: not before it is kicked
}

func (s *sweeper) init() { s.kick = make(chan struct{}, 1) }

// expect makes expire look no later than in timeout from now.
func (s *sweeper) expect(timeout time.Duration) {
	at := time.Now().Add(timeout)
	s.mu.Lock()
	sooner := s.at.IsZero() || at.Before(s.at)
	if sooner {
		s.at = at
	}
	s.mu.Unlock()
	if sooner {
		select {
		case s.kick <- struct{}{}:
		default:
		}
	}
}

// due returns how long it is until expire must look; less than 0: not before it
// is kicked.
func (s *sweeper) due() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.at.IsZero() {
		return -1
	}
	return max(time.Until(s.at), 0)
}

// expire removes sessions whose time is over until the Manager closes.
func (m *Manager) expire() {
	timer := time.NewTimer(0) // what an earlier process stored is due now
	defer timer.Stop()
	for {
		select {
		case <-m.done.Done():
			return
		case <-m.sweep.kick:
		case <-timer.C:
			m.expireDue()
		}
		timer.Stop()
		if d := m.sweep.due(); d >= 0 {
			timer.Reset(d)
		}
	}
}

// expireDue removes what is due, and plans when to look again.
func (m *Manager) expireDue() {
	m.sweep.mu.Lock()
	m.sweep.at = time.Time{}
	m.sweep.mu.Unlock()
	for {
		ctx, cancel := context.WithTimeout(m.done, storeTimeout)
		ids, next, err := m.store.Expire(ctx, expireBatch)
		cancel()
		m.expired.Add(uint64(len(ids)))
		for _, id := range ids {
			m.tell(Event{Kind: EventExpired, ID: id})
		}
		if len(ids) > 0 {
			m.log.Debug("sessions expired", "count", len(ids))
		}
		switch {
		case m.done.Err() != nil:
			return
		case err != nil:
			m.log.Warn("not all expired sessions could be removed; it is tried again in a minute", "err", err)
			m.sweep.expect(time.Minute)
			return
		case next > 0:
			m.sweep.expect(min(max(next, leastRest), mostRest))
			return
		}
	}
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package remoteapp

import (
	"cmp"
	"time"

	"github.com/sessionbridge/session"
)

// hold serves a writeable GET: the session's bytes, then a response that stays
// open until a PUT has committed, here or at another node.
func (x *exchange) hold() error {
	held, err := x.open(true, x.h.opts.GetHoldLimit)
	if err != nil {
		return err
	}
	defer x.release(held)
	if err := x.sendHeld(held, "\n"); err != nil {
		return x.unsent(err)
	}
	s := stay{x: x, held: held, arriving: func() bool { return false }}
	x.seen.Outcome = s.last(x.r.Context().Done(), x.h.opts.Heartbeat)
	return nil
}

// A stay is an exchange that is kept open, and what is known of its hold.
type stay struct {
	x        *exchange
	held     *session.Held
	arriving func() bool // whether a commit has begun to come in the exchange itself

	ended     string           // how, once the exchange may end
	lost      string           // outcomeLost once another writer has the session
	retry     <-chan time.Time // the store did not answer
	draining  <-chan struct{}  // a shutdown that has yet to be heard of
	pointless <-chan time.Time // when robbedGrace is over
}

// robbedGrace is how long a POST that has lost its hold may go on during a
// shutdown. Nothing tells a page that takes long from one that threw and left its
// stream open, as .NET does: those would each time use up the whole grace.
const robbedGrace = 10 * time.Second

// last keeps an exchange open until the peer is done or the server ends it, and
// returns how it ended. If another writer takes the session over, the exchange
// stays: its peer lives maybe, and may commit late. A GET ends when it has been
// committed, or its session has ended; a POST still has to be answered.
func (s *stay) last(peer <-chan struct{}, heartbeat time.Duration) string {
	x, held := s.x, s.held
	life := time.NewTimer(held.Item.Timeout)
	defer life.Stop()
	var beats <-chan time.Time
	if heartbeat > 0 {
		ticker := time.NewTicker(heartbeat)
		defer ticker.Stop()
		beats = ticker.C
	}
	for {
		select {
		case <-peer:
			return cmp.Or(s.lost, outcomeReleased)
		case <-x.h.broken.Done():
			return outcomeShutdown
		case <-s.draining:
			s.draining, s.pointless = nil, time.After(robbedGrace)
		case <-s.pointless:
			if !s.arriving() {
				return outcomeShutdown
			}
			s.pointless = nil // it has a time of its own
		case <-life.C:
			x.h.log.Warn("a session was held for as long as it lives; it is released",
				"session", session.HashID(held.Item.ID), "client", x.client.Name, "held", held.Item.Timeout)
			return outcomeExpired
		case <-beats:
			if err := x.send([]byte("\n")); err != nil {
				return cmp.Or(s.lost, outcomeReleased)
			}
		case <-held.Changed():
			s.look()
		case <-s.retry:
			s.look()
		}
		if s.ended != "" {
			return s.ended
		}
	}
}

// retryAfter is when a store that did not answer is asked again.
const retryAfter = time.Second

// look asks what has become of the hold. A store that does not answer leaves it
// as it was, for now.
func (s *stay) look() {
	standing, err := s.held.Standing(s.x.r.Context())
	s.retry = nil
	if err != nil {
		s.x.h.log.Warn("the store does not say whether a session is still held",
			"session", session.HashID(s.held.Item.ID), "client", s.x.client.Name, "err", err)
		s.retry = time.After(retryAfter)
	}
	detached := s.held.Item.Hold.Detached
	if standing == session.Lost && s.lost == "" {
		s.lost = outcomeLost
		countLost(s.x.r.Context())
		if !detached {
			s.draining = s.x.h.noMore.Done()
		}
	}
	switch {
	case standing == session.Committed && detached:
		s.ended = outcomeCommitted
	case standing == session.Over && !detached && s.lost != "":
		s.x.h.log.Warn("a page that had lost its hold can't be committed any more: the session has ended, or too many others have lost it since",
			"session", session.HashID(s.held.Item.ID), "client", s.x.client.Name)
	case standing == session.Over && detached: // its PUT ended the session, or somebody else did
		s.ended = cmp.Or(s.lost, outcomeCommitted)
	}
}

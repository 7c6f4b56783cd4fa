// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"fmt"
	"sync/atomic"
	"time"
)

// An Event tells an application what has become of a session, after it was
// stored: to clear away what it keeps beside it, say. Each is told by the node
// that did it, once: an expiry by the one that removed the session. Events that
// wait when the program dies are lost, so what must not be lost is not for them.
type Event struct {
	Kind EventKind
	Time time.Time

	// ID is the session's id, for the application owns its sessions and may have
	// to find what belongs to one. It is a credential: log HashID of it.
	ID string

	Old    string // EventRenewed: the id until then, which has ended; "" if nothing was ever stored under it
	Client string // the client that did it, or that lost its hold; "" for an expiry
}

// An EventKind is what has happened.
type EventKind int

// The kinds of events.
const (
	EventStarted   EventKind = iota + 1 // it was stored for the first time; EventCommitted follows
	EventCommitted                      // what a writer changed was stored
	EventRenewed                        // what a writer changed was stored under a new id; of a new session the last of three
	EventAbandoned                      // a writer ended it
	EventExpired                        // nobody had used it for its timeout, and it was removed
	EventHoldLost                       // a writer held it for too long, and another one has it
)

// String returns the kind as a word.
func (k EventKind) String() string {
	switch k {
	case EventStarted:
		return "started"
	case EventCommitted:
		return "committed"
	case EventRenewed:
		return "renewed"
	case EventAbandoned:
		return "abandoned"
	case EventExpired:
		return "expired"
	case EventHoldLost:
		return "hold lost"
	}
	return fmt.Sprintf("EventKind(%d)", int(k))
}

// events are those that wait to be told.
type events struct {
	queue   chan Event // nil: nobody wants to know
	dropped atomic.Uint64
}

// startEvents begins to tell events, if somebody wants to know.
func (m *Manager) startEvents() {
	if m.opts.OnEvent == nil {
		return
	}
	m.events.queue = make(chan Event, m.opts.EventQueue)
	m.chores.Go(m.tellEvents)
}

// tellEvents tells events until the Manager closes, and then those that wait.
func (m *Manager) tellEvents() {
	for {
		select {
		case e := <-m.events.queue:
			m.opts.OnEvent(e)
			continue
		case <-m.done.Done():
		}
		select {
		case e := <-m.events.queue:
			m.opts.OnEvent(e)
		default:
			return
		}
	}
}

// tell queues an event. It never waits.
func (m *Manager) tell(e Event) {
	if m.events.queue == nil {
		return
	}
	e.Time = time.Now()
	select {
	case m.events.queue <- e:
	default:
		m.events.dropped.Add(1)
	}
}

// tellStored tells that an item was stored.
func (m *Manager) tellStored(item Item) {
	if item.New {
		m.tell(Event{Kind: EventStarted, ID: item.ID, Client: item.Hold.Client})
	}
	m.tell(Event{Kind: EventCommitted, ID: item.ID, Client: item.Hold.Client})
}

// tellRenewed tells that an item was stored under another id. Under the one that a
// new one had nobody has heard of it.
func (m *Manager) tellRenewed(item Item, id string) {
	e := Event{Kind: EventRenewed, ID: id, Old: item.ID, Client: item.Hold.Client}
	if item.New {
		item.ID, e.Old = id, ""
		m.tellStored(item)
	}
	m.tell(e)
}

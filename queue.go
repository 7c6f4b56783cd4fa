// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"fmt"
	"sync"
)

// queues lets the writers of this node at each session in the order in which
// they came. Only the first of a queue asks the store, so a session that many
// want costs the store no more than one that two want.
type queues struct {
	maxWaiters, maxHolds int

	mu      sync.Mutex
	first   map[string]*place     // the head of each queue, by session id
	waiters int                   // places in all queues
	held    map[holdName]struct{} // the holds that exchanges of this node have
}

// A place is a writer's place in the queue of its session.
type place struct {
	id     string
	late   bool          // it is for a late commit
	turn   chan struct{} // closed when the place has become the first; nil if it was from the start
	next   *place
	length int   // of the queue; kept in its first place
	failed error // the store did not answer who was first; set before turn is closed
	gone   bool  // it is out of the queue
}

func (q *queues) init(maxWaiters, maxHolds int) {
	q.maxWaiters, q.maxHolds = maxWaiters, maxHolds
	q.first, q.held = make(map[string]*place), make(map[holdName]struct{})
}

// join puts a writer at the end of the queue.
func (q *queues) join(id string) (*place, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.waiters+len(q.held) >= q.maxHolds {
		return nil, &BusyError{Reason: fmt.Sprintf("%d sessions are held or waited for on this node, which is as many as may be (max_holds)", q.maxHolds)}
	}
	head := q.first[id]
	if head != nil && head.length >= q.maxWaiters {
		return nil, &BusyError{Reason: fmt.Sprintf("%d writers wait for it already, which is as many as may be (max_waiters)", q.maxWaiters)}
	}
	p := &place{id: id}
	if head == nil {
		q.begin(p)
		return p, nil
	}
	last := head
	for last.next != nil {
		last = last.next
	}
	q.insert(head, last, p)
	return p, nil
}

// joinLate puts a late commit into the queue: behind the first writer, which
// yields when it sees it, and other late commits, before all else. It has held
// the session already, so no bound applies.
func (q *queues) joinLate(id string) *place {
	q.mu.Lock()
	defer q.mu.Unlock()
	p := &place{id: id, late: true}
	head := q.first[id]
	if head == nil {
		q.begin(p)
		return p
	}
	q.insert(head, head.lastLate(), p)
	return p
}

// begin makes a queue of one. q.mu is held.
func (q *queues) begin(p *place) {
	p.length = 1
	q.first[p.id] = p
	q.waiters++
}

// insert puts p behind another place of the queue. q.mu is held.
func (q *queues) insert(head, before, p *place) {
	p.turn = make(chan struct{})
	p.next, before.next = before.next, p
	head.length++
	q.waiters++
}

// lastLate returns the last of the late commits that follow p, or p.
func (p *place) lastLate() *place {
	for p.next != nil && p.next.late {
		p = p.next
	}
	return p
}

// yield lets the late commits that wait right behind the first writer go before
// it. It reports whether there are any: the writer has to wait for p.turn then.
func (q *queues) yield(p *place) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if p.late || p.next == nil || !p.next.late {
		return false
	}
	head, last := p.next, p.lastLate()
	p.next, last.next = last.next, p
	head.length, p.turn = p.length, make(chan struct{})
	q.first[p.id] = head
	close(head.turn)
	return true
}

// leave takes a writer out of the queue, wherever it stands, and lets the next
// one go first if it was the first.
func (q *queues) leave(p *place) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if p.gone {
		return
	}
	p.gone = true
	q.waiters--
	head := q.first[p.id]
	if head != p {
		head.length--
		before := head
		for before.next != p {
			before = before.next
		}
		before.next = p.next
		return
	}
	if p.next == nil {
		delete(q.first, p.id)
		return
	}
	p.next.length = p.length - 1
	q.first[p.id] = p.next
	close(p.next.turn)
}

// fail sends away the first writer, whom the store did not answer, and those who
// wait behind it: each would ask in vain too, and as long, one after the other.
// Late commits stay and ask for themselves: what they have may not come again.
func (q *queues) fail(first *place, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.first[first.id] != first {
		return
	}
	var late []*place
	for p := first; p != nil; p = p.next {
		switch {
		case p != first && p.late:
			late = append(late, p)
			continue
		case p != first:
			p.failed = err
			close(p.turn)
		}
		p.gone = true
		q.waiters--
	}
	q.requeue(first.id, late)
}

// requeue makes a queue of places, the first of which begins. q.mu is held.
func (q *queues) requeue(id string, places []*place) {
	if len(places) == 0 {
		delete(q.first, id)
		return
	}
	for i, p := range places {
		p.next = nil
		if i > 0 {
			places[i-1].next = p
		}
	}
	places[0].length = len(places)
	q.first[id] = places[0]
	close(places[0].turn)
}

// failure is why a place that has become the first is none; nil if it is one.
func (q *queues) failure(p *place) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	return p.failed
}

// A holdName tells a hold from all others: a token is unlike those of its session
// only.
type holdName struct {
	id    string
	token uint64
}

// holdName is the name of the present hold.
func (it Item) holdName() holdName { return holdName{it.ID, it.Hold.Token} }

// hold notes a hold that an exchange of this node has. It must be noted before
// its place is left: one of this node that is not noted is nobody's.
func (q *queues) hold(name holdName) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.held[name] = struct{}{}
}

// drop forgets a hold that has ended or was lost.
func (q *queues) drop(name holdName) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.held, name)
}

// holds reports whether an exchange of this node has the hold.
func (q *queues) holds(name holdName) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	_, ok := q.held[name]
	return ok
}

func (q *queues) count() (holds, waiters int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.held), q.waiters
}

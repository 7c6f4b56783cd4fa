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
	first   map[string]*place // the head of each queue, by session id
	waiters int               // places in all queues
	holds   int
}

// A place is a writer's place in the queue of its session.
type place struct {
	id     string
	turn   chan struct{} // closed when the place has become the first; nil if it was from the start
	next   *place
	length int // of the queue; kept in its first place
}

func (q *queues) init(maxWaiters, maxHolds int) {
	q.maxWaiters, q.maxHolds = maxWaiters, maxHolds
	q.first = make(map[string]*place)
}

// join puts a writer at the end of the queue. first tells that it is its turn
// already; else it is when p.turn is closed.
func (q *queues) join(id string) (p *place, first bool, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.waiters+q.holds >= q.maxHolds {
		return nil, false, &BusyError{Reason: fmt.Sprintf("%d sessions are held or waited for on this node, which is as many as may be (max_holds)", q.maxHolds)}
	}
	p = &place{id: id}
	head := q.first[id]
	if head == nil {
		p.length = 1
		q.first[id] = p
		q.waiters++
		return p, true, nil
	}
	if head.length >= q.maxWaiters {
		return nil, false, &BusyError{Reason: fmt.Sprintf("%d writers wait for it already, which is as many as may be (max_waiters)", q.maxWaiters)}
	}
	p.turn = make(chan struct{})
	last := head
	for last.next != nil {
		last = last.next
	}
	last.next = p
	head.length++
	q.waiters++
	return p, false, nil
}

// leave takes a writer out of the queue, wherever it stands, and lets the next
// one go first if it was the first.
func (q *queues) leave(p *place) {
	q.mu.Lock()
	defer q.mu.Unlock()
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

// held counts a hold of this node, by 1 or -1.
func (q *queues) held(n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.holds += n
}

func (q *queues) count() (holds, waiters int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.holds, q.waiters
}

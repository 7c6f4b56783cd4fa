// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package torture

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/sessionbridge/session"
)

// timeout is that of all sessions: none expires while it is looked at.
const timeout = 20 * time.Minute

// client is the program whose pages hold sessions. What it leaves out it means to
// remove.
func client() session.Client { return session.Client{Name: "page", Replace: true} }

// A HoldDoor opens pages as a [session.Manager.Hold] of any node, and commits
// them at that node or at any other, as GET and PUT come to nodes.
type HoldDoor struct {
	Nodes *Nodes
	Limit time.Duration // of the holds
}

// Name implements [Door].
func (d *HoldDoor) Name() string { return "of holds" }

// Read implements [Door].
func (d *HoldDoor) Read(ctx context.Context, id string) (State, error) {
	item, err := d.Nodes.Any(rand.New(rand.NewPCG(rand.Uint64(), 0))).Manager.Read(ctx, id)
	if err != nil {
		return State{}, err
	}
	return Decode(item)
}

// Open implements [Door].
func (d *HoldDoor) Open(ctx context.Context, x Exchange) (Page, error) {
	r := rand.New(rand.NewPCG(uint64(x.Number), 1))
	held, err := d.Nodes.Any(r).Manager.Hold(ctx, session.HoldRequest{
		ID: x.Session, Client: client().Name, Trace: x.Trace(), Detached: true, Limit: d.Limit,
	})
	if err != nil {
		return nil, err
	}
	sent, err := Decode(held.Item)
	if err != nil {
		return nil, err
	}
	return &heldPage{d: d, x: x, rand: r, held: held, sent: sent}, nil
}

// A heldPage is one that a Manager holds a session for.
type heldPage struct {
	d    *HoldDoor
	x    Exchange
	rand *rand.Rand
	held *session.Held
	sent State
}

func (p *heldPage) Sent() State { return p.sent }

func (p *heldPage) Again() bool { return true }

// Commit commits at the page's own node or, as a PUT may, at any.
func (p *heldPage) Commit(ctx context.Context, c Change) error {
	u := session.Update{Client: client(), Items: c.Values.Encode(), Timeout: timeout, Abandoned: c.Abandon}
	if p.rand.IntN(2) == 0 {
		return p.held.Commit(ctx, u)
	}
	m := p.d.Nodes.Any(p.rand).Manager
	item, err := m.Find(ctx, p.x.Session, p.x.Trace(), client().Name)
	if err != nil {
		return err
	}
	return m.Commit(ctx, item, u)
}

func (p *heldPage) Release(ctx context.Context) error { return p.held.Release(ctx) }

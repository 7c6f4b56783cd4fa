// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package torture

import (
	"context"
	"math/rand/v2"

	"github.com/sessionbridge/session"
)

// A SourceDoor opens pages of any [session.Source]: a Manager of the same
// process, or a client of one elsewhere.
type SourceDoor struct {
	Kind string
	Any  func(*rand.Rand) session.Source // each page asks another one maybe
}

// LocalDoor opens pages of the nodes' own processes.
func LocalDoor(n *Nodes) *SourceDoor {
	return &SourceDoor{Kind: "of local pages", Any: func(r *rand.Rand) session.Source { return n.Any(r).Manager }}
}

// Name implements [Door].
func (d *SourceDoor) Name() string { return d.Kind }

// Read implements [Door].
func (d *SourceDoor) Read(ctx context.Context, id string) (State, error) {
	opened, err := d.Any(rand.New(rand.NewPCG(rand.Uint64(), 0))).Open(ctx, id, session.ReadOnly)
	if err != nil {
		return State{}, err
	}
	return stateOf(opened.Session()), nil
}

// Open implements [Door].
func (d *SourceDoor) Open(ctx context.Context, x Exchange) (Page, error) {
	source := d.Any(rand.New(rand.NewPCG(uint64(x.Number), 2)))
	ctx = session.ContextWithTrace(x.within(ctx), session.Trace{Parent: "00-" + x.Trace() + "-0000000000000001-00"})
	opened, err := source.Open(ctx, x.Session, session.Writable)
	if err != nil {
		return nil, err
	}
	return &openedPage{opened, stateOf(opened.Session())}, nil
}

func stateOf(s *session.Session) State { return StateOf(s.New(), s.Items()) }

// An openedPage is one that a Source opened a session for.
type openedPage struct {
	opened session.Opened
	sent   State
}

func (p *openedPage) Sent() State { return p.sent }

// Again says no: a second Commit returns what the first one did.
func (p *openedPage) Again() bool { return false }

func (p *openedPage) Commit(ctx context.Context, c Change) error {
	if err := p.change(c); err != nil {
		return err
	}
	return p.opened.Commit(ctx)
}

// change does to the session what the page wants to.
func (p *openedPage) change(c Change) error {
	s := p.opened.Session()
	if c.Abandon {
		return s.Abandon()
	}
	for _, key := range changed(p.sent.Values, c.Values) {
		value, kept := c.Values[key]
		if !kept {
			if err := s.Delete(key); err != nil {
				return err
			}
			continue
		}
		if err := s.SetRaw(key, []byte(value)); err != nil {
			return err
		}
	}
	return nil
}

func (p *openedPage) Release(ctx context.Context) error { return p.opened.Release(ctx) }

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"

	"github.com/sessionbridge/session"
)

// journalled is a source that writes down which writers have its sessions: the pages of
// the program that owns them, of which nothing crosses a wire.
type journalled struct {
	session.Source
	journal *journal
	who     string
}

// Open opens a session, and writes a writer down.
func (s journalled) Open(ctx context.Context, id string, mode session.Mode) (session.Opened, error) {
	if mode == session.ReadOnly {
		return s.Source.Open(ctx, id, mode)
	}
	f := fact{Kind: kindOwn, Who: s.who, Page: s.journal.pages.find(session.TraceFromContext(ctx).Parent)}
	if known, ok := session.ParseID(id); ok {
		f.Session = session.HashID(known)
	}
	e := s.journal.begin(f)
	opened, err := s.Source.Open(ctx, id, mode)
	if err != nil {
		e.end(outcomeFailed)
		return nil, err
	}
	e.grant(session.HashID(opened.Session().ID()))
	return &journalledOpened{opened, e}, nil
}

// A journalledOpened is a session that is open, with its entry.
type journalledOpened struct {
	session.Opened
	entry *entry
}

// Unwrap returns what it wraps, by which httpsession finds what that can do.
func (o *journalledOpened) Unwrap() session.Opened { return o.Opened }

// Commit commits it, and writes down how it ended.
func (o *journalledOpened) Commit(ctx context.Context) error {
	outcome := outcomeReleased
	if changes := o.Session().Changes(); changes.Any() {
		outcome = outcomeCommitted
	}
	err := o.Opened.Commit(ctx)
	if err != nil {
		outcome = outcomeFailed
	}
	o.entry.end(outcome)
	return err
}

// Release releases it.
func (o *journalledOpened) Release(ctx context.Context) error {
	err := o.Opened.Release(ctx)
	o.entry.end(outcomeReleased)
	return err
}

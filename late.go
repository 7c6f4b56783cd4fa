// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"context"
	"errors"
	"fmt"
)

// A ConflictError says that a commit came after its hold was lost, and that
// another writer has changed since what it changed too. The commit changed
// nothing. It is an [ErrLockLost].
type ConflictError struct {
	Keys []string // that both changed
}

func (e *ConflictError) Error() string {
	return fmt.Sprintf("session lock lost: another writer took the session over before this commit, and both changed %q", e.Keys)
}

// Is makes a ConflictError an ErrLockLost.
func (e *ConflictError) Is(target error) bool { return target == ErrLockLost }

// commitLate commits for an exchange whose hold was taken away: by a momentary
// hold, merged into what is stored by then. base is the item as the exchange was
// sent it. ErrLockLost if nothing is known of the lost hold any more: it has
// ended, or the session has.
func (m *Manager) commitLate(ctx context.Context, base Item, u Update) error {
	if u.Abandoned {
		return m.abandonLate(ctx, base)
	}
	if m.opts.RefuseLate {
		return errors.Join(ErrLockLost, m.giveUp(ctx, base))
	}
	for {
		err := m.tryLate(ctx, base, u)
		var conflict *ConflictError
		switch {
		case errors.As(err, &conflict):
			m.lateConflicts.Add(1)
			return errors.Join(err, m.giveUp(ctx, base))
		case !errors.Is(err, errStolenAgain):
			return err
		}
	}
}

// errStolenAgain: the momentary hold was lost too. What is known of the lost one
// is still there, so nothing is lost.
var errStolenAgain = errors.New("the hold of a late commit was lost")

// tryLate takes the momentary hold and commits, or gives the hold up. It goes
// first in the queue: its page is done, those of the others have not begun.
func (m *Manager) tryLate(ctx context.Context, base Item, u Update) error {
	w := writer{m: m, ctx: ctx, place: m.queues.joinLate(base.ID)}
	held, err := w.take(false, m.lateHold(base))
	if err != nil {
		return err
	}
	defer held.end()
	err = m.apply(ctx, base, held.Item, u)
	var conflict *ConflictError
	switch {
	case err == nil:
		m.lateCommits.Add(1)
		return nil
	case errors.Is(err, ErrLockLost) && !errors.As(err, &conflict): // this node stalled
		err = errStolenAgain
	}
	return errors.Join(err, m.giveUp(ctx, held.Item))
}

// lateHold is the hold for the late commit of an exchange. Its trace and client
// are those of the exchange, so that a second commit is known for what it is.
func (m *Manager) lateHold(base Item) Hold {
	lost := base.Hold
	return Hold{Node: m.opts.Node, Client: lost.Client, Trace: lost.Trace, Detached: lost.Detached, Limit: commitTimeout, Late: lost.Token}
}

// abandonLate ends a session for an exchange whose hold was taken away. It waits
// for nobody: whoever holds the session now can't commit it any more.
func (m *Manager) abandonLate(ctx context.Context, base Item) error {
	w := writer{m: m, ctx: ctx}
	var steal Hold
	for {
		item, err := w.ask(base.ID, LockOptions{Hold: m.lateHold(base), Steal: steal.Token, Timeout: m.opts.Timeout})
		var locked *LockedError
		if errors.As(err, &locked) {
			steal = locked.Hold
			continue
		}
		if err != nil {
			return err
		}
		err = m.remove(ctx, item)
		if errors.Is(err, ErrLockLost) {
			continue
		}
		if err != nil {
			return errors.Join(err, m.giveUp(ctx, item))
		}
		m.lateCommits.Add(1)
		if steal.Token != 0 {
			m.log.Warn("a session was ended by a page that had lost its hold, while another writer held it; what that one commits now is refused",
				"session", HashID(base.ID), "client", base.Hold.Client, "holder", steal.Client, "node", steal.Node)
		}
		return nil
	}
}

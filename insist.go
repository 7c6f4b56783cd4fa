// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// commitTimeout bounds how long the store is asked to do one commit. Microsoft's
// client gives up after twice that.
const commitTimeout = 30 * time.Second

// A store that did not answer is asked again after firstRetry, then after longer
// and longer times up to lastRetry.
const (
	firstRetry = 20 * time.Millisecond
	lastRetry  = time.Second
)

// insist asks the store to end the hold of an item as committed, until it has
// answered. An answer that was lost is found out, so that nothing is done twice
// and nothing is reported lost that was stored. ErrNotFound if the session is
// gone: it was deleted, maybe by this very call.
func (m *Manager) insist(ctx context.Context, item Item, ask func(context.Context) error) error {
	err := once(ctx, ask)
	if err == nil || isAnswer(err) {
		return err
	}
	m.log.Warn("the store did not answer a commit; it is asked what has become of it", "session", HashID(item.ID), "err", err)
	bounded := within(ctx, commitTimeout)
	defer bounded.end()
	for pause := firstRetry; ; pause = min(2*pause, lastRetry) {
		if !m.rest(bounded, pause) {
			m.orphans.add(item.ID)
			return fmt.Errorf("%w: %w", ErrCommitUnknown, err)
		}
		again := once(bounded, func(ctx context.Context) error { return m.askAgain(ctx, item, ask) })
		if again == nil || isAnswer(again) || errors.Is(again, ErrCommitUnknown) {
			return again
		}
		err = again
	}
}

// rest waits for a while. It reports false if the context is done before that,
// or the Manager closes.
func (m *Manager) rest(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
	case <-m.done.Done():
	}
	return false
}

// once calls the store, for no longer than it may take to answer.
func once(ctx context.Context, ask func(context.Context) error) error {
	bounded := within(ctx, storeTimeout)
	defer bounded.end()
	return ask(bounded)
}

// askAgain finds out what has become of a hold that the store was asked to end,
// and asks again if it was not done.
func (m *Manager) askAgain(ctx context.Context, item Item, ask func(context.Context) error) error {
	err := m.became(ctx, item)
	if !errors.Is(err, errStillHeld) && !errors.Is(err, ErrLockLost) {
		return err
	}
	err = ask(ctx) // of a lost hold too: what changes nothing can still be said of it
	switch {
	case errors.Is(err, ErrLockLost): // it is lost, or what was asked before came late, but first
		return m.became(ctx, item)
	case errors.Is(err, ErrFull), errors.Is(err, ErrDamaged): // what was asked before may still come, and fit, or was done
		return fmt.Errorf("%w: %w", ErrCommitUnknown, err)
	}
	return err
}

// errStillHeld: the store has not done yet what it was asked to.
var errStillHeld = errors.New("the session is still held")

// became tells what has become of the hold of an item that the store was asked to
// end as committed: nil if it was, ErrLockLost if another writer has taken it.
func (m *Manager) became(ctx context.Context, item Item) error {
	mine := item.Hold.Token
	now, err := m.store.Get(ctx, item.ID, GetOptions{})
	switch {
	case errors.Is(err, ErrDamaged):
		return fmt.Errorf("%w: %w", ErrCommitUnknown, err)
	case err != nil:
		return err
	case now.Hold.Token == mine:
		return errStillHeld
	case now.Committed.Token == mine:
		return nil
	case slices.ContainsFunc(now.Lost, func(h Hold) bool { return h.Token == mine }):
		return ErrLockLost
	}
	// It has ended, and others have committed since; or the session was deleted
	// and begun anew.
	return ErrCommitUnknown
}

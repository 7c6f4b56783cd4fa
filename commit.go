// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sessionbridge/session/wire"
)

// A Client is a program that sends whole sessions back, as the Manager knows
// it: which keys are its business, and what it means if it leaves one out.
type Client struct {
	Name    string
	Scope   wire.Scope // the keys it sees and may change; undeclared: all
	Replace bool       // what it leaves out is removed; else only what it has ever sent. A declared scope decides alone
}

// An Update is what a client sends back of a session that it held.
type Update struct {
	Client    Client
	Items     []byte        // items form of package wire
	Timeout   time.Duration // the session's from now on
	Abandoned bool          // the session ends; the rest is ignored
}

// Find returns the session that an exchange of this client holds, on any node,
// for a commit that comes in a request of its own: the one with the same trace
// id, or without a trace id the only one. ErrNoHold if there is none; ErrLockLost
// if that exchange has committed already or has lost the session.
func (m *Manager) Find(ctx context.Context, id, trace, client string) (Item, error) {
	id, ok := ParseID(id)
	if !ok {
		return Item{}, ErrNoHold
	}
	item, err := m.store.Get(ctx, id, GetOptions{})
	if errors.Is(err, ErrNotFound) {
		return Item{}, ErrNoHold
	}
	if err != nil {
		return Item{}, err
	}
	if item.New {
		item.Timeout = m.opts.Timeout
	}
	return item, matchHold(item, trace, client)
}

// matchHold returns nil if the item's present hold is the one that a detached
// commit belongs to: that of the same trace or, for a commit without a trace, the
// only one that is open. Of several none is: a guess could overwrite what another
// page wrote.
func matchHold(item Item, trace, client string) error {
	mine := func(h Hold) bool {
		return h.Token != 0 && h.Detached && h.Client == client && (trace == "" || h.Trace == trace)
	}
	// What was lost longer ago than a session lives belongs to no exchange that
	// is still open, whatever has become of its node.
	lost := slices.ContainsFunc(item.Lost, func(h Hold) bool { return mine(h) && h.Age <= item.Timeout })
	switch {
	case mine(item.Hold) && !lost:
		return nil
	case mine(item.Hold):
		return ErrNoHold
	case lost, trace != "" && mine(item.Committed):
		return ErrLockLost
	}
	return ErrNoHold
}

// Commit merges an update into a session that is held, as Hold or Find returned
// it, stores it and ends the hold. ErrLockLost if that hold has ended meanwhile.
// After an error nothing has changed, unless it is one of the store's own: then
// the store may have done what it did not answer.
func (m *Manager) Commit(ctx context.Context, item Item, u Update) error {
	if u.Abandoned {
		return m.store.Delete(ctx, item.ID, item.Hold.Token)
	}
	if err := CheckTimeout(u.Timeout); err != nil {
		return err
	}
	merged, err := m.merge(ctx, item, u)
	if err != nil {
		return err
	}
	if !merged.Changed && !item.New && u.Timeout == item.Timeout {
		return m.unlock(ctx, item, UnlockOptions{Committed: true})
	}
	return m.put(ctx, item, merged.Data, u.Timeout)
}

// merge applies an update to the data of an item. Nobody but the holder can
// have changed them since it was sent them, so they are base and current.
func (m *Manager) merge(ctx context.Context, item Item, u Update) (wire.Merged, error) {
	base := item.Data
	if item.New {
		base = emptyItems
	}
	o := wire.MergeOptions{Scope: u.Client.Scope, Replace: u.Client.Replace}
	var sent *sentKeys
	if !o.Replace && !o.Scope.Declared() {
		var err error
		if sent, err = m.learned.sent(ctx, m.store, u.Client.Name, u.Items); err != nil {
			return wire.Merged{}, err
		}
		o.Sent = sent.has
	}
	merged, err := wire.Merge(base, u.Items, base, o)
	if err != nil {
		return wire.Merged{}, err
	}
	m.noteMerge(item.ID, u, merged, sent)
	return merged, nil
}

// emptyItems is the items form of a session without keys.
var emptyItems = wire.AppendItems(nil, nil, nil)

// noteMerge logs what an operator may be asked about: keys that went because a
// client could not write them, and changes that were not made.
func (m *Manager) noteMerge(id string, u Update, merged wire.Merged, sent *sentKeys) {
	log := m.log.With("session", HashID(id), "client", u.Client.Name)
	if len(merged.Unwritable) > 0 {
		log.Warn("keys were removed: the client sent them back without a value, as it does with null or a wrong type in a key whose type has no null",
			"keys", merged.Unwritable)
	}
	if outside := outsideScope(u); len(outside) > 0 {
		log.Warn("keys were not stored: the client sent keys that its scope does not declare", "keys", outside, "scope", u.Client.Scope.String())
	}
	if len(merged.Kept) > 0 && sent != nil && sent.none() {
		log.Warn("keys were kept that the client left out: it has never sent any key, so it can't be told whether it meant to remove them; a scope would tell",
			"keys", merged.Kept)
	}
}

// outsideScope returns the keys of an update that its client may not touch.
func outsideScope(u Update) []string {
	if !u.Client.Scope.Declared() {
		return nil
	}
	var outside []string
	for items := wire.Scan(u.Items); items.Next(); {
		if !u.Client.Scope.ContainsBytes(items.Key()) {
			outside = append(outside, string(items.Key()))
		}
	}
	return outside
}

// put stores data that are within the limits and ends the hold.
func (m *Manager) put(ctx context.Context, item Item, data []byte, timeout time.Duration) error {
	if _, err := wire.CheckItems(data, m.opts.Limits); err != nil {
		return fmt.Errorf("the session as it would be stored: %w", err)
	}
	if err := m.store.Put(ctx, item.ID, item.Hold.Token, data, PutOptions{Timeout: timeout}); err != nil {
		return err
	}
	m.sweep.expect(timeout)
	return nil
}

// unlock ends a hold and leaves the data as they are.
func (m *Manager) unlock(ctx context.Context, item Item, o UnlockOptions) error {
	m.sweep.expect(item.Timeout) // while it was held it could not expire
	return m.store.Unlock(ctx, item.ID, item.Hold.Token, o)
}

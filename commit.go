// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"context"
	"errors"
	"fmt"
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

	exact bool // Items are what is to be stored, if nobody else has changed the session: their writer reformats nothing
}

// Find returns the session that an exchange of this client holds, on any node,
// for a commit that comes in a request of its own: the one with the same trace
// id, or without a trace id the only one. If that hold was lost, the session is
// as the exchange was sent it. ErrNoHold if there is none; ErrLockLost if that
// exchange has committed already.
func (m *Manager) Find(ctx context.Context, id, trace, client string) (Item, error) {
	id, ok := ParseID(id)
	if !ok {
		return Item{}, ErrNoHold
	}
	ask := within(ctx, storeTimeout)
	defer ask.end()
	item, err := m.store.Get(ask, id, GetOptions{})
	if errors.Is(err, ErrNotFound) {
		return Item{}, ErrNoHold
	}
	if err != nil {
		return Item{}, err
	}
	hold, err := matchHold(item, trace, client)
	if err != nil || hold.Token == item.Hold.Token {
		return item, err
	}
	return m.store.Base(ask, id, hold.Token)
}

// An AmbiguousError says that a commit could belong to any of several exchanges of
// its client, and that a guess could overwrite what another page wrote. The commit
// changed nothing. It is an [ErrNoHold].
type AmbiguousError struct {
	Open   int  // exchanges
	Traced bool // they have one trace id; else the commit has none
}

func (e *AmbiguousError) Error() string {
	if e.Traced {
		return fmt.Sprintf("no open session for this commit: %d exchanges with its trace id are open, and it can't be told which one it belongs to", e.Open)
	}
	return fmt.Sprintf("no open session for this commit: it has no trace id, %d exchanges are open, and it can't be told which one it belongs to", e.Open)
}

// Is makes an AmbiguousError an ErrNoHold.
func (e *AmbiguousError) Is(target error) bool { return target == ErrNoHold }

// matchHold returns the hold, maybe a lost one, that a detached commit belongs
// to: that of the same trace or, for a commit without a trace, the only one that
// is open. Of several none is: a guess could overwrite what another page wrote.
func matchHold(item Item, trace, client string) (Hold, error) {
	mine := func(h Hold) bool {
		return h.Token != 0 && h.Detached && h.Client == client && (trace == "" || h.Trace == trace)
	}
	// That of a late commit is no open exchange, whether it is the present hold
	// or was lost too: only the lost one that it was taken for is.
	opens := func(h Hold) bool { return h.Late == 0 && mine(h) }
	var open []Hold
	for _, lost := range item.Lost {
		// What was lost longer ago than a session lives belongs to no exchange
		// that is still open, whatever has become of its node.
		if opens(lost) && lost.Age <= item.Timeout {
			open = append(open, lost)
		}
	}
	if opens(item.Hold) {
		open = append(open, item.Hold)
	}
	switch {
	case len(open) == 1:
		return open[0], nil
	case len(open) > 1:
		return Hold{}, &AmbiguousError{Open: len(open), Traced: trace != ""}
	case trace != "" && mine(item.Committed):
		return Hold{}, ErrLockLost
	}
	return Hold{}, ErrNoHold
}

// Commit merges an update into a session, stores it and ends the hold. The item
// is as Hold or Find returned it. What was lost meanwhile is committed late: when
// the session is free, and if nobody else has changed what the update changes;
// see [ManagerOptions.RefuseLate]. The end of a session is late as soon as it is
// asked for, and whoever holds it.
//
// ErrLockLost if the hold has ended, or the session has; a *ConflictError names
// the keys that somebody else changed too; *BusyError if a late commit could not
// be made in time; ErrFull. After these nothing has changed. ErrCommitUnknown if
// the store did not say in time whether it did it. A context that ends breaks off
// the wait of a late commit, and not what the store was asked to do.
func (m *Manager) Commit(ctx context.Context, item Item, u Update) (err error) {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	m.underway.begin(item.holdName())
	err = ErrPanicked
	defer func() { // also if the store panics
		if left := m.underway.end(item.holdName()); left && err != nil {
			err = errors.Join(err, m.giveUp(ctx, item))
		}
	}()
	return m.commit(ctx, item, u)
}

// commit commits while the hold is still there, or else late.
func (m *Manager) commit(ctx context.Context, item Item, u Update) (err error) {
	if u.Abandoned {
		err = m.remove(ctx, item)
	} else if err = CheckTimeout(u.Timeout); err == nil {
		err = m.apply(ctx, item, item, u)
	}
	if errors.Is(err, ErrLockLost) {
		return m.commitLate(ctx, item, u)
	}
	return err
}

// apply merges an update that was made of base into an item that is held, stores
// it and ends the hold.
func (m *Manager) apply(ctx context.Context, base, item Item, u Update) error {
	merged, sent, err := m.merge(ctx, base, item, u)
	if err != nil {
		return err
	}
	timeout := u.Timeout
	if timeout == base.Timeout && !item.New { // somebody else may have changed it
		timeout = item.Timeout
	}
	if !merged.Changed && !item.New && timeout == item.Timeout {
		m.sweep.expect(item.Timeout) // Unlock slides the expiry
		err = m.insist(ctx, item, func(ctx context.Context) error {
			return m.store.Unlock(ctx, item.ID, item.Hold.Token, UnlockOptions{Committed: true})
		})
	} else {
		err = m.put(ctx, item, merged.Data, timeout)
	}
	if err == nil {
		m.noteMerge(item.ID, u, merged, sent)
	}
	return err
}

// remove ends a session that is held.
func (m *Manager) remove(ctx context.Context, item Item) error {
	err := m.insist(ctx, item, func(ctx context.Context) error {
		return m.store.Delete(ctx, item.ID, item.Hold.Token)
	})
	if errors.Is(err, ErrNotFound) { // it was done, and only the answer was lost
		err = nil
	}
	if err == nil && !item.New {
		m.tell(Event{Kind: EventAbandoned, ID: item.ID, Client: item.Hold.Client})
	}
	return err
}

// merge applies to the data of an item what an update changed of base. They are
// the same unless the hold that base was sent with has been lost. sent is nil if
// it does not matter which keys the client has ever sent.
func (m *Manager) merge(ctx context.Context, base, item Item, u Update) (_ wire.Merged, sent *sentKeys, _ error) {
	if u.exact && base.Hold.Token == item.Hold.Token {
		return wire.Merged{Data: u.Items, Changed: true}, nil, nil
	}
	o := wire.MergeOptions{Scope: u.Client.Scope, Replace: u.Client.Replace, LastWins: m.opts.LastWins}
	if !o.Replace && !o.Scope.Declared() {
		var err error
		if sent, err = m.learned.sent(ctx, m.store, u.Client.Name, u.Items); err != nil {
			return wire.Merged{}, nil, err
		}
		o.Sent = sent.has
	}
	merged, err := wire.Merge(base.items(), u.Items, item.items(), o)
	if err == nil && sent != nil && len(merged.Kept) > 0 {
		// What the client left out it may have sent to another node, or before this
		// one began: only the store knows.
		if err = m.learned.refresh(ctx, m.store, u.Client.Name); err == nil {
			merged, err = wire.Merge(base.items(), u.Items, item.items(), o)
		}
	}
	if err != nil {
		return wire.Merged{}, nil, err
	}
	if len(merged.Conflicts) > 0 {
		return wire.Merged{}, nil, &ConflictError{Keys: merged.Conflicts}
	}
	return merged, sent, nil
}

// items returns the data of an item in items form, also if it is New.
func (it Item) items() []byte {
	if it.New {
		return emptyItems
	}
	return it.Data
}

// emptyItems is the items form of a session without keys.
var emptyItems = wire.AppendItems(nil, nil, nil)

// noteMerge logs what an operator may be asked about: keys that went because a
// client could not write them, and changes that were not made.
func (m *Manager) noteMerge(id string, u Update, merged wire.Merged, sent *sentKeys) {
	warn := func(message string, facts ...any) {
		m.log.With("session", HashID(id), "client", u.Client.Name).Warn(message, facts...)
	}
	if len(merged.Unwritable) > 0 {
		warn("keys were removed: the client sent them back without a value, as it does with null or a wrong type in a key whose type has no null",
			"keys", merged.Unwritable)
	}
	if outside := outsideScope(u); len(outside) > 0 {
		warn("keys were not stored: the client sent keys that its scope does not declare", "keys", outside, "scope", u.Client.Scope.String())
	}
	if len(merged.Kept) > 0 && sent != nil && sent.none() {
		warn("keys were kept that the client left out: it has never sent any key, so it can't be told whether it meant to remove them; a scope would tell",
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
	err := m.insist(ctx, item, func(ctx context.Context) error {
		return m.store.Put(ctx, item.ID, item.Hold.Token, data, PutOptions{Timeout: timeout})
	})
	switch {
	case errors.Is(err, ErrNotFound): // somebody has ended it since
		return ErrCommitUnknown
	case err == nil:
		m.sweep.expect(timeout)
		m.tellStored(item)
	}
	return err
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"context"
	"math"
	"time"
)

// Never is what [Store.Expire] answers where there is no item.
const Never = time.Duration(math.MaxInt64)

// A Store keeps items by session id and grants holds on them. It compares and
// sets; it never waits for a hold, and what the data mean is none of its
// business. Package storetest checks an implementation against this contract.
//
// Every method is atomic per id and safe for concurrent use. Each returns the
// context's error, and changes nothing, if the context is done when it is
// called. Times are those of the store's own clock. Bytes that a Store returns
// are read-only and stay as they are; bytes that are passed to it are not kept
// beyond the call.
//
// An item expires when its timeout has passed since its expiry was last slid.
// Lock, Put and Unlock slide it, Get does if asked to. An item that is held does
// not expire while the node of its hold is alive (Beat); a node that has never
// beaten is not. An expired item is not found, whether Expire has removed it yet
// or not, unless the node of its hold beats again before it is removed.
//
// The errors that the methods name tell what was done, and so does ErrDamaged, of
// any of them: what is stored can't be read. After any other one, such
// as that of a connection, it is open whether the store did what it was asked:
// Get tells.
//
// A hold that is stolen is lost, but its exchange may commit late: by a hold of
// its own, granted for that (Hold.Late), with the state that it lost as what it
// changed (Base). An item keeps what it knows of a lost hold until that hold is
// unlocked or is committed late. When a Lock is granted, the item forgets those
// lost holds that are older than its timeout, but for the one that is stolen and
// the one that the new hold is Late for; of many it may forget the oldest.
type Store interface {
	// Get returns the item of an id with its present hold. An id that has
	// nothing stored yet, but is held or has lost holds, is an item too, with
	// New set. ErrNotFound if there is neither.
	Get(ctx context.Context, id string, o GetOptions) (Item, error)

	// Lock grants a hold if the session is free, or if the token of its
	// present hold is o.Steal; else the error is a *LockedError that tells the
	// holder. It answers the item as Get does, with the new hold in it. An id
	// that has no item can be held: the item is New then, with o.Timeout.
	//
	// The token of a new hold is larger than any that was granted on the id
	// before, also before it was deleted and before a restart of the store.
	// A hold that is stolen moves to Item.Lost. If o.Hold.Late is set but no
	// lost hold has this token, the error is ErrLockLost, whoever holds the
	// session.
	Lock(ctx context.Context, id string, o LockOptions) (Item, error)

	// Base returns the item as it was when the hold with this token was stolen,
	// with that hold in it: what its exchange was sent. Lost and Committed are
	// left out. ErrLockLost if no lost hold has this token.
	Base(ctx context.Context, id string, token uint64) (Item, error)

	// Put stores data and the timeout and ends the hold. Token 0 means that
	// nobody may hold the session: it is a *LockedError if somebody does. Any
	// other token must be that of the present hold, else the error is
	// ErrLockLost. ErrFull if there is no room; the hold remains.
	Put(ctx context.Context, id string, token uint64, data []byte, o PutOptions) error

	// Delete removes the item, its hold and all that is known of former ones;
	// tokens as with Put. With token 0 it is no error if there is no item.
	Delete(ctx context.Context, id string, token uint64) error

	// Unlock ends the present hold, or a lost one, and leaves the data as they
	// are. An item that is still New vanishes with the last of them. ErrLockLost
	// if the token is that of neither (0 never is).
	Unlock(ctx context.Context, id string, token uint64, o UnlockOptions) error

	// Watch signals on the channel after each end of a hold, lost ones too, and
	// each change of data of the id, from any node, that comes after Watch has
	// returned. Signals that are not received in time become one; some may be
	// for nothing. It ends with stop, which may be called more than once, and
	// not with the context; the channel is never closed.
	Watch(ctx context.Context, id string) (changed <-chan struct{}, stop func(), err error)

	// Beat keeps a node alive for ttl from now, whatever an earlier ttl was,
	// and returns the nodes that are alive, this one included.
	Beat(ctx context.Context, node string, ttl time.Duration) (live []string, err error)

	// Expire removes at most limit items that have expired and returns the ids
	// of those that were stored, each to one caller only. next is when to call
	// again: 0 if more may have expired already, Never if there is no item. Who
	// obeys it removes each item that is there now as soon as it expires, but one
	// that was held beyond its timeout maybe later, by its timeout or a minute,
	// whichever is less. Expire finds items by an index: those that are not due
	// cost nothing, and all that are held beyond a like timeout cost one call in
	// that time.
	Expire(ctx context.Context, limit int) (ids []string, next time.Duration, err error)

	// Learn adds keys to those that a client is known to have sent and returns
	// all of them, in any order. Keys compare without case, as wire.EqualKeys has
	// it. A store may bound what it learns of a client: a key that it does not
	// know, the client can't remove by leaving it out.
	Learn(ctx context.Context, client string, keys []string) (all []string, err error)

	// Close gives up what the store holds open. No other call may be under
	// way, and none may follow.
	Close() error
}

// An Item is what a [Store] knows of one session.
type Item struct {
	ID      string
	New     bool          // nothing is stored: the id is only held
	Data    []byte        // items form of package wire; none from a Store if New
	Timeout time.Duration // idle time until it expires

	Hold      Hold   // the present hold; its Token is 0 if the session is free
	Lost      []Hold // holds that were stolen and whose exchanges may still commit late, oldest first
	Committed Hold   // the last hold that was ended by Put, or by Unlock as committed; Token 0 if there is none
}

// A Hold is the right to change a session: one writer has it at a time.
type Hold struct {
	Token    uint64        // given by the store; rises for ever
	Node     string        // the Manager that took it
	Client   string        // the name of the client it was taken for
	Trace    string        // W3C trace id of the exchange, if it has one
	Detached bool          // the commit comes in a request of its own, to any node (GET + PUT)
	Limit    time.Duration // how old it may become while another writer waits; 0 means as old as it likes
	Late     uint64        // token of the lost hold that it commits for; 0: it is that of a page. Its end by Put, or by Unlock as committed, ends the lost one too
	Losses   int           // given by the store: how many holds were lost in a row before it, with nothing committed since
	Age      time.Duration // at the time of the answer, by the store's clock
}

// GetOptions say how [Store.Get] reads.
type GetOptions struct {
	Touch bool // slide the expiry, in the same round trip
}

// LockOptions say what hold is wanted.
type LockOptions struct {
	Hold    Hold          // as it is to be stored; Token, Losses and Age are the store's to set
	Steal   uint64        // token of the hold that may be taken away; 0 for none
	Timeout time.Duration // of the item if it is New, by which it expires like any other; more than 0
}

// PutOptions say how [Store.Put] stores.
type PutOptions struct {
	Timeout time.Duration // the item's idle timeout; more than 0
}

// UnlockOptions say how a hold ends.
type UnlockOptions struct {
	Committed bool // its exchange is complete, it just had nothing to change
}

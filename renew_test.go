// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package session_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/memstore"
)

// renewed opens the test's session, changes it, and gives it a new id.
func renewed(t *testing.T, source session.Source) session.Opened {
	t.Helper()
	opened, err := source.Open(t.Context(), testID, session.Writable)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { opened.Release(context.Background()) })
	must(t, addUnread(opened.Session()))
	must(t, session.Renew(opened))
	must(t, session.Renew(opened)) // once more is the same
	return opened
}

// storedAt returns what is stored under an id, or "nothing".
func storedAt(t *testing.T, m *session.Manager, id string) string {
	t.Helper()
	item, err := m.Read(t.Context(), id)
	must(t, err)
	if item.New {
		return "nothing"
	}
	return text(t, item.Data) + " for " + item.Timeout.String()
}

func TestRenewedSessionHasANewIDAndTheSameData(t *testing.T) {
	for name, wrap := range map[string]func(session.Source) session.Source{
		"Manager":     func(s session.Source) session.Source { return s },
		"LockOnWrite": session.LockOnWrite,
	} {
		t.Run(name, func(t *testing.T) {
			m := newManager(t, newStore(t), session.ManagerOptions{})
			mustCommit(t, mustHold(t, m, 0), update(shop, "unread", "1", "foreign", `{ "a": 1 }`))
			opened := renewed(t, wrap(m))
			must(t, opened.Session().SetTimeout(time.Hour))
			if got := opened.Session().ID(); got != testID {
				t.Errorf("before the commit the id is %q", got)
			}
			must(t, opened.Commit(t.Context()))
			id := opened.Session().ID()
			if _, ok := session.ParseID(id); !ok || id == testID {
				t.Errorf("the id is %q", id)
			}
			if got := storedAt(t, m, id); got != `unread=2 foreign={ "a": 1 } for 1h0m0s` {
				t.Errorf("under the new id is %s", got)
			}
			if got := storedAt(t, m, testID); got != "nothing" {
				t.Errorf("under the old id is %s", got)
			}
			nothingHeld(t, m)
		})
	}
}

func TestRenewOfANewSession(t *testing.T) {
	m := newManager(t, newStore(t), session.ManagerOptions{})
	opened := renewed(t, m) // with an id that the browser brought: nobody knows who planted it
	must(t, opened.Commit(t.Context()))
	if got := storedAt(t, m, opened.Session().ID()); got != "unread=1 for 20m0s" {
		t.Errorf("under the new id is %s", got)
	}
	if got := storedAt(t, m, testID); got != "nothing" {
		t.Errorf("under the old id is %s", got)
	}
}

func TestNothingIsRenewedWithoutACommit(t *testing.T) {
	store := &copies{Store: newStore(t)}
	m := newManager(t, store, session.ManagerOptions{})
	storeUnread(t, m, 1)
	opened := renewed(t, m)
	must(t, opened.Release(t.Context()))
	abandoned := renewed(t, m)
	must(t, abandoned.Session().Abandon())
	if got := storedAt(t, m, testID); got != "unread=1 for 20m0s" {
		t.Errorf("under the old id is %s", got)
	}
	must(t, abandoned.Commit(t.Context()))
	if got := storedAt(t, m, testID); got != "nothing" {
		t.Errorf("after the end there is %s", got)
	}
	if store.id != "" {
		t.Errorf("a copy of a session that has ended is stored: %s", storedAt(t, m, store.id))
	}
}

func TestRenewWhereItCanNotBe(t *testing.T) {
	m := newManager(t, newStore(t), session.ManagerOptions{})
	reader, err := m.Open(t.Context(), testID, session.ReadOnly)
	must(t, err)
	if err := session.Renew(reader); !errors.Is(err, session.ErrReadOnly) {
		t.Errorf("read-only: got %v", err)
	}
	opened, err := (&failing{Source: m}).Open(t.Context(), testID, session.Writable)
	must(t, err)
	if err := session.Renew(opened); !errors.Is(err, session.ErrNotRenewable) {
		t.Errorf("another source: got %v", err)
	}
	over := errors.New("over")
	opened.Session().Seal(over)
	if err := session.Renew(opened); err != over {
		t.Errorf("sealed: got %v", err)
	}
	must(t, opened.Release(t.Context()))
	ended, err := m.Open(t.Context(), testID, session.Writable)
	must(t, err)
	must(t, ended.Commit(t.Context()))
	if err := session.Renew(ended); err == nil {
		t.Error("a session that has ended is renewed")
	}
}

func TestRenewAfterTheHoldWasLostChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &copies{Store: newStore(t)}
		m := newManager(t, store, session.ManagerOptions{HoldLimit: time.Second})
		storeUnread(t, m, 1)
		opened := renewed(t, m)
		must(t, session.Do(t.Context(), m, testID, addUnread)) // takes it after a second
		if err := opened.Commit(t.Context()); !errors.Is(err, session.ErrLockLost) {
			t.Errorf("got %v, want ErrLockLost", err)
		}
		if got := storedAt(t, m, testID); got != "unread=2 for 20m0s" {
			t.Errorf("under the old id is %s", got)
		}
		if got := storedAt(t, m, store.id); store.id == "" || got != "nothing" {
			t.Errorf("under the new id %q is %s", store.id, got)
		}
		if opened.Session().ID() != testID {
			t.Error("the session has the new id")
		}
		nothingHeld(t, m)
	})
}

// copies is a store that notes the id of a copy, and dies when it is told to.
type copies struct {
	session.Store
	id        string
	put, kill error // what the Put of a copy, and the Delete of what is held, fail with
	done      bool  // though it is done
}

func (c *copies) Put(ctx context.Context, id string, token uint64, data []byte, o session.PutOptions) error {
	if token == 0 {
		c.id = id
		if c.put != nil {
			if c.done {
				_ = c.Store.Put(ctx, id, token, data, o)
			}
			return c.put
		}
	}
	return c.Store.Put(ctx, id, token, data, o)
}

func (c *copies) Delete(ctx context.Context, id string, token uint64) error {
	if token != 0 && c.kill != nil {
		if c.done {
			_ = c.Store.Delete(ctx, id, token)
		}
		return c.kill
	}
	return c.Store.Delete(ctx, id, token)
}

// TestRenewWhereTheStoreFails lets the store fail between the two steps: the
// browser has one id or the other, and under that is everything.
func TestRenewWhereTheStoreFails(t *testing.T) {
	broken := errors.New("connection reset")
	for _, test := range []struct {
		name  string
		store copies
		err   error
		old   string // what is under the old id then
		new   string
	}{
		{"no room", copies{put: session.ErrFull}, session.ErrFull, "unread=1 for 20m0s", "nothing"},
		{"no answer to the copy", copies{put: broken}, broken, "unread=1 for 20m0s", "nothing"},
		{"no answer to the copy, which is done", copies{put: broken, done: true}, broken, "unread=1 for 20m0s", "nothing"},
		{"no answer to the end", copies{kill: broken}, nil, "unread=1 for 20m0s", "unread=2 for 20m0s"},
		{"no answer to the end, which is done", copies{kill: broken, done: true}, nil, "nothing", "unread=2 for 20m0s"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				mem, err := memstore.New(memstore.Options{})
				must(t, err)
				defer mem.Close()
				test.store.Store = mem
				m := newManager(t, &test.store, session.ManagerOptions{ReadWait: -1})
				defer m.Close()
				storeUnread(t, m, 1)
				opened := renewed(t, m)
				if err := opened.Commit(t.Context()); !errors.Is(err, test.err) || test.err == nil && err != nil {
					t.Errorf("got %v, want %v", err, test.err)
				}
				test.store.kill = nil
				if got := storedAt(t, m, testID); got != test.old {
					t.Errorf("under the old id is %s, want %s", got, test.old)
				}
				if got := storedAt(t, m, test.store.id); got != test.new {
					t.Errorf("under the new id is %s, want %s", got, test.new)
				}
				if got, want := opened.Session().ID() == test.store.id, test.err == nil; got != want {
					t.Errorf("the session has the new id: %t, want %t", got, want)
				}
			})
		})
	}
}

func TestRenewedSessionThatIsTooLargeIsRefused(t *testing.T) {
	o := session.ManagerOptions{}
	o.Limits.Value = 10
	m := newManager(t, newStore(t), o)
	opened := renewed(t, m)
	must(t, opened.Session().SetRaw("big", []byte(`"`+strings.Repeat("x", 20)+`"`)))
	if err := opened.Commit(t.Context()); err == nil || !strings.Contains(err.Error(), "as it would be stored") {
		t.Errorf("got %v, want the limit", err)
	}
	nothingHeld(t, m)
}

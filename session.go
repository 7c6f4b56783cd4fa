// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/sessionbridge/session/wire"
)

// MaxTimeout is the longest idle timeout of a session, a year, as in System.Web.
const MaxTimeout = 525_600 * time.Minute

// A Session is one user's session while a request has it open: values by key,
// and what the request changed of them. A value is kept as the bytes that came
// over the wire, so that what nobody touches goes back byte for byte; [Key]
// gives typed access.
//
// Keys compare without case, as in ASP.NET, and keep the spelling and the place
// they arrived with. A Session is safe for concurrent use by the goroutines of
// one request.
type Session struct {
	readOnly bool

	mu        sync.Mutex
	id        string
	isNew     bool
	late      *lateLock           // nil: it is as it was opened
	known     *KeySet             // nil: it may have any keys
	values    []wire.Item         // in order
	unknown   []string            // keys that another program could not write, for who stores the session
	index     map[string]int      // folded key to place in values
	decoded   map[string]*decoded // folded key to what Keys made of the value; nil before the first
	timeout   time.Duration
	cleared   bool
	abandoned bool
	sealed    error // what changes fail with
	watched   bool  // some of decoded are compared at the commit
	settled   bool  // they were

	before          map[string]former // folded key to what the request's first change of it found; nil before that
	originalTimeout time.Duration
}

// A former is what a session had under a key before the request changed it.
type former struct {
	wire.Item
	there bool
}

// State is what a [Session] is made of when a [Source] opens it.
type State struct {
	ID       string
	New      bool // nothing is stored under the id yet
	ReadOnly bool
	Timeout  time.Duration
	Items    []wire.Item // of keys that stand twice the last one counts, at the place of the first
}

// NewSession returns a session that a [Source] has opened. It keeps the items'
// values, which must not change any more.
func NewSession(state State) *Session {
	s := &Session{
		id: state.ID, isNew: state.New, readOnly: state.ReadOnly,
		timeout: state.Timeout, originalTimeout: state.Timeout,
		index: make(map[string]int, len(state.Items)), values: make([]wire.Item, 0, len(state.Items)),
	}
	for _, item := range state.Items {
		s.place(wire.FoldKey(item.Key), item)
	}
	return s
}

// ID returns the session's id. It is a credential: log [HashID] of it.
func (s *Session) ID() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.id
}

// New reports whether nothing was stored under the id when it was opened.
func (s *Session) New() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.isNew {
		s.noteReadAll()
	}
	return s.isNew
}

// ReadOnly reports whether the session can't be changed: it was opened without
// a hold.
func (s *Session) ReadOnly() bool { return s.readOnly }

// Timeout returns how long the session lives without being used.
func (s *Session) Timeout() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.timeout
}

// SetTimeout sets how long the session lives without being used, in whole
// minutes from 1 to those of [MaxTimeout], as it crosses the wire.
//
// A session that is used has no other lifetime, unless [EndAfter] gives it one.
func (s *Session) SetTimeout(timeout time.Duration) error {
	if err := CheckTimeout(timeout); err != nil {
		return err
	}
	return s.change(func() { s.timeout = timeout })
}

// CheckTimeout returns an error that tells what is wrong with an idle timeout.
func CheckTimeout(timeout time.Duration) error {
	if timeout < time.Minute || timeout > MaxTimeout || timeout%time.Minute != 0 {
		return fmt.Errorf("session timeout is %s, want whole minutes from 1m to %s", timeout, MaxTimeout)
	}
	return nil
}

// Len returns the number of keys.
func (s *Session) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.noteReadAll()
	return len(s.values)
}

// Keys returns the keys in their order.
func (s *Session) Keys() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.noteReadAll()
	keys := make([]string, len(s.values))
	for i, item := range s.values {
		keys[i] = item.Key
	}
	return keys
}

// Items returns keys and raw values in their order. The values are read-only.
// A value of no bytes stands for one that its writer could not write.
func (s *Session) Items() []wire.Item {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.noteReadAll()
	return slices.Clone(s.values)
}

// encoded returns all keys and values in items form, which had so many bytes when
// the session was opened. A null is none, as it is to .NET's reader of sessions.
func (s *Session) encoded(before int) []byte {
	const more = 64 // for a change or two
	s.mu.Lock()
	defer s.mu.Unlock()
	none := func(item wire.Item) bool { return isNull(item.Value) }
	values := s.values
	if slices.ContainsFunc(values, none) {
		values = slices.DeleteFunc(slices.Clone(values), none)
	}
	return wire.AppendItems(make([]byte, 0, before+more), values, s.stillUnknown())
}

// isNull reports whether a value is JSON's null, which is none.
func isNull(value []byte) bool { return string(bytes.TrimSpace(value)) == "null" }

// stillUnknown are the unknown keys that the request has not changed. s.mu is
// held.
func (s *Session) stillUnknown() []string {
	changed := func(key string) bool {
		_, changed := s.before[wire.FoldKey(key)]
		return changed
	}
	if !slices.ContainsFunc(s.unknown, changed) {
		return s.unknown
	}
	return slices.DeleteFunc(slices.Clone(s.unknown), changed)
}

// Raw returns the bytes of a value, read-only; it reports whether the key is
// there.
func (s *Session) Raw(key string) (value []byte, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	folded := wire.FoldKey(key)
	s.noteRead(folded)
	i, ok := s.index[folded]
	if !ok {
		return nil, false
	}
	return s.values[i].Value, true
}

// SetRaw sets the bytes of a value, which are copied. A key that is there keeps
// its spelling and place; a new one goes last. ErrReadOnly if the session can't
// be changed.
func (s *Session) SetRaw(key string, value []byte) error {
	if len(value) == 0 {
		return fmt.Errorf("session key %q: a value of no bytes can't be set: on the wire it stands for a value that could not be written", key)
	}
	if err := s.allows(key, value); err != nil {
		return err
	}
	value = bytes.Clone(value)
	return s.change(func() { s.put(key, value) })
}

// Delete removes a key, if it is there. ErrReadOnly if the session can't be
// changed.
func (s *Session) Delete(key string) error {
	return s.change(func() { s.remove(wire.FoldKey(key)) })
}

// Clear removes all keys. ErrReadOnly if the session can't be changed.
func (s *Session) Clear() error {
	return s.change(func() {
		for folded := range s.index {
			s.noteBefore(folded)
		}
		s.values, s.cleared = nil, true
		clear(s.index)
		clear(s.decoded)
	})
}

// Abandon ends the session: the commit deletes it with all its values.
// ErrReadOnly if the session can't be changed.
func (s *Session) Abandon() error {
	return s.change(func() { s.abandoned = true })
}

// Seal makes later changes fail with an error, which the first call decides. Who
// opened the session seals it to end it: what is changed after the commit would
// be lost without a word. It can still be read.
func (s *Session) Seal(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sealed == nil {
		s.sealed = err
	}
}

// Abandoned reports whether the session ends with the commit.
func (s *Session) Abandoned() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.abandoned
}

// Changes tell what a request changed of a session since it was opened.
type Changes struct {
	Set       []string // keys whose bytes are new or differ, in order
	Removed   []string // keys that are gone, in the order of their folded names
	Cleared   bool     // Clear was called
	Timeout   bool
	Abandoned bool
}

// Any reports whether anything changed that a commit would have to store.
func (c Changes) Any() bool {
	return len(c.Set) > 0 || len(c.Removed) > 0 || c.Timeout || c.Abandoned
}

// Changes compares the session with what it was when it was opened. A value
// that was set to the bytes that it had is unchanged.
func (s *Session) Changes() Changes {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := Changes{Cleared: s.cleared, Timeout: s.timeout != s.originalTimeout, Abandoned: s.abandoned}
	if len(s.before) == 0 {
		return c
	}
	for _, item := range s.values {
		was, changed := s.before[wire.FoldKey(item.Key)]
		if changed && !(was.there && bytes.Equal(was.Value, item.Value)) {
			c.Set = append(c.Set, item.Key)
		}
	}
	for folded, was := range s.before {
		if _, ok := s.index[folded]; !ok && was.there {
			c.Removed = append(c.Removed, was.Key)
		}
	}
	slices.SortFunc(c.Removed, func(a, b string) int {
		return bytes.Compare([]byte(wire.FoldKey(a)), []byte(wire.FoldKey(b)))
	})
	return c
}

// isChanged is Any of Changes.
func (s *Session) isChanged() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for folded, was := range s.before {
		i, there := s.index[folded]
		if there != was.there || there && !bytes.Equal(s.values[i].Value, was.Value) {
			return true
		}
	}
	return s.timeout != s.originalTimeout || s.abandoned
}

// change makes a change, if the session can be changed.
func (s *Session) change(apply func()) error {
	if err := s.writable(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sealed != nil {
		return s.sealed
	}
	apply()
	return nil
}

// writable makes sure that the session can be changed, as far as it can be told
// before it is.
func (s *Session) writable() error {
	if s.readOnly {
		return ErrReadOnly
	}
	s.mu.Lock()
	sealed := s.sealed
	s.mu.Unlock()
	if sealed != nil {
		return sealed
	}
	return s.upgraded()
}

// put sets a value. s.mu is held, or s is not shared yet.
func (s *Session) put(key string, value []byte) {
	folded := wire.FoldKey(key)
	delete(s.decoded, folded)
	s.noteBefore(folded)
	s.place(folded, wire.Item{Key: key, Value: value})
}

// place puts a value where it belongs. s.mu is held, or s is not shared yet.
func (s *Session) place(folded string, item wire.Item) {
	if i, ok := s.index[folded]; ok {
		s.values[i].Value = item.Value
		return
	}
	s.index[folded] = len(s.values)
	s.values = append(s.values, item)
}

// noteBefore keeps what is there before the first change of it. s.mu is held.
func (s *Session) noteBefore(folded string) {
	if _, known := s.before[folded]; known {
		return
	}
	if s.before == nil {
		s.before = make(map[string]former)
	}
	i, there := s.index[folded]
	was := former{there: there}
	if there {
		was.Item = s.values[i]
	}
	s.before[folded] = was
}

// asOpened returns what the session had under a key when it was opened. s.mu is held.
func (s *Session) asOpened(folded string) (item wire.Item, ok bool) {
	if was, changed := s.before[folded]; changed {
		return was.Item, was.there
	}
	i, ok := s.index[folded]
	if ok {
		item = s.values[i]
	}
	return item, ok
}

// remove removes a value. s.mu is held.
func (s *Session) remove(folded string) {
	at, ok := s.index[folded]
	if !ok {
		return
	}
	s.noteBefore(folded)
	s.values = slices.Delete(s.values, at, at+1)
	delete(s.index, folded)
	delete(s.decoded, folded)
	for key, i := range s.index {
		if i > at {
			s.index[key] = i - 1
		}
	}
}

// errNoBytes: the value of a key is there but its writer could not write it.
var errNoBytes = errors.New("the value has no bytes: its writer holds a value that it could not write as JSON")

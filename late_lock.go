// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/sessionbridge/session/wire"
)

// LockOnWrite returns a source that takes the lock of a session late: a session
// that is opened for writing is read first, without a hold, and opened for
// writing only when it is first changed. Requests that turn out to change nothing
// wait for nobody and keep nobody waiting.
//
// The first change, which may be any of Set, Update, Delete, Clear, Abandon and
// SetTimeout, waits for other writers as [Source.Open] does, and by the context
// that Open was given, which package httpsession makes that of the request;
// nothing is changed if it fails. A commit that is the first
// to find a change, one in place, waits by its own. If what the request has
// read of the session is not what it is now, a key that was not there too, the
// change is a [*StaleError]: what the request was about to write may rest on it.
// From then on the session can be read only. Keys that were not read may have
// changed; they are now as they are. To have asked for Keys, Items or Len, or a
// [KeySet] for a Check, is to have read all of them, and so it is to have been told
// that the session is New. The timeout does not count as read.
//
// A session that does not exist yet has its id from the first change on.
func LockOnWrite(source Source) Source { return lateSource{source} }

// A StaleError says that a session of [LockOnWrite] was not opened for writing,
// because what the request had read of it has been changed meanwhile. Nothing was
// changed; the request can be tried again.
type StaleError struct {
	Keys []string // that were read and are not what they were
}

func (e *StaleError) Error() string {
	return fmt.Sprintf("session not changed: between reading %q and the first change another request has changed them", e.Keys)
}

type lateSource struct{ Source }

// Open opens a session to be read, for now.
func (l lateSource) Open(ctx context.Context, id string, mode Mode) (Opened, error) {
	read, err := l.Source.Open(ctx, id, ReadOnly)
	if err != nil || mode == ReadOnly {
		return read, err
	}
	s := read.Session()
	opened := &lateOpened{
		read:    read,
		session: NewSession(State{ID: s.ID(), New: s.New(), Timeout: s.Timeout(), Items: s.Items()}),
		ctx:     ctx,
		open:    func(ctx context.Context) (Opened, error) { return l.Source.Open(ctx, id, Writable) },
	}
	opened.session.late = &lateLock{take: opened.upgrade}
	opened.session.known = s.known
	return opened, nil
}

// A lateLock is what a session needs to know that is opened for writing when it
// is first changed.
type lateLock struct {
	take func() error

	read map[string]bool // folded keys
	all  bool            // everything was read
	done bool            // the lock is taken
}

// noteRead notes that a key was read. s.mu is held.
func (s *Session) noteRead(folded string) {
	if s.late == nil || s.late.done {
		return
	}
	if s.late.read == nil {
		s.late.read = make(map[string]bool)
	}
	s.late.read[folded] = true
}

// noteReadAll notes that all keys were read. s.mu is held.
func (s *Session) noteReadAll() {
	if s.late != nil {
		s.late.all = true
	}
}

// upgraded makes sure that the session is open for writing.
func (s *Session) upgraded() error {
	if s.late == nil {
		return nil
	}
	return s.late.take()
}

// rebase makes the session what it is now that it is open for writing, unless
// that differs from what was read of it, or has keys that it may not have.
func (s *Session) rebase(now *Session) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known != nil {
		if err := s.known.unknown(now); err != nil {
			return err
		}
	}
	if stale := s.stale(now); len(stale) > 0 {
		return &StaleError{Keys: stale}
	}
	s.id, s.isNew = now.id, now.isNew
	s.values, s.index = slices.Clone(now.values), now.index // nothing was changed yet, in either
	s.timeout, s.originalTimeout = now.timeout, now.originalTimeout
	s.late.done = true
	return nil
}

// stale returns the keys that were read and are not what they were. s.mu is held.
func (s *Session) stale(now *Session) []string {
	var keys []string
	check := func(folded, spelled string) {
		if (s.late.all || s.late.read[folded]) && !same(s, now, folded) && !slices.Contains(keys, spelled) {
			keys = append(keys, spelled)
		}
	}
	for _, item := range s.values {
		check(wire.FoldKey(item.Key), item.Key)
	}
	for _, item := range now.values {
		folded := wire.FoldKey(item.Key)
		if _, ok := s.index[folded]; !ok {
			check(folded, item.Key)
		}
	}
	slices.Sort(keys)
	return keys
}

// same reports whether a key had the same bytes, or none, when the sessions were
// opened.
func same(a, b *Session, folded string) bool {
	x, inA := a.asOpened(folded)
	y, inB := b.asOpened(folded)
	return inA == inB && bytes.Equal(x.Value, y.Value)
}

// errEnded: a session was to be changed for the first time after its end.
var errEnded = errors.New("session not changed: it was committed or released before")

// A lateOpened is a session that is open to be read, and from its first change on
// to be written.
type lateOpened struct {
	session *Session
	read    Opened
	open    func(context.Context) (Opened, error)

	mu      sync.Mutex      // held while it is opened and ended: changes wait for that
	ctx     context.Context // by which it is opened for writing: of Open, then of Commit
	written Opened          // once it is open for writing
	stale   error           // why it never will be
	ended   bool
	err     error // what Commit returned
}

// Session returns the session, which is the same before and after.
func (l *lateOpened) Session() *Session { return l.session }

// Unwrap returns what the session is open as now.
func (l *lateOpened) Unwrap() Opened {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.now()
}

// now is Unwrap. l.mu is held.
func (l *lateOpened) now() Opened {
	if l.written != nil {
		return l.written
	}
	return l.read
}

// upgrade opens the session for writing. Who has read what is stale can't come to
// write after all; any other error may be gone the next time.
func (l *lateOpened) upgrade() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.written != nil || l.stale != nil:
		return l.stale
	case l.ended:
		return errEnded
	}
	written, err := l.open(l.ctx)
	if err != nil {
		return err
	}
	if l.stale = l.session.rebase(written.Session()); l.stale != nil {
		return errors.Join(l.stale, written.Release(context.Background())) // within a time of its own
	}
	l.written = written
	return l.read.Release(context.Background())
}

// Commit commits what was changed.
func (l *lateOpened) Commit(ctx context.Context) error {
	l.commitBy(ctx)
	settled := l.session.Settle()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return l.err
	}
	l.ended = true
	if settled != nil {
		l.err = errors.Join(settled, l.now().Release(ctx))
		return l.err
	}
	if l.written != nil {
		l.written.Session().become(l.session)
	}
	l.err = ErrPanicked
	defer func() {
		if errors.Is(l.err, ErrPanicked) {
			_ = l.now().Release(ctx)
		}
	}()
	l.err = l.now().Commit(ctx)
	if l.written != nil {
		l.session.rename(l.written.Session().ID())
	}
	return l.err
}

// commitBy makes the commit's context that by which the session is opened for
// writing, to save what was changed in place: with the trace of the request.
func (l *lateOpened) commitBy(ctx context.Context) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ctx = ContextWithTrace(ctx, TraceFromContext(l.ctx))
}

// Release ends it without a change.
func (l *lateOpened) Release(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return nil
	}
	l.ended = true
	return l.now().Release(ctx)
}

// become makes a session what its copy has become.
func (s *Session) become(copied *Session) {
	copied.mu.Lock()
	defer copied.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	// Copies: who wraps a session may set values of its own at the commit.
	s.values, s.index, s.before = slices.Clone(copied.values), maps.Clone(copied.index), maps.Clone(copied.before)
	s.timeout, s.cleared, s.abandoned = copied.timeout, copied.cleared, copied.abandoned
}

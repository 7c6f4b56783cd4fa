// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package pebblestore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/sessionbridge/session"
)

// A Store is a [session.Store] on disk.
type Store struct {
	o        Options
	readOnly bool // for a check: not even the directory is changed
	log      *slog.Logger
	lock     *dirLock
	disk     *disk
	commits  commitLog
	db       *pebble.DB

	clock   clock
	stripes stripes
	tokens  tokens
	nodes   nodes
	due     due
	watches watches
	used    atomic.Int64          // what counts under MaxBytes; nothing without it
	broken  atomic.Pointer[error] // the engine has stopped
	damaged sync.Map              // by path, the files that are known to be
	copies  sync.Map              // by path, what tells that a copy that is under way is given up

	life context.Context // until the store is closed
	stop context.CancelFunc
	wg   sync.WaitGroup
}

var _ session.Store = (*Store)(nil)

// Open opens the store in a directory, and makes it if there is none. The error
// wraps [ErrInUse] if another process has it, [ErrDamaged] if it can't be read, and
// [session.ErrFull] if its disk has no room for what is done then. What is in the
// directory then stays as it is.
func Open(ctx context.Context, o Options) (*Store, error) {
	s, err := open(ctx, o, false)
	if err != nil {
		return nil, err
	}
	s.wg.Go(func() { s.keepClock(s.life) })
	if o.SyncEvery > 0 {
		s.wg.Go(func() { s.keepSynced(s.life) })
	}
	return s, nil
}

// open is Open without what goes on in the background.
func open(ctx context.Context, o Options, readOnly bool) (*Store, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	o.CacheBytes = cmp.Or(o.CacheBytes, defaultCacheBytes)
	lock, err := lockDir(o.Dir, readOnly)
	if err != nil {
		return nil, err
	}
	s := &Store{o: o, readOnly: readOnly, log: cmp.Or(o.Logger, slog.Default()), lock: lock}
	s.life, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	if err := s.open(ctx); err != nil {
		return nil, errors.Join(err, s.shut())
	}
	return s, nil
}

// open does all that can fail while the lock is held.
func (s *Store) open(ctx context.Context) (err error) {
	if s.disk, err = newDisk(s.life, s.o.Dir, s.log); err != nil {
		return err
	}
	fresh, err := isNew(s.o.Dir)
	if err != nil {
		return err
	}
	if !s.readOnly {
		if err := s.commits.synced.open(s.o.Dir, fresh); err != nil {
			return err
		}
		if err := s.disk.makeRoom(s.commits.synced.now().log.length); err != nil {
			return err
		}
	}
	if fresh {
		if err := s.create(); err != nil {
			return err
		}
	}
	path := filepath.Join(s.o.Dir, engineName)
	if s.db, err = s.openEngine(path, false, s.files()); err != nil {
		return s.notOpened(err)
	}
	if err := s.checkVersion(); err != nil {
		return err
	}
	if err := s.load(ctx); err != nil {
		return err
	}
	if s.readOnly {
		return nil
	}
	s.disk.load()
	return mark(s.o.Dir)
}

func (s *Store) files() files {
	return files{FS: vfs.Default, disk: s.disk, log: &s.commits, copies: &s.copies, readOnly: s.readOnly}
}

// notOpened says whose fault it is that the database could not be opened.
func (s *Store) notOpened(err error) error {
	if isSystem(err) {
		return fmt.Errorf("pebblestore: open %s: %w", s.o.Dir, err)
	}
	return damaged(s.o.Dir, err)
}

// create makes a database under another name first, so that one that is found
// under its own is complete.
func (s *Store) create() error {
	made := filepath.Join(s.o.Dir, newName)
	if err := os.RemoveAll(made); err != nil {
		return fmt.Errorf("pebblestore: %w", err)
	}
	db, err := s.openEngine(made, true, s.files())
	if err != nil {
		return fmt.Errorf("pebblestore: %w", err)
	}
	err = guarded(func() error {
		format := strconv.AppendInt(nil, formatVersion, 10)
		return errors.Join(db.Set([]byte(keyFormat), format, pebble.Sync), db.Set([]byte(keyClean), nil, pebble.Sync), db.Close())
	})
	if err == nil {
		err = os.Rename(made, filepath.Join(s.o.Dir, engineName))
	}
	if err := errors.Join(err, syncDir(s.o.Dir)); err != nil {
		return fmt.Errorf("pebblestore: %w", err)
	}
	return nil
}

// checkVersion makes sure that the database is ours: one that has lost its log
// does not say so.
func (s *Store) checkVersion() error {
	text, err := s.read([]byte(keyFormat))
	if err != nil {
		return s.wrong(err)
	}
	if text == nil {
		return damaged(s.o.Dir, errors.New("its database does not say that it is a store"))
	}
	if err := checkFormat(string(text)); err != nil {
		return fmt.Errorf("pebblestore: %s: %w", s.o.Dir, err)
	}
	return nil
}

// load reads what is kept in memory.
func (s *Store) load(ctx context.Context) error {
	s.stripes.init()
	s.due.init()
	s.watches.init()
	for _, load := range []func(context.Context) error{s.loadClock, s.loadTokens, s.loadNodes, s.loadUsed} {
		if err := load(ctx); err != nil {
			return s.wrong(err)
		}
	}
	return nil
}

// Close writes down what is only in memory, and gives the directory up. On a disk
// that is full it does no more than the end of the process would, and nobody waits
// for room any more.
func (s *Store) Close() error {
	s.stop()
	s.wg.Wait()
	var err error
	if !s.readOnly && s.broken.Load() == nil && s.disk.admit(0, false) == nil {
		err = errors.Join(s.keepAllSlides(), s.keepClosed())
	}
	return errors.Join(err, s.shut())
}

// shut closes what is open.
func (s *Store) shut() error {
	s.stop()
	var err error
	if s.db != nil {
		err = guarded(s.db.Close)
	}
	return errors.Join(err, s.commits.synced.close(), s.lock.close())
}

// read returns the value of a key; nil if there is none. The caller owns it.
func (s *Store) read(key []byte) ([]byte, error) {
	return readFrom(s.db, key)
}

func readFrom(r pebble.Reader, key []byte) ([]byte, error) {
	value, closer, err := r.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	own := make([]byte, len(value)) // without spare room: two readers who append don't meet there
	copy(own, value)
	return own, closer.Close()
}

// A durability is what a batch outlives when commit has returned.
type durability int

const (
	lazily  durability = iota // nothing for sure
	written                   // the process
	durably                   // the machine, unless SyncEvery says otherwise
	surely                    // the machine
)

// commit writes a batch.
func (s *Store) commit(b *pebble.Batch, d durability) error {
	if err := s.working(); err != nil {
		return err
	}
	how := pebble.Sync
	switch {
	case d == lazily:
		how = pebble.NoSync
	case d == surely || d == durably && s.o.SyncEvery == 0:
		s.commits.wanted.Add(1)
		defer s.commits.wanted.Add(-1)
	}
	err := guarded(func() error { return s.db.Apply(b, how) })
	if err != nil {
		if !errors.Is(err, ErrStopped) {
			err = fmt.Errorf("%w: %w", ErrStopped, err)
		}
		s.broken.CompareAndSwap(nil, &err)
	}
	return err
}

// working is the error of a store whose engine has stopped: whether what it was
// writing is stored is open until it is opened again.
func (s *Store) working() error {
	if err := s.broken.Load(); err != nil {
		return fmt.Errorf("%w; the store must be opened again", *err)
	}
	return nil
}

// keepSynced makes safe what was acknowledged since it did so last.
func (s *Store) keepSynced(ctx context.Context) {
	for tick := time.NewTicker(s.o.SyncEvery); ; {
		select {
		case <-ctx.Done():
			tick.Stop()
			return
		case <-tick.C:
		}
		if s.working() == nil {
			_ = s.sync()
		}
	}
}

func (s *Store) sync() error {
	b := s.db.NewBatch()
	defer b.Close()
	if err := b.LogData(nil, nil); err != nil {
		return err
	}
	return s.commit(b, surely)
}

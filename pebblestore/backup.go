// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package pebblestore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/cockroachdb/pebble/v2"
)

// Backup makes a copy of a store that no process has open; see [Store.Backup].
// It opens the store, as its owner would. The error wraps [ErrInUse] if a process
// has it: then only that process can make a backup.
func Backup(ctx context.Context, o Options, dir string, progress func(records int)) error {
	if err := isStore(o.Dir); err != nil {
		return err
	}
	s, err := Open(ctx, o)
	if err != nil {
		return err
	}
	return errors.Join(s.Backup(ctx, dir, progress), s.Close())
}

// Backup makes a copy of the store, as of now, in a directory that must not be
// there yet. The store may be in use meanwhile. The copy is a store: to restore
// it is to open it in the place of the other. On the same file system its tables
// are links and take no room until the store has others. It is checked before it
// gets its name, so that a directory of that name is a backup that can be read;
// progress is that of [Store.Check].
func (s *Store) Backup(ctx context.Context, dir string, progress func(records int)) error {
	if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(fmt.Errorf("pebblestore: backup: %s is there already", dir), err)
	}
	if err := errors.Join(s.keepAllSlides(), s.setClock(false)); err != nil {
		return err
	}
	partial := filepath.Clean(dir) + ".partial"
	err := s.copyTo(ctx, partial, progress)
	if err == nil {
		err = os.Rename(partial, dir)
	}
	if err == nil {
		return syncDir(filepath.Dir(filepath.Clean(dir)))
	}
	return fmt.Errorf("pebblestore: backup: %w", errors.Join(err, os.RemoveAll(partial)))
}

// copyTo makes a checked copy in a directory, in the place of what was left
// there of a backup that was broken off.
func (s *Store) copyTo(ctx context.Context, dir string, progress func(records int)) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	err := guarded(func() error { return s.db.Checkpoint(filepath.Join(dir, engineName), pebble.WithFlushedWAL()) })
	if err != nil {
		return err
	}
	if err := mark(dir); err != nil {
		return err
	}
	return s.checkCopy(ctx, dir, progress)
}

func (s *Store) checkCopy(ctx context.Context, dir string, progress func(records int)) error {
	report, err := Check(ctx, Options{Dir: dir, CacheBytes: s.o.CacheBytes, Logger: s.o.Logger}, progress)
	if err != nil {
		return err
	}
	if len(report.Damage) > 0 {
		return fmt.Errorf("the copy is %w: %s", ErrDamaged, strings.Join(report.Damage, "; "))
	}
	return nil
}

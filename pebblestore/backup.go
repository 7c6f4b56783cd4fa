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
	"github.com/cockroachdb/pebble/v2/vfs"
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
// there yet, and not be in that of the store. The store may be in use meanwhile.
// The copy is a store: to restore it is to open it in the place of the other. On
// the same file system its tables are links and take no room until the store has
// others. It is made beside its place, and checked before it gets its name, so
// that a directory of that name is a backup that can be read; progress is that of
// [Store.Check]. A process that is killed meanwhile leaves what it has made, in
// dir with .partial- and a number behind its name.
func (s *Store) Backup(ctx context.Context, dir string, progress func(records int)) error {
	dir = filepath.Clean(dir)
	if err := s.mayBackup(dir); err != nil {
		return fmt.Errorf("pebblestore: backup: %w", err)
	}
	if err := errors.Join(s.keepAllSlides(), s.setClock(false)); err != nil {
		return err
	}
	if err := s.backup(ctx, dir, progress); err != nil {
		return fmt.Errorf("pebblestore: backup: %w", err)
	}
	return nil
}

// mayBackup refuses a place that is taken, or in the store itself.
func (s *Store) mayBackup(dir string) error {
	if _, err := os.Lstat(dir); err == nil {
		return fmt.Errorf("%s is there already", dir)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	own, err := os.Stat(s.o.Dir)
	if err != nil {
		return err
	}
	absolute, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	for in := filepath.Dir(absolute); ; in = filepath.Dir(in) {
		if real, err := filepath.EvalSymlinks(in); err == nil {
			in = real
		}
		if info, err := os.Stat(in); err == nil && os.SameFile(info, own) {
			return fmt.Errorf("%s is in the directory of the store, %s; a backup needs a place of its own", dir, s.o.Dir)
		}
		if in == filepath.Dir(in) {
			return nil
		}
	}
}

// backup makes the copy beside its place, and moves it there.
func (s *Store) backup(ctx context.Context, dir string, progress func(records int)) error {
	parent, name := filepath.Split(dir)
	if err := os.MkdirAll(filepath.Clean(parent), 0o700); err != nil {
		return err
	}
	partial, err := os.MkdirTemp(filepath.Clean(parent), name+".partial-*")
	if err != nil {
		return err
	}
	err = s.copyTo(ctx, partial, progress)
	if err == nil {
		err = os.Rename(partial, dir)
	}
	if err != nil {
		return errors.Join(err, os.RemoveAll(partial))
	}
	return syncDir(filepath.Clean(parent))
}

// copyTo makes a checked copy in a directory that is empty.
func (s *Store) copyTo(ctx context.Context, dir string, progress func(records int)) error {
	synced := s.commits.synced.now()
	path := filepath.Join(dir, engineName)
	s.copies.Store(path, ctx.Err)
	defer s.copies.Delete(path)
	err := guarded(func() error { return s.checkpoint(path) })
	if err != nil {
		return err
	}
	if err := errors.Join(keepCopied(dir, synced), mark(dir)); err != nil {
		return err
	}
	return s.checkCopy(ctx, dir, progress)
}

// checkpoint has Pebble copy itself. It copies nothing of a manifest that it has
// not written to since it was opened.
func (s *Store) checkpoint(path string) error {
	if !s.commits.synced.hasManifest() {
		if err := s.db.Flush(); err != nil {
			return err
		}
	}
	return s.db.Checkpoint(path, pebble.WithFlushedWAL())
}

// A copyFile is one file of a copy. Pebble knows nothing of who may give it up.
type copyFile struct {
	vfs.File
	givenUp func() error
}

// Write implements [vfs.File].
func (f copyFile) Write(p []byte) (int, error) {
	if err := f.givenUp(); err != nil {
		return 0, err
	}
	return f.File.Write(p)
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

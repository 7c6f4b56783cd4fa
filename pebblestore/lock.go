// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package pebblestore

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// A dirLock is a directory that this process has taken.
type dirLock struct {
	file     *os.File // nil on a medium that nobody can write, and so nobody locks
	own      bool     // it may be written
	passing  bool     // it was made for a check, and goes with it
	readOnly bool
}

// lockDir takes a directory for this process. It makes the directory if it is not
// there, unless it is only read. Nothing is written in a directory of another
// program or user; that it is in use is told to other users too.
func lockDir(dir string, readOnly bool) (*dirLock, error) {
	if err := looksOurs(dir); err != nil {
		return nil, err
	}
	for {
		l := &dirLock{readOnly: readOnly}
		err := l.take(dir)
		if err == nil && l.isThere(dir) {
			return l, nil
		}
		if err := errors.Join(err, l.drop()); err != nil {
			return nil, fmt.Errorf("pebblestore: %w", err)
		}
	}
}

// take opens the file and locks it.
func (l *dirLock) take(dir string) error {
	path := filepath.Join(dir, lockName)
	err := l.open(path, os.O_RDWR)
	if errors.Is(err, fs.ErrNotExist) {
		if err := checkOwner(dir); err != nil {
			return err
		}
		err = l.create(path)
	}
	if err != nil {
		return cmp.Or(checkOwner(dir), err)
	}
	if l.file == nil {
		return nil
	}
	mine, err := lockFile(l.file)
	if err != nil {
		return err
	}
	if !mine {
		return fmt.Errorf("%s is %w by process %s: one process at a time can open it; stop that one first, or let it check or back up its store itself", dir, ErrInUse, holder(l.file))
	}
	if err := checkOwner(dir); err != nil {
		return err
	}
	return l.writePid()
}

func (l *dirLock) open(path string, flag int) (err error) {
	l.file, err = os.OpenFile(path, flag, 0o600)
	l.own = err == nil
	if err != nil && l.readOnly && isReadOnly(err) {
		l.file, err = os.Open(path)
	}
	return err
}

// create makes the file. Who only reads does without if that is impossible.
func (l *dirLock) create(path string) error {
	if !l.readOnly {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return err
		}
		return l.open(path, os.O_RDWR|os.O_CREATE)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if isReadOnly(err) {
		return nil
	}
	if errors.Is(err, fs.ErrExist) { // another process was faster
		return l.open(path, os.O_RDWR)
	}
	if err != nil {
		return err
	}
	l.file, l.own, l.passing = f, true, true
	return nil
}

// isReadOnly reports whether an error says that nothing can be written here.
func isReadOnly(err error) bool {
	return errors.Is(err, fs.ErrPermission) || errors.Is(err, errReadOnly)
}

// isThere reports whether what is locked is what others will find: a check
// removes the file that it has made.
func (l *dirLock) isThere(dir string) bool {
	if l.file == nil {
		return true
	}
	locked, err := l.file.Stat()
	if err != nil {
		return false
	}
	found, err := os.Stat(filepath.Join(dir, lockName))
	return err == nil && os.SameFile(locked, found)
}

// close gives the directory up.
func (l *dirLock) close() error {
	if l.passing {
		_ = os.Remove(l.file.Name()) // a system that can't while it is open leaves it
	}
	return l.drop()
}

func (l *dirLock) drop() error {
	if l.file == nil {
		return nil
	}
	return l.file.Close()
}

func holder(f *os.File) string {
	b, _ := io.ReadAll(io.LimitReader(f, 20))
	if pid := strings.TrimSpace(string(b)); pid != "" {
		return pid
	}
	return "(unknown)"
}

// writePid writes in place, and longer numbers over shorter ones: a disk that
// is full must not keep a store from being opened.
func (l *dirLock) writePid() error {
	if !l.own {
		return nil
	}
	if _, err := l.file.WriteAt(fmt.Appendf(nil, "%-19s\n", strconv.Itoa(os.Getpid())), 0); err != nil && !isFull(err) {
		return err
	}
	return nil
}

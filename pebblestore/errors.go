// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package pebblestore

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"

	"github.com/cockroachdb/pebble/v2"
	"github.com/sessionbridge/session"
)

// ErrDamaged says that what is stored can't be read. The error that wraps it
// tells what to do.
var ErrDamaged = session.ErrDamaged

// ErrInUse says that another process has the directory, or another store of
// this process.
var ErrInUse = errors.New("in use")

// ErrStopped says that the storage engine can't go on, because its log could not
// be written. Whether the last commit is stored is open until the store is opened
// again; until then every call fails with this error.
var ErrStopped = errors.New("the storage engine has stopped")

// damaged says what to do about a directory that can't be read.
func damaged(dir string, err error) error {
	return fmt.Errorf("pebblestore: %s is %w: %w; nothing in it was changed: restore a backup, or move the directory away to start with no sessions", dir, ErrDamaged, err)
}

// isSystem reports whether the system refused something, which tells nothing
// about the files: no right, no memory, no more open files, a disk that fails.
// That a file is not there does.
func isSystem(err error) bool {
	var refused syscall.Errno
	return errors.As(err, &refused) && !errors.Is(err, fs.ErrNotExist)
}

// wrong is the error of a call that met one of Pebble or of a record.
func (s *Store) wrong(err error) error {
	if pebble.IsCorruptionError(err) || errors.Is(err, errRecord) {
		err = fmt.Errorf("%w; a check lists all that can't be read", damaged(s.o.Dir, oneLine{err}))
		s.log.Error("the session store met what it can't read; the call has failed and nothing was overwritten", "err", err)
		return err
	}
	return fmt.Errorf("pebblestore: %s: %w", s.o.Dir, err)
}

// oneLine is an error of Pebble without the lines that tell its developers more.
type oneLine struct{ error }

func (e oneLine) Error() string {
	line, _, _ := strings.Cut(e.error.Error(), "\n")
	return line
}

func (e oneLine) Unwrap() error { return e.error }

// A fatalError is what Pebble has to say when it can't go on: its log could not
// be written.
type fatalError struct{ text string }

func (e fatalError) Error() string { return e.text }

// guarded calls f and makes an error of a panic: of Pebble's logger, or of Pebble
// itself where a file is not as it should be. Of those, some are with a text.
func guarded(f func() error) (err error) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case error:
			err = fmt.Errorf("%w: %w", ErrStopped, p)
		default:
			err = fmt.Errorf("%w: %v", ErrStopped, p)
		}
	}()
	return f()
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package pebblestore

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// isFull reports whether an error says that a disk or a quota leaves no room.
func isFull(err error) bool {
	return errors.Is(err, windows.ERROR_DISK_FULL) || errors.Is(err, windows.ERROR_HANDLE_DISK_FULL) || errors.Is(err, windows.ERROR_DISK_QUOTA_EXCEEDED)
}

// errReadOnly is the error of writing to a medium that can only be read.
const errReadOnly = windows.ERROR_WRITE_PROTECT

// ownerOf knows of no owner: what a file inherits from its directory says who
// may read it.
func ownerOf(os.FileInfo) (user int, known bool) {
	return 0, false
}

// syncDir does nothing: Windows has no such thing, and NTFS keeps a journal of
// its names.
func syncDir(string) error {
	return nil
}

// lockFile locks a file for this process. It reports false if another one has
// it. The locked byte is far behind what is written, which others may read.
func lockFile(f *os.File) (bool, error) {
	at := &windows.Overlapped{OffsetHigh: 1}
	err := windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, at)
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return false, nil
	}
	return err == nil, err
}

// ownOnly does nothing: what a file inherits from its directory says who may
// read it.
func ownOnly(string) error {
	return nil
}

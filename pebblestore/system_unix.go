// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

//go:build !windows

package pebblestore

import (
	"errors"
	"os"
	"syscall"
)

// isFull reports whether an error says that a disk, a quota or a limit of the
// process leaves no room.
func isFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG)
}

// errReadOnly is the error of writing to a medium that can only be read.
const errReadOnly = syscall.EROFS

// ownerOf is the id of the user who owns a file.
func ownerOf(info os.FileInfo) (user int, known bool) {
	stat, known := info.Sys().(*syscall.Stat_t)
	if !known {
		return 0, false
	}
	return int(stat.Uid), true
}

// syncDir makes sure that new names in a directory are found after a crash.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// lockFile locks a file for this process. It reports false if another one has
// it.
func lockFile(f *os.File) (bool, error) {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return false, nil
	}
	return err == nil, err
}

// ownOnly makes a file readable by its owner only.
func ownOnly(path string) error {
	return os.Chmod(path, 0o600)
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package pebblestore

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Names in the directory of a store.
const (
	lockName   = "lock"   // locked by who owns the directory, with the id of his process in it
	formatName = "format" // says what this is, and in which version
	engineName = "pebble" // the database
	newName    = "new"    // a database that is being made
	syncedName = "synced" // how much of its log and of its manifest is safe
)

// formatVersion is that of what this package writes. A program refuses what is
// newer than itself.
const (
	formatVersion = 1
	formatText    = "sessionbridge store, format "
)

// isStore is an error if a directory has never been a store.
func isStore(dir string) error {
	var err error
	for _, name := range []string{formatName, engineName} {
		if _, err = os.Stat(filepath.Join(dir, name)); err == nil {
			return nil
		}
	}
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("pebblestore: %w", cmp.Or(checkOwner(dir), err))
	}
	return fmt.Errorf("pebblestore: %s is no store: %w", dir, err)
}

// isNew reports whether the directory has no store yet. The error says why it
// can't be one: what is there must neither be overwritten nor be left aside for
// a store that is empty.
func isNew(dir string) (bool, error) {
	marked, err := isMarked(dir)
	if err != nil {
		return false, err
	}
	_, err = os.Stat(filepath.Join(dir, engineName))
	switch there := err == nil; {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return false, fmt.Errorf("pebblestore: %w", err)
	case marked && !there:
		return false, damaged(dir, errors.New("it has been a store, but its database is gone"))
	case there:
		return false, checkSynced(dir)
	}
	return true, looksOurs(dir)
}

// isMarked reports whether the directory says that it is a store, in a format
// that can be read.
func isMarked(dir string) (bool, error) {
	path := filepath.Join(dir, formatName)
	marked, err := readFormat(path)
	if errors.Is(err, ErrDamaged) {
		return false, fmt.Errorf("pebblestore: %s is %w; remove that file, and the database beside it is asked", path, err)
	}
	if err != nil {
		return false, fmt.Errorf("pebblestore: %s: %w", dir, err)
	}
	return marked, nil
}

// readFormat checks the marker. It reports false if there is none.
func readFormat(path string) (bool, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, checkFormat(strings.TrimPrefix(string(bytes.TrimSpace(b)), formatText))
}

func checkFormat(text string) error {
	version, err := strconv.Atoi(text)
	switch {
	case err != nil || version < 1:
		return fmt.Errorf("%w: it does not say of which format it is", ErrDamaged)
	case version > formatVersion:
		return fmt.Errorf("it is of format %d; this program knows formats up to %d: use the program that wrote it, or a newer one", version, formatVersion)
	}
	return nil
}

// looksOurs refuses a directory that is another program's, before anything in
// it is touched.
func looksOurs(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("pebblestore: %w", cmp.Or(checkOwner(dir), err))
	}
	has := func(name string) bool {
		return slices.ContainsFunc(entries, func(e os.DirEntry) bool { return e.Name() == name })
	}
	switch {
	case has(formatName):
		_, err := isMarked(dir)
		return err
	case has(engineName) && has(syncedName): // whoever made it ended before it was marked
		return nil
	}
	return onlyOurs(dir, entries)
}

// onlyOurs refuses to begin a store among the files of others.
func onlyOurs(dir string, entries []os.DirEntry) error {
	for _, e := range entries {
		if !slices.Contains([]string{lockName, newName, syncedName, ballastName, "lost+found"}, e.Name()) {
			return fmt.Errorf("pebblestore: %s is no store, but is not empty: it has %q; a new store needs a directory of its own", dir, e.Name())
		}
	}
	return nil
}

// checkOwner refuses a store of another user, who could not open what this one
// leaves there. An empty directory may be given to a group, but root has no need
// of that.
func checkOwner(dir string) error {
	info, err := os.Stat(filepath.Join(dir, engineName))
	if errors.Is(err, fs.ErrNotExist) && os.Geteuid() != 0 {
		return nil
	}
	if err != nil {
		info, err = os.Stat(dir)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if owner, known := ownerOf(info); known && owner != os.Geteuid() {
		return fmt.Errorf("%s is owned by user %d, and this is user %d; run this as that user", dir, owner, os.Geteuid())
	}
	return nil
}

// mark writes the marker, last of all that makes a store.
func mark(dir string) error {
	path := filepath.Join(dir, formatName)
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	if err := writeSynced(path+".new", fmt.Appendf(nil, "%s%d\n", formatText, formatVersion)); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	return syncDir(dir)
}

// writeSynced writes a file anew that outlives the machine, once its directory is
// synced too.
func writeSynced(path string, b []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Sync(), f.Close())
}

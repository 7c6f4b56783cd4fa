// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package pebblestore

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/cockroachdb/pebble/v2/record"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/atomicfs"
)

// A manifestFile is Pebble's list of its tables, while it is written. What is
// not on it is deleted as left over.
type manifestFile struct {
	vfs.File
	synced *syncedFile
	number uint64
	length uint64
}

// Write implements [vfs.File].
func (f *manifestFile) Write(p []byte) (int, error) {
	n, err := f.File.Write(p)
	f.length += uint64(n)
	return n, err
}

// Sync implements [vfs.File].
func (f *manifestFile) Sync() error {
	if err := f.File.Sync(); err != nil {
		return err
	}
	f.synced.noteManifest(extent{f.number, f.length})
	return nil
}

// manifestNumber is the number of a manifest by its name.
func manifestNumber(name string) (number uint64, ok bool) {
	digits, ok := strings.CutPrefix(name, "MANIFEST-")
	number, err := strconv.ParseUint(digits, 10, 64)
	return number, ok && err == nil
}

// currentManifest is the manifest that Pebble will use; number 0 if there is
// none.
func currentManifest(dir string) (number uint64, path string, err error) {
	name, err := atomicfs.ReadMarker(vfs.Default, filepath.Join(dir, engineName), "manifest")
	if errors.Is(err, fs.ErrNotExist) {
		return 0, "", nil
	}
	if err != nil {
		return 0, "", fmt.Errorf("pebblestore: %s: %w", dir, err)
	}
	number, _ = manifestNumber(name)
	return number, filepath.Join(dir, engineName, name), nil
}

// checkManifest makes sure that all that was synced of the manifest can be read.
// Where it is not known how much that was, as of a backup, it must end with a
// whole record.
func checkManifest(dir string, e *extents) error {
	number, path, err := currentManifest(dir)
	if err != nil || number == 0 {
		return err // without one, Pebble opens nothing
	}
	readable, whole, err := readableManifest(path)
	if errors.Is(err, fs.ErrNotExist) {
		return damaged(dir, errors.New("the list of its tables is gone"))
	}
	if err != nil {
		return fmt.Errorf("pebblestore: %s: %w", dir, err)
	}
	synced, known := e.of(number)
	switch {
	case number < e.manifest.number && number != e.former.number:
		return damaged(dir, errors.New("the list of its tables is an old one"))
	case readable < synced.length:
		return damaged(dir, fmt.Errorf("of the list of its tables %d bytes can be read, and %d were written", readable, synced.length))
	case !known && !whole:
		return damaged(dir, fmt.Errorf("of the list of its tables only %d bytes can be read", readable))
	}
	return nil
}

// readableManifest is how long a manifest is up to where it ends or is spoiled,
// and whether it ends there.
func readableManifest(path string) (length uint64, whole bool, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, false, err
	}
	defer f.Close()
	r := record.NewReader(f, 0)
	for {
		one, err := r.Next()
		if err == nil {
			_, err = io.Copy(io.Discard, one)
		}
		switch {
		case err == nil:
			length = uint64(r.Offset())
		case isEnd(err):
			return length, errors.Is(err, io.EOF), nil
		default:
			return 0, false, err
		}
	}
}

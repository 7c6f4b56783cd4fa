// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package pebblestore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// An extent is how much of one of Pebble's files was synced; nothing of one that
// Pebble removed, and may not have followed by another.
type extent struct{ number, length uint64 }

func (x extent) isRemoved() bool { return x.number != 0 && x.length == 0 }

// extents are what the file says that is named synced. Pebble takes what it
// can't read for the end of its log, and of its manifest. So it is written down
// beside them how much was synced: that must be there again, all of it.
type extents struct {
	log      extent
	manifest extent // the newest; Pebble may not have begun to use it
	former   extent // the one that it used before
}

// extentsSize is the length of the file, but for its checksum.
const extentsSize = 48

// readExtents reads the file. All is zero if it is not there, or spoiled: what is
// beside it may be well.
func readExtents(dir string) (e extents, err error) {
	b, err := os.ReadFile(filepath.Join(dir, syncedName))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return e, fmt.Errorf("pebblestore: %w", err)
	}
	if len(b) != extentsSize+crc32.Size || crc32.ChecksumIEEE(b[:extentsSize]) != binary.BigEndian.Uint32(b[extentsSize:]) {
		return e, nil
	}
	for _, to := range []*extent{&e.log, &e.manifest, &e.former} {
		to.number, to.length = binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])
		b = b[16:]
	}
	return e, nil
}

// bytes is the file.
func (e *extents) bytes() (b []byte) {
	for _, x := range []extent{e.log, e.manifest, e.former} {
		b = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(b, x.number), x.length)
	}
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
}

// of is what is known of the manifest that Pebble uses. It reports false if
// nothing was ever written down about manifests. Of one that is newer than all,
// nothing of it must be there: the machine crashed before that was written.
func (e *extents) of(manifest uint64) (x extent, known bool) {
	if manifest == e.former.number {
		return e.former, true
	}
	if manifest == e.manifest.number {
		return e.manifest, true
	}
	return extent{number: manifest}, e.manifest.number != 0
}

// checkSynced makes sure that all that was synced can be read.
func checkSynced(dir string) error {
	e, err := readExtents(dir)
	if err != nil {
		return err
	}
	return e.check(dir)
}

// check makes sure that all that they say can be read in a directory.
func (e *extents) check(dir string) error {
	if err := checkLog(dir, e.log); err != nil {
		return err
	}
	return checkManifest(dir, e)
}

// keepCopied writes down beside a copy, all of which is synced, how much there
// is of its log and of its manifest: at least what was synced of those of the
// store before they were copied.
func keepCopied(dir string, least extents) error {
	if err := least.check(dir); err != nil {
		return err
	}
	logs, err := logsIn(dir)
	if err != nil {
		return err
	}
	if len(logs) == 0 {
		return damaged(dir, errLogGone)
	}
	last := logs[len(logs)-1]
	e := extents{log: extent{number: uint64(last.Num)}}
	if e.log.length, err = readableLength(last); err != nil {
		return err
	}
	number, path, err := currentManifest(dir)
	if err != nil {
		return err
	}
	e.manifest.number = number
	if e.manifest.length, _, err = readableManifest(path); err != nil {
		return err
	}
	return writeSynced(filepath.Join(dir, syncedName), e.bytes())
}

// A syncedFile is the file, open to be written. No error of that is one of who
// had something synced: what it says is then too little, and still true.
type syncedFile struct {
	mu    sync.Mutex
	file  *os.File // nil if nothing is written
	says  extents
	lists bool // a manifest was written since it was opened
}

// open opens the file, of a store that was checked or is new.
func (f *syncedFile) open(dir string, fresh bool) (err error) {
	if !fresh {
		err = f.read(dir)
	}
	if err != nil {
		return err
	}
	if f.file, err = os.OpenFile(filepath.Join(dir, syncedName), os.O_CREATE|os.O_RDWR, 0o600); err != nil {
		return fmt.Errorf("pebblestore: %w", err)
	}
	return nil
}

func (f *syncedFile) read(dir string) (err error) {
	if f.says, err = readExtents(dir); err != nil {
		return err
	}
	number, _, err := currentManifest(dir)
	if err != nil {
		return err
	}
	f.says.manifest, _ = f.says.of(number) // a newer one was never used
	f.says.former = extent{}
	return nil
}

func (f *syncedFile) close() error {
	if f.file == nil {
		return nil
	}
	return f.file.Close()
}

// now is what the file says.
func (f *syncedFile) now() extents {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.says
}

// hasManifest reports whether Pebble has written one since the file was opened.
func (f *syncedFile) hasManifest() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.lists
}

func (f *syncedFile) noteLog(x extent) {
	f.note(func(e *extents) { e.log = x })
}

// noteRemoved: Pebble is about to remove a log, and needs none up to that any
// more. When it is opened, there is none until it makes another.
func (f *syncedFile) noteRemoved(log uint64) {
	if f.now().log.number > log {
		return
	}
	f.noteLog(extent{number: log})
	if f.file != nil {
		_ = f.file.Sync() // before the log is gone for good
	}
}

func (f *syncedFile) noteManifest(x extent) {
	f.note(func(e *extents) {
		if e.manifest.number != x.number {
			e.former = e.manifest
		}
		e.manifest, f.lists = x, true
	})
}

func (f *syncedFile) note(change func(*extents)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(&f.says)
	if f.file != nil {
		_, _ = f.file.WriteAt(f.says.bytes(), 0)
	}
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package pebblestore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/sessionbridge/session"
)

const ballastName = "ballast"

// afterFull is how long commits are refused after a file could not be written:
// Pebble tries again more often than that.
const afterFull = 3 * time.Second

// A disk knows how much room there is, so that Pebble, which can't do without,
// never meets a disk that is full. Commits are refused while there is less than
// some memory tables take. Others can fill a disk within a moment: then the
// ballast is given up, a file that only takes room.
type disk struct {
	dir      string
	log      *slog.Logger
	memTable int64
	keep     int64                     // below it no data are taken, and below half of it nothing at all
	life     context.Context           // nobody waits for room when it is over
	lastFull atomic.Pointer[time.Time] // when a file could not be written; nil if never
	told     atomic.Bool               // the log says that it is full

	mu      sync.Mutex
	ballast bool // it is there
}

// newDisk sizes everything by the disk that dir is on.
func newDisk(life context.Context, dir string, log *slog.Logger) (*disk, error) {
	usage, err := vfs.Default.GetDiskUsage(dir)
	if err != nil {
		return nil, fmt.Errorf("pebblestore: %w", err)
	}
	memTable := min(max(int64(usage.TotalBytes/64), leastMemTable), mostMemTable)
	return &disk{dir: dir, log: log, memTable: memTable, keep: 4 * memTable, life: life}, nil
}

func (d *disk) free() (int64, error) {
	usage, err := vfs.Default.GetDiskUsage(d.dir)
	return int64(min(usage.AvailBytes, 1<<62)), err
}

// admit refuses a change for which there is no room. A change that stores no
// data is refused later than one that does: it may be the end of a hold.
func (d *disk) admit(data int, stores bool) error {
	free, err := d.free()
	if err != nil {
		return err
	}
	keep := d.keep + 2*int64(data) // in the log and in a table
	if !stores {
		keep = d.keep / 2
	}
	justFull := stores && d.justFull()
	if free < d.keep || justFull {
		d.tellFull()
	}
	if free >= keep && !justFull {
		return nil
	}
	return fmt.Errorf("%w: the disk of %s has %d MiB left, and %d MiB of it are kept for what is stored already; free some, and commits succeed again without a restart", session.ErrFull, d.dir, free>>20, keep>>20)
}

// makeRoom makes sure that there is room to open the store, of whose log so much
// is read: Pebble makes tables of it, and waits for room. It gives up the ballast
// that a former process has left.
func (d *disk) makeRoom(log uint64) error {
	need := int64(log) + leastMemTable
	free, err := d.free()
	if err == nil && free < need {
		d.drop()
		err = d.try(need)
	}
	if isFull(err) {
		err = fmt.Errorf("%w: the disk has %d MiB left, and to open the store takes %d MiB; free some", session.ErrFull, free>>20, need>>20+1)
	}
	if err != nil {
		return fmt.Errorf("pebblestore: open %s: %w", d.dir, err)
	}
	return nil
}

// try writes so much, in the place of the ballast, and removes it: root may take
// more room than the system says is left.
func (d *disk) try(n int64) error {
	path := filepath.Join(d.dir, ballastName)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	for some := make([]byte, 64<<10); err == nil && n > 0; n -= int64(len(some)) {
		_, err = f.Write(some)
	}
	return errors.Join(err, f.Close(), os.Remove(path))
}

// tellFull logs, once, that there is no room.
func (d *disk) tellFull() {
	if d.told.CompareAndSwap(false, true) {
		d.log.Warn("the disk of the session store is full: commits are refused until there is room", "dir", d.dir)
	}
}

// tellRoom logs, once, that there is room again.
func (d *disk) tellRoom() {
	if d.told.Load() && d.admit(0, true) == nil {
		d.told.Store(false)
		d.log.Info("the disk of the session store has room again: commits are taken", "dir", d.dir)
	}
}

func (d *disk) justFull() bool {
	last := d.lastFull.Load()
	return last != nil && time.Since(*last) < afterFull
}

// load takes the room of the ballast, if there is more than enough. On systems
// that can't reserve room for a file there is none.
func (d *disk) load() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if free, err := d.free(); d.ballast || err != nil || free < 2*d.keep {
		return
	}
	path := filepath.Join(d.dir, ballastName)
	f, err := vfs.Default.Create(path, "session-ballast")
	if err != nil {
		return
	}
	err = errors.Join(ownOnly(path), f.Preallocate(0, d.keep/2))
	if f.Close() == nil && err == nil {
		d.ballast = true
	}
}

// drop gives the ballast up. It reports false if that was done before.
func (d *disk) drop() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	had := d.ballast
	d.ballast = false
	return vfs.Default.Remove(filepath.Join(d.dir, ballastName)) == nil && had
}

// mostPatience is how long the log and the manifest wait for room that the system
// says there is. With a quota it is free for others only: admit does not see that
// come, and whoever commits, or reads beside that, waits.
const mostPatience = 10 * time.Second

// patiently tries to write a file of Pebble's until there is room. A table is
// given up after a while, which makes room. The log and the manifest can't be:
// their writer waits, and Pebble ends without them.
func (d *disk) patiently(path string, try func() error) error {
	for since := time.Now(); ; {
		err := try()
		if err == nil || !isFull(err) || !d.isOurs(path) {
			return d.slowly(path, err)
		}
		now := time.Now() // as it is: the system's clock may be set back
		d.lastFull.Store(&now)
		d.tellFull()
		if isTable(path) {
			return d.slowly(path, err)
		}
		if free, unknown := d.free(); unknown == nil && free < leastMemTable {
			since = now // it is full: that passes
		}
		if !d.drop() && (time.Since(since) > mostPatience || d.wait(100*time.Millisecond)) {
			return err
		}
	}
}

// slowly returns the error of a file of Pebble's, after a while if that is a table
// of the store: Pebble writes it again, at once and as often as that fails.
func (d *disk) slowly(path string, err error) error {
	if err != nil && isTable(path) && d.isOurs(path) {
		d.wait(time.Second)
	}
	return err
}

func isTable(path string) bool {
	ext := filepath.Ext(path)
	return ext == ".sst" || ext == ".blob"
}

// isOurs reports whether a file is one of the store itself, not of a copy.
func (d *disk) isOurs(path string) bool {
	in := filepath.Dir(path)
	return in == filepath.Join(d.dir, engineName) || in == filepath.Join(d.dir, newName)
}

// wait reports true at once if the store is closed meanwhile.
func (d *disk) wait(most time.Duration) (closed bool) {
	select {
	case <-d.life.Done():
		return true
	case <-time.After(most):
		return false
	}
}

// background logs what went wrong in Pebble's own goroutines, which try again.
func (d *disk) background(err error) {
	if isFull(err) {
		d.tellFull()
		return
	}
	d.log.Warn("the session store could not tidy up and will try again", "dir", d.dir, "err", oneLine{err}.Error()) // without a stack
}

// files are Pebble's files: readable by their owner only, and written
// patiently.
type files struct {
	vfs.FS
	disk     *disk
	log      *commitLog
	copies   *sync.Map // see [Store]
	readOnly bool
}

var _ vfs.FS = files{}

// Unwrap implements [vfs.FS].
func (f files) Unwrap() vfs.FS { return f.FS }

// Create implements [vfs.FS].
func (f files) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return f.open(name, func() (vfs.File, error) { return f.FS.Create(name, c) })
}

// OpenReadWrite implements [vfs.FS].
func (f files) OpenReadWrite(name string, c vfs.DiskWriteCategory, o ...vfs.OpenOption) (vfs.File, error) {
	return f.open(name, func() (vfs.File, error) { return f.FS.OpenReadWrite(name, c, o...) })
}

// ReuseForWrite implements [vfs.FS].
func (f files) ReuseForWrite(old, name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return f.open(name, func() (vfs.File, error) { return f.FS.ReuseForWrite(old, name, c) })
}

// open opens a file to be written. Its directory is ours alone, so nobody can
// open the file before its mode is set.
func (f files) open(name string, try func() (vfs.File, error)) (file vfs.File, err error) {
	err = f.disk.patiently(name, func() error {
		file, err = try()
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := ownOnly(name); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	if givenUp, ok := f.copies.Load(filepath.Dir(name)); ok {
		return copyFile{File: file, givenUp: givenUp.(func() error)}, nil
	}
	file = patientFile{File: file, name: name, disk: f.disk}
	if number, ok := logNumber(name); ok && f.disk.isOurs(name) {
		file = &logFile{File: file, log: f.log, number: number}
	}
	if number, ok := manifestNumber(filepath.Base(name)); ok && f.disk.isOurs(name) {
		file = &manifestFile{File: file, synced: &f.log.synced, number: number}
	}
	return file, nil
}

// Remove implements [vfs.FS].
func (f files) Remove(name string) error {
	if number, ok := logNumber(name); ok && f.disk.isOurs(name) {
		f.log.synced.noteRemoved(number)
	}
	return f.FS.Remove(name)
}

// Lock implements [vfs.FS]. A check locks nothing: it has the directory of the
// store, and may not be able to make a file.
func (f files) Lock(name string) (io.Closer, error) {
	if f.readOnly {
		return io.NopCloser(nil), nil
	}
	lock, err := f.FS.Lock(name)
	if err != nil {
		return nil, err
	}
	if err := ownOnly(name); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return lock, nil
}

type patientFile struct {
	vfs.File
	name string
	disk *disk
}

// Write implements [vfs.File].
func (f patientFile) Write(p []byte) (n int, err error) {
	err = f.disk.patiently(f.name, func() error {
		some, err := f.File.Write(p[n:])
		n += some
		return err
	})
	return n, err
}

// Sync implements [vfs.File].
func (f patientFile) Sync() error { return f.disk.slowly(f.name, f.File.Sync()) }

// SyncData implements [vfs.File].
func (f patientFile) SyncData() error { return f.disk.slowly(f.name, f.File.SyncData()) }

// MkdirAll implements [vfs.FS].
func (f files) MkdirAll(dir string, _ os.FileMode) error {
	return f.FS.MkdirAll(dir, 0o700)
}

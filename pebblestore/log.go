// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package pebblestore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/wal"
)

// logTail is more than a log may have after its last record, and less than a
// record.
const logTail = 32

// A commitLog is what the files of Pebble's log have in common. Pebble either
// keeps a record in its memory or syncs it. What must outlive the process, but
// not the machine, is between: it is synced as far as Pebble knows, while the
// file only is if somebody wants that.
//
// Pebble takes what it can't read for the end of its log. So it is written down
// beside it how much of the log has been synced: that must be there again, all
// of it.
type commitLog struct {
	wanted atomic.Int32 // commits under way that must outlive the machine
	synced *os.File     // number and length of the log that was synced last; nil if nothing is written
}

// open opens the file that says what was synced. No error of writing it is one
// of a commit: what it says is then too little, and still true.
func (l *commitLog) open(dir string) (err error) {
	l.synced, err = os.OpenFile(filepath.Join(dir, syncedName), os.O_CREATE|os.O_RDWR, 0o600)
	return err
}

func (l *commitLog) close() error {
	if l.synced == nil {
		return nil
	}
	return l.synced.Close()
}

// A logFile is one file of the log. Pebble uses it from one goroutine at a time.
type logFile struct {
	vfs.File
	log    *commitLog
	number uint64
	length uint64
	dirty  bool // a sync was left out
}

// Write implements [vfs.File].
func (f *logFile) Write(p []byte) (int, error) {
	n, err := f.File.Write(p)
	f.length += uint64(n)
	return n, err
}

// SyncData implements [vfs.File]. Who wants a sync has said so before Pebble
// asks for it, and goes on saying so until he has it.
func (f *logFile) SyncData() error {
	if f.log.wanted.Load() == 0 {
		f.dirty = true
		return nil
	}
	if err := f.File.SyncData(); err != nil {
		return err
	}
	f.dirty = false
	if f.log.synced != nil {
		b := binary.BigEndian.AppendUint64(nil, f.number)
		_, _ = f.log.synced.WriteAt(binary.BigEndian.AppendUint64(b, f.length), 0)
	}
	return nil
}

// Close implements [vfs.File]. What is in the next file must not be safe before
// all of this one is.
func (f *logFile) Close() error {
	var err error
	if f.dirty {
		err = f.File.SyncData()
	}
	return errors.Join(err, f.File.Close())
}

// logNumber is the number of a log by the name of its file.
func logNumber(path string) (number uint64, ok bool) {
	name, ok := strings.CutSuffix(filepath.Base(path), ".log")
	number, err := strconv.ParseUint(name, 10, 64)
	return number, ok && err == nil
}

// checkLog makes sure that all that was synced of the log can be read.
func checkLog(dir string) error {
	logs, err := wal.Scan(wal.Dir{FS: vfs.Default, Dirname: filepath.Join(dir, engineName)})
	if err != nil {
		return fmt.Errorf("pebblestore: %w", err)
	}
	b, err := os.ReadFile(filepath.Join(dir, syncedName))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("pebblestore: %w", err)
	}
	var number, length uint64
	if len(b) == 16 {
		number, length = binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])
	}
	if len(logs) == 0 || uint64(logs[len(logs)-1].Num) < number {
		return damaged(dir, errors.New("the log of its database is gone"))
	}
	synced, ok := logs.Get(wal.NumWAL(number))
	if !ok {
		return nil // it is in tables by now
	}
	if readable := readableLength(synced); readable+logTail < length {
		return damaged(dir, fmt.Errorf("of the log of its database %d bytes can be read, and %d were written", readable, length))
	}
	return nil
}

// readableLength is how long a log is up to what can't be read.
func readableLength(l wal.LogicalLog) uint64 {
	r := l.OpenForRead()
	defer r.Close()
	for {
		if _, at, err := r.NextRecord(); err != nil {
			return uint64(at.Physical)
		}
	}
}

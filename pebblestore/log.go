// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package pebblestore

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/record"
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
type commitLog struct {
	wanted atomic.Int32 // commits under way that must outlive the machine
	synced syncedFile
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
	f.log.synced.noteLog(extent{f.number, f.length})
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

var errLogGone = errors.New("the log of its database is gone")

// checkLog makes sure that all that was synced of the log can be read.
func checkLog(dir string, synced extent) error {
	if synced.isRemoved() {
		return nil
	}
	logs, err := logsIn(dir)
	if err != nil {
		return fmt.Errorf("pebblestore: %w", err)
	}
	if len(logs) == 0 || uint64(logs[len(logs)-1].Num) < synced.number {
		return damaged(dir, errLogGone)
	}
	log, ok := logs.Get(wal.NumWAL(synced.number))
	if !ok {
		return nil // it is in tables by now
	}
	readable, err := readableLength(log)
	if err != nil {
		return fmt.Errorf("pebblestore: %s: %w", dir, err)
	}
	if readable+logTail < synced.length {
		return damaged(dir, fmt.Errorf("of the log of its database %d bytes can be read, and %d were written", readable, synced.length))
	}
	return nil
}

func logsIn(dir string) (wal.Logs, error) {
	return wal.Scan(wal.Dir{FS: vfs.Default, Dirname: filepath.Join(dir, engineName)})
}

// readableLength is how long a log is up to where it ends or is spoiled.
func readableLength(l wal.LogicalLog) (uint64, error) {
	r := l.OpenForRead()
	defer r.Close()
	for {
		_, at, err := r.NextRecord()
		switch {
		case isEnd(err) || pebble.IsCorruptionError(err):
			return uint64(at.Physical), nil
		case err != nil:
			return 0, err
		}
	}
}

// isEnd reports whether an error of reading records says that there is none
// where one was looked for, which may be because it is spoiled. Any other one
// tells nothing about the file.
func isEnd(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || record.IsInvalidRecord(err) ||
		errors.Is(err, record.ErrInvalidChunk) || errors.Is(err, record.ErrZeroedChunk)
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package pebblestore

import (
	"fmt"
	"log/slog"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/sessionbridge/session"
)

// engineFormat is the version of Pebble's files. Later ones write into the log
// how much of it is synced, which is more than we sync; see commitLog.
const engineFormat = pebble.FormatColumnarBlocks

// Memory that commits fill before it is written as a table; less on a small
// disk, which must have room for some of these.
const (
	mostMemTable  = 16 << 20
	leastMemTable = 1 << 20
)

// openEngine opens the database in path, which must be there unless it is to be
// made.
func (s *Store) openEngine(path string, create bool, fs vfs.FS) (*pebble.DB, error) {
	cache := pebble.NewCache(s.o.CacheBytes)
	defer cache.Unref()
	o := &pebble.Options{
		FS:                 fs,
		Cache:              cache,
		Comparer:           discreet(),
		ErrorIfExists:      create,
		ErrorIfNotExists:   !create,
		FormatMajorVersion: engineFormat,
		MemTableSize:       uint64(s.disk.memTable),
		ReadOnly:           s.readOnly && !create,
		Logger:             engineLog{s.log},
		EventListener: &pebble.EventListener{
			BackgroundError: s.disk.background,
			DataCorruption:  s.fileDamaged,
		},
	}
	for i := range o.Levels {
		o.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
	}
	var db *pebble.DB
	err := guarded(func() (err error) {
		db, err = pebble.Open(path, o)
		return err
	})
	return db, err
}

// fileDamaged logs, once for each file, that one is damaged: Pebble tells it each
// time that it reads it.
func (s *Store) fileDamaged(i pebble.DataCorruptionInfo) {
	if _, told := s.damaged.LoadOrStore(i.Path, true); !told {
		s.log.Error("a file of the session store is damaged", "path", i.Path, "err", oneLine{i.Details}.Error()) // itself, it would print its stack
	}
}

// discreet is how Pebble compares keys, but that its log does not get to see
// them: ids are credentials.
func discreet() *pebble.Comparer {
	c := *pebble.DefaultComparer
	c.FormatKey = func(key []byte) fmt.Formatter { return hashed(key) }
	return &c
}

// hashed is a key as a log may show it.
type hashed []byte

// Format implements [fmt.Formatter].
func (h hashed) Format(f fmt.State, _ rune) {
	fmt.Fprint(f, session.HashID(string(h)))
}

// engineLog is Pebble's logger.
type engineLog struct{ log *slog.Logger }

func (l engineLog) Infof(format string, args ...any) {
	l.log.Debug("pebble", "says", fmt.Sprintf(format, args...))
}

func (l engineLog) Errorf(format string, args ...any) {
	l.log.Warn("pebble", "says", fmt.Sprintf(format, args...))
}

// Fatalf must not return: Pebble would go on as if nothing were wrong. In a
// commit the panic becomes its error; anywhere else the process ends, as it
// would by Pebble's own logger, and loses nothing that was acknowledged.
func (l engineLog) Fatalf(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	l.log.Error("the storage engine can't go on", "says", text)
	panic(fatalError{text})
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package pebblestore

import (
	"errors"
	"fmt"
	"log/slog"
	"time"
)

const defaultCacheBytes = 64 << 20

// Options say where a [Store] keeps its items, and how well. Only Dir is
// required.
type Options struct {
	// Dir is the directory of the store. It is made if it is not there. A store of
	// another user is refused, where the system knows of owners.
	Dir string

	// SyncEvery is how long a commit may be acknowledged before it is on the disk.
	// 0 means not at all: who is told that it is stored will find it, whatever
	// happens. With more, a crash of the machine can take back what was
	// acknowledged within this time; one of the process takes back nothing.
	SyncEvery time.Duration

	// MaxBytes bounds what the items take, with an estimate of what keeping them
	// takes; 0 means that the disk is the bound. If it is set, Open reads the
	// records of all items, a second or so for each million.
	MaxBytes int64

	// CacheBytes is how much memory is used to cache what is read; 0 means 64 MiB.
	CacheBytes int64

	// Logger is told what goes wrong, and at debug level what Pebble does; nil
	// means slog.Default().
	Logger *slog.Logger
}

// check tells everything that is wrong with the options.
func (o Options) check() error {
	var wrong []error
	if o.Dir == "" {
		wrong = append(wrong, errors.New("pebblestore: Dir is empty; it must name the directory of the store"))
	}
	if o.SyncEvery < 0 {
		wrong = append(wrong, fmt.Errorf("pebblestore: SyncEvery is %s; it must not be negative", o.SyncEvery))
	}
	if o.MaxBytes < 0 {
		wrong = append(wrong, fmt.Errorf("pebblestore: MaxBytes is %d; it must not be negative", o.MaxBytes))
	}
	if o.CacheBytes < 0 {
		wrong = append(wrong, fmt.Errorf("pebblestore: CacheBytes is %d; it must not be negative", o.CacheBytes))
	}
	return errors.Join(wrong...)
}

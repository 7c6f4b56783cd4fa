// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package pebblestore

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"
	"github.com/sessionbridge/session"
)

// A Report is what a check has found.
type Report struct {
	Records int      // all that there is: items, data, entries of the index, learned keys
	Items   int      // those that are only held too
	Bytes   int64    // of data
	Damage  []string // what is wrong, with hashes for ids; empty if all is well
	Omitted int      // what is wrong beyond that
}

// mostDamage bounds what a report lists.
const mostDamage = 100

// progressEvery is after how many records a check tells how far it is.
const progressEvery = 1000

// Check checks a store that no process has open, and changes nothing, so that it
// may be on a medium that can only be read; see [Store.Check]. The error wraps [ErrInUse] if a process has it, and [ErrDamaged]
// if it can't be opened at all.
func Check(ctx context.Context, o Options, progress func(records int)) (Report, error) {
	if err := isStore(o.Dir); err != nil {
		return Report{}, err
	}
	s, err := open(ctx, o, true)
	if err != nil {
		return Report{}, err
	}
	report, err := s.Check(ctx, progress)
	return report, errors.Join(err, s.Close())
}

// Check reads all there is, as of now, and makes sure that it is well formed and
// fits together. The store may be in use meanwhile. Each block that is read is
// held against its checksum; what is behind one that is damaged is read too, but
// for the rest of its table. progress is told now and then how many records were
// read; it may be nil. The error says why the check could not be made; what it
// has found is in the report.
func (s *Store) Check(ctx context.Context, progress func(records int)) (Report, error) {
	snapshot := s.db.NewSnapshot()
	defer snapshot.Close()
	c := checker{r: snapshot, progress: progress}
	err := s.scanOn(ctx, snapshot, nil, nil, c.record, c.unread)
	c.tell()
	return c.report, err
}

type checker struct {
	r        pebble.Reader
	progress func(records int)
	report   Report
	told     int // that it could not go on was told after so many records, and one
}

// unread notes that a record can't be read, once for all that follow it.
func (c *checker) unread(err error) error {
	if c.told != c.report.Records+1 {
		c.wrong("what follows %d records can't be read, and is left out: %v", c.report.Records, oneLine{err})
	}
	c.told = c.report.Records + 1
	return nil
}

func (c *checker) tell() {
	if c.progress != nil {
		c.progress(c.report.Records)
	}
}

func (c *checker) wrong(format string, args ...any) {
	if len(c.report.Damage) == mostDamage {
		c.report.Omitted++
		return
	}
	c.report.Damage = append(c.report.Damage, fmt.Sprintf(format, args...))
}

// record checks one.
func (c *checker) record(key, value []byte) error {
	c.report.Records++
	if c.report.Records%progressEvery == 0 {
		c.tell()
	}
	switch key[0] {
	case kindItem:
		c.item(string(key[1:]), value)
	case kindData:
		c.data(key, value)
	case kindIndex:
		c.entry(key)
	case kindLearned, kindNode:
	case kindMeta:
		if !slices.Contains([]string{keyFormat, keyCeiling, keyClock, keyClean, keyCrashes}, string(key)) {
			c.wrong("there is a setting %q, which this program does not know", key)
		}
	default:
		c.wrong("there is a record of kind %q, which this program does not know", key[0])
	}
	return nil
}

// item checks a record, and that all is there that it speaks of.
func (c *checker) item(id string, value []byte) {
	c.report.Items++
	it, err := decodeItem(id, value)
	if err != nil {
		c.wrong("item %s: %v", session.HashID(id), err)
		return
	}
	entry, err := readFrom(c.r, indexKey(it.look, id))
	switch {
	case err != nil:
		c.wrong("item %s: its entry of the index can't be read: %v", session.HashID(id), oneLine{err})
	case entry == nil:
		c.wrong("item %s: it is not in the index, and will never expire", session.HashID(id))
	}
	for _, v := range it.versions() {
		data, err := readFrom(c.r, dataKey(id, v.number))
		switch {
		case err != nil:
			c.wrong("item %s: its data in version %d can't be read: %v", session.HashID(id), v.number, oneLine{err})
		case data == nil || len(data) != v.length:
			c.wrong("item %s: it has %d bytes of data in version %d and should have %d", session.HashID(id), len(data), v.number, v.length)
		}
	}
}

// of reads the item that another record belongs to; nil if there is none that is
// well formed. It reports false if it can't be read.
func (c *checker) of(id string) (it *item, ok bool) {
	value, err := readFrom(c.r, itemKey(id))
	if err != nil {
		c.wrong("item %s: it can't be read: %v", session.HashID(id), oneLine{err})
		return nil, false
	}
	if value == nil {
		return nil, true
	}
	if it, err = decodeItem(id, value); err != nil { // that of the item tells
		return nil, true
	}
	return it, true
}

func (c *checker) data(key, value []byte) {
	c.report.Bytes += int64(len(value))
	id, number, ok := splitDataKey(key)
	if !ok {
		c.wrong("there are data without the id of an item")
		return
	}
	it, ok := c.of(id)
	if ok && !slices.ContainsFunc(it.versions(), func(v version) bool { return v.number == number }) {
		c.wrong("item %s: there are %d bytes of data in version %d that nothing needs", session.HashID(id), len(value), number)
	}
}

func (c *checker) entry(key []byte) {
	look, id, ok := splitIndexKey(key)
	if !ok {
		c.wrong("there is an entry of the index without the id of an item")
		return
	}
	it, ok := c.of(id)
	if ok && (it == nil || it.look != look) {
		c.wrong("item %s: the index has an entry that is not its own", session.HashID(id))
	}
}

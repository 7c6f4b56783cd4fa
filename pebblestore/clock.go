// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package pebblestore

import (
	"context"
	"encoding/binary"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// keepEvery is how often the clock is written down.
const keepEvery = 15 * time.Second

// mostCrashes bounds how many are remembered. An item that nobody has used for
// so many crashes may expire early.
const mostCrashes = 32

// A clock goes while the store is open, and stands still while it is not: what
// was stored when a machine went down is as old when it is back, and no cart
// is emptied by a weekend of repairs.
type clock struct {
	begun   time.Time
	base    time.Duration   // what it showed then
	crashes []time.Duration // what it showed, at least, when the store was not closed
}

// now is the time by the store's clock.
func (s *Store) now() time.Duration {
	return s.clock.base + time.Since(s.clock.begun)
}

// loadClock sets the clock. If the store was not closed, what had been slid was
// in memory and is lost: all that had not expired by then is taken for used
// then, so that nothing expires early.
func (s *Store) loadClock(context.Context) error {
	base, err := s.read([]byte(keyClock))
	if err != nil {
		return err
	}
	list, err := s.read([]byte(keyCrashes))
	if err != nil {
		return err
	}
	clean, err := s.read([]byte(keyClean))
	if err != nil {
		return err
	}
	s.clock = clock{begun: time.Now(), base: time.Second, crashes: readTimes(list)} // 0 would mean no time
	if times := readTimes(base); len(times) == 1 {
		s.clock.base = times[0]
	}
	if clean == nil {
		s.clock.crashed()
	}
	return nil
}

// crashed notes a crash, unless the one before it was at the same time: a program
// that is started anew and anew must not push older ones out.
func (c *clock) crashed() {
	if n := len(c.crashes); n > 0 && c.crashes[n-1] == c.base {
		return
	}
	c.crashes = append(c.crashes, c.base)
	c.crashes = c.crashes[max(len(c.crashes)-mostCrashes, 0):]
}

// slid is when an item was used last, as far as is known: crashes may have taken
// back what is known better.
func (c *clock) slid(slid, timeout time.Duration) time.Duration {
	for _, crash := range c.crashes {
		if slid < crash && crash < later(slid, timeout) {
			slid = crash
		}
	}
	return slid
}

// opened writes down that the store is open.
func (c *clock) opened(b *pebble.Batch) error {
	if err := b.Delete([]byte(keyClean), nil); err != nil {
		return err
	}
	return b.Set([]byte(keyCrashes), appendFixed(nil, c.crashes...), nil)
}

// keepClock writes the clock down now and then, and takes back the ballast of
// the disk when there is room, which it tells.
func (s *Store) keepClock(ctx context.Context) {
	for tick := time.NewTicker(keepEvery); ; {
		select {
		case <-ctx.Done():
			tick.Stop()
			return
		case <-tick.C:
		}
		s.disk.load()
		s.disk.tellRoom()
		if s.disk.admit(0, false) == nil && s.working() == nil {
			_ = s.setClock(false) // an error is that of all commits
		}
	}
}

// keepClosed writes down that the store is closed. It is the last batch, and
// makes all others safe.
func (s *Store) keepClosed() error {
	return s.setClock(true)
}

func (s *Store) setClock(closed bool) error {
	b := s.db.NewBatch()
	defer b.Close()
	if err := b.Set([]byte(keyClock), appendFixed(nil, s.now()), nil); err != nil {
		return err
	}
	if closed {
		if err := b.Set([]byte(keyClean), nil, nil); err != nil {
			return err
		}
	}
	return s.commit(b, surely)
}

func appendFixed(b []byte, times ...time.Duration) []byte {
	for _, t := range times {
		b = binary.BigEndian.AppendUint64(b, uint64(t))
	}
	return b
}

func readTimes(b []byte) (times []time.Duration) {
	for ; len(b) >= 8; b = b[8:] {
		times = append(times, time.Duration(binary.BigEndian.Uint64(b)))
	}
	return times
}

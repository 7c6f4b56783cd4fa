// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/sessionbridge/session/internal/redistest"
)

// A place is where an owner's store keeps its items.
type place struct {
	name  string
	start func(m *meter, stored int) (o *child, used func() float64) // used: bytes
}

// growth compares what a request costs where few sessions are stored and where
// many are, and tells the room that a stored session takes.
func growth(m *meter) []line {
	return m.grow(place{"memory", func(m *meter, stored int) (*child, func() float64) {
		o := m.startOwner(stored)
		return o, func() float64 { return m.ask(o, "/memory") }
	}})
}

func growthOnDisk(m *meter) []line {
	return m.grow(place{"embedded store", func(m *meter, stored int) (*child, func() float64) {
		dir := m.TempDir()
		return m.startOwner(stored, envDir+"="+dir), func() float64 { return m.sizeOf(dir) }
	}})
}

func growthInRedis(m *meter) []line {
	return m.grow(place{"Redis", func(m *meter, stored int) (*child, func() float64) {
		server := redistest.Start(m.T)
		return m.startOwner(stored, envRedis+"="+server.URL()), func() float64 { return m.usedBy(server) }
	}})
}

func (m *meter) grow(p place) (lines []line) {
	m.Helper()
	few, many := m.scaled(1000, 1000), m.scaled(1_000_000, 2000)
	small, usedSmall := p.start(m, few)
	large, usedLarge := p.start(m, many)
	lines = append(lines, room(p, many, (usedLarge()-usedSmall())/float64(many-few)))
	for _, kind := range []struct {
		name, path string
		make       func(o *child, next func() string) client
	}{
		{"read", "/read", func(o *child, next func() string) client { return m.readClient(o.address, next) }},
		{"write", "/write", func(o *child, next func() string) client { return cycleClient(m, o.address, pathOurs, next) }},
	} {
		alone := m.compare(func() float64 { return m.ask(small, kind.path) }, func() float64 { return m.ask(large, kind.path) })
		clients := func(o *child, stored int) []client {
			return crowd(writers, func(i int) client { return kind.make(o, anyOf(stored, i)) })
		}
		rate := m.compareLoad(clients(small, few), clients(large, many))
		work := fmt.Sprintf("growth in %s: a %s, ", p.name, kind.name)
		lines = append(lines,
			grown(fmt.Sprintf("%s%d sessions stored instead of %d, HTTP/1.1", work, many, few), rate.cost()),
			alone.figure(work+"the same without the network, one at a time"))
	}
	return lines
}

// room makes the line of what a stored session takes.
func room(p place, stored int, each float64) line {
	size := float64(len(items(sampleKeys, 'a')))
	return line{
		work: fmt.Sprintf("room for each of %d sessions in %s", stored, p.name), baseline: fmt.Sprintf("%.2f KB of data", size/1024),
		ours: fmt.Sprintf("%.2f KB", each/1024), ratio: fmt.Sprintf("%.2f", each/size), bar: "-", verdict: na,
	}
}

// sizeOf returns what the files of a directory take.
func (m *meter) sizeOf(dir string) (size float64) {
	m.Helper()
	must(m, filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		if info, err := entry.Info(); err == nil { // else it went meanwhile
			size += float64(info.Size())
		}
		return nil
	}))
	return size
}

// usedBy returns the memory that Redis uses.
func (m *meter) usedBy(server *redistest.Server) float64 {
	m.Helper()
	_, rest, _ := strings.Cut(server.Do(m, "INFO", "memory"), "used_memory:")
	digits, _, _ := strings.Cut(rest, "\r\n")
	used, err := strconv.ParseFloat(digits, 64)
	must(m, err)
	return used
}

// anyOf returns a function that names sessions by chance, none that another
// client's names.
func anyOf(stored, i int) func() string {
	return func() string { return sessionID(rand.IntN(stored/writers)*writers + i) }
}

func (m *meter) readClient(address string, next func() string) client {
	m.Helper()
	conn, get := dial1(m, address), getMessage(pathOurs, sessionID(0), true)
	return func() error { return conn.get(get.name(next())) }
}

// cost turns work per second into seconds per work.
func (c comparison) cost() comparison {
	inverse := func(samples []float64) []float64 {
		var all []float64
		for _, v := range samples {
			all = append(all, 1/v)
		}
		return all
	}
	return comparison{inverse(c.null), inverse(c.ours), inverse(c.ratio)}
}

func grown(work string, c comparison) line {
	l, ratio := c.figure(work), median(c.ratio)
	l.bar, l.verdict = "0.75 to 1.25", holds(ratio >= 0.75 && ratio <= 1.25)
	return l
}

// figure makes a line that has no bar.
func (c comparison) figure(work string) line {
	return line{work: work, baseline: micros(median(c.null)), ours: micros(median(c.ours)), ratio: spread(c.ratio, "%.2f"), bar: "-", verdict: na}
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"fmt"
	"math/rand/v2"
)

// growth compares what a request costs where few sessions are stored and where
// many are.
func growth(m *meter) []line {
	few, many := m.scaled(1000, 1000), m.scaled(1_000_000, 2000)
	small, large := m.startOwner(few), m.startOwner(many)
	var lines []line
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
		lines = append(lines,
			grown(fmt.Sprintf("growth: a %s, %d sessions stored instead of %d, HTTP/1.1", kind.name, many, few), rate.cost()),
			alone.figure(fmt.Sprintf("growth: a %s, the same without the network", kind.name)))
	}
	return lines
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

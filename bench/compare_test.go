// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"fmt"
	"slices"
	"time"
)

// A comparison is what the rounds of two kinds of work have measured, larger
// being better or worse as it is with what was measured.
type comparison struct{ null, ours, ratio []float64 }

// compare measures both in each round, in turns: what else the machine does
// hits both, and whichever goes first goes second the next time.
func (m *meter) compare(null, ours func() float64) comparison {
	if !m.brief {
		null() // warms up what is cold, on both ends
		ours()
	}
	return m.compareCold(null, ours)
}

// compareCold compares what needs no warming up.
func (m *meter) compareCold(null, ours func() float64) (c comparison) {
	for i := range m.rounds {
		var n, o float64
		if i%2 == 0 {
			n, o = null(), ours()
		} else {
			o, n = ours(), null()
		}
		c.null, c.ours, c.ratio = append(c.null, n), append(c.ours, o), append(c.ratio, o/n)
	}
	return c
}

func median(samples []float64) float64 {
	sorted := slices.Sorted(slices.Values(samples))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// spread returns a median with the least and the greatest sample.
func spread(samples []float64, form string) string {
	if len(samples) == 1 {
		return fmt.Sprintf(form, samples[0])
	}
	return fmt.Sprintf(form+" ("+form+" to "+form+")", median(samples), slices.Min(samples), slices.Max(samples))
}

// throughput makes the line of a comparison of work done per second.
func (c comparison) throughput(work, unit string, bar float64) line {
	return line{
		work: work, baseline: fmt.Sprintf("%.0f %s", median(c.null), unit), ours: fmt.Sprintf("%.0f %s", median(c.ours), unit),
		ratio: spread(c.ratio, "%.2f"), bar: fmt.Sprintf("≥ %.2f", bar), verdict: holds(median(c.ratio) >= bar),
	}
}

// micros returns seconds as text.
func micros(seconds float64) string {
	return time.Duration(seconds * 1e9).Round(10 * time.Nanosecond).String()
}

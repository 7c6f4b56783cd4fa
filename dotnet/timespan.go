// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package dotnet

import (
	"bytes"
	"math"
	"strconv"
	"time"
)

// A TimeSpan is .NET's: a length of time in ticks of 100 ns, up to 29,000 years
// either way. The field of a struct can also be a [time.Duration], as long as
// it is not above 292 years.
type TimeSpan int64

// NewTimeSpan returns a duration, cut to 100 ns.
func NewTimeSpan(d time.Duration) TimeSpan { return TimeSpan(d / 100) }

// ParseTimeSpan reads a TimeSpan as .NET reads it in JSON: 1.02:03:04.0050000 is
// a day and more, 01:30 are ninety minutes, and 5 are days.
func ParseTimeSpan(text string) (TimeSpan, error) {
	var s TimeSpan
	return s, s.UnmarshalText([]byte(text))
}

// Duration returns the duration, and false if it is too long for one.
func (s TimeSpan) Duration() (time.Duration, bool) {
	if s > math.MaxInt64/100 || s < math.MinInt64/100 {
		return 0, false
	}
	return time.Duration(s) * 100, true
}

// String returns .NET's constant form, as in 1.02:03:04.0050000.
func (s TimeSpan) String() string { return textOf(s) }

// AppendText appends the form of [TimeSpan.String]. It never fails.
func (s TimeSpan) AppendText(dst []byte) ([]byte, error) {
	ticks := uint64(s)
	if s < 0 {
		dst, ticks = append(dst, '-'), -ticks
	}
	if days := ticks / ticksPerDay; days > 0 {
		dst = append(strconv.AppendUint(dst, days, 10), '.')
	}
	return appendTimeOfDay(dst, int64(ticks%ticksPerDay)), nil
}

// appendTimeOfDay appends a time with a fraction of seven digits or none.
func appendTimeOfDay(dst []byte, ticks int64) []byte {
	dst = appendClock(dst, ticks)
	if fraction := ticks % ticksPerSecond; fraction > 0 {
		dst = appendDigits(append(dst, '.'), fraction, 7)
	}
	return dst
}

// MarshalText returns the form of [TimeSpan.String].
func (s TimeSpan) MarshalText() ([]byte, error) { return s.AppendText(nil) }

// UnmarshalText reads the form of [ParseTimeSpan].
func (s *TimeSpan) UnmarshalText(text []byte) error {
	if len(text) > 156 { // of .NET too
		return errText
	}
	rest, neg := bytes.CutPrefix(text, []byte("-"))
	ticks, err := parseSpan(rest)
	if err != nil || ticks > math.MaxInt64 && (!neg || ticks > 1<<63) {
		return errText
	}
	if neg {
		ticks = -ticks
	}
	*s = TimeSpan(ticks)
	return nil
}

// parseSpan reads d, h:m, h:m:s or d.h:m and so on; each number can have zeros
// before it. After 23:59 comes 1.00:00.
func parseSpan(text []byte) (ticks uint64, err error) {
	const mostDays = 10_675_199
	p := isoParser{text: text}
	first := p.count(mostDays)
	if p.done() {
		return first * ticksPerDay, p.result()
	}
	days := uint64(0)
	if p.peek() == '.' {
		p.skip('.')
		days, first = first, p.count(23)
	}
	p.bad = p.bad || first > 23
	return days*ticksPerDay + first*ticksPerHour + p.minutes(), p.result()
}

// minutes reads the minutes, and if there are any the seconds.
func (p *isoParser) minutes() uint64 {
	p.skip(':')
	ticks := p.count(59) * ticksPerMinute
	if p.peek() != ':' {
		return ticks
	}
	p.skip(':')
	ticks += p.count(59) * ticksPerSecond
	if p.peek() == '.' && len(p.text) > 1 {
		p.skip('.')
		ticks += uint64(p.fraction(7))
	}
	return ticks
}

// count reads a number of any digits up to a limit.
func (p *isoParser) count(most uint64) uint64 {
	size := digits(p.text, 0)
	n := uint64(0)
	for _, c := range p.text[:size] {
		n = n*10 + uint64(c-'0')
		p.bad = p.bad || n > most
		n = min(n, most)
	}
	p.bad = p.bad || size == 0
	p.text = p.text[size:]
	return n
}

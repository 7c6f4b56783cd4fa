// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package dotnet

import (
	"errors"
	"time"
)

// A TimeOnly is .NET's: what a clock shows, in ticks of 100 ns since midnight,
// which is the zero TimeOnly.
type TimeOnly int64

// NewTimeOnly returns what a clock shows at a time in its location, cut to 100 ns.
func NewTimeOnly(t time.Time) TimeOnly {
	hour, minute, second := t.Clock()
	return TimeOnly((hour*60+minute)*60+second)*ticksPerSecond + TimeOnly(t.Nanosecond()/100)
}

// ParseTimeOnly reads a time of day in the form 13:45, 13:45:30 or
// 13:45:30.1234567.
func ParseTimeOnly(text string) (TimeOnly, error) {
	var t TimeOnly
	return t, t.UnmarshalText([]byte(text))
}

// Duration returns the time since midnight.
func (t TimeOnly) Duration() time.Duration { return time.Duration(t) * 100 }

// String returns the form 13:45:30, with a fraction of seven digits or none.
func (t TimeOnly) String() string { return textOf(t) }

// AppendText appends the form of [TimeOnly.String].
func (t TimeOnly) AppendText(dst []byte) ([]byte, error) {
	if t < 0 || t >= ticksPerDay {
		return dst, errors.New("a TimeOnly is within a day")
	}
	return appendTimeOfDay(dst, int64(t)), nil
}

// MarshalText returns the form of [TimeOnly.String].
func (t TimeOnly) MarshalText() ([]byte, error) { return t.AppendText(nil) }

// UnmarshalText reads the form of [ParseTimeOnly].
func (t *TimeOnly) UnmarshalText(text []byte) error {
	p := isoParser{text: text}
	ticks := p.count(23)*ticksPerHour + p.minutes()
	if err := p.result(); err != nil {
		return err
	}
	*t = TimeOnly(ticks)
	return nil
}

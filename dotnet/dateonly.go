// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package dotnet

import (
	"errors"
	"time"
)

// A DateOnly is .NET's: a day, as the number of days since 1 January of the
// year 1, which is the zero DateOnly.
type DateOnly int32

// NewDateOnly returns a day. One out of .NET's range, the years 1 to 9999, shows
// when it is written; as with time.Date, 30 February is 1 March or 2.
func NewDateOnly(year int, month time.Month, day int) DateOnly {
	ticks := wallTicks(time.Date(year, month, day, 0, 0, 0, 0, time.UTC))
	if ticks < 0 {
		return -1
	}
	return DateOnly(ticks / ticksPerDay)
}

// ParseDateOnly reads a day in the form 2024-02-29.
func ParseDateOnly(text string) (DateOnly, error) {
	var d DateOnly
	return d, d.UnmarshalText([]byte(text))
}

// Time returns the start of the day in UTC.
func (d DateOnly) Time() time.Time { return wallTime(int64(d)*ticksPerDay, 0, time.UTC) }

// String returns the form 2024-02-29.
func (d DateOnly) String() string { return textOf(d) }

// AppendText appends the form of [DateOnly.String].
func (d DateOnly) AppendText(dst []byte) ([]byte, error) {
	if d < 0 || int64(d) > maxTicks/ticksPerDay {
		return dst, errors.New("a DateOnly is of the years 1 to 9999")
	}
	return appendDate(dst, int64(d)), nil
}

// MarshalText returns the form of [DateOnly.String].
func (d DateOnly) MarshalText() ([]byte, error) { return d.AppendText(nil) }

// UnmarshalText reads the form of [ParseDateOnly].
func (d *DateOnly) UnmarshalText(text []byte) error {
	p := isoParser{text: text}
	ticks := p.date()
	if err := p.result(); err != nil {
		return err
	}
	*d = DateOnly(ticks / ticksPerDay)
	return nil
}

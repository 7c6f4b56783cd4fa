// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package dotnet

import "time"

// A DateTimeOffset is .NET's: what clock and calendar show, in ticks of 100 ns,
// and how many minutes the clock differs from UTC. The zero DateTimeOffset is
// .NET's default. With == two are the same only if their offsets are; compare
// the instants by their Times.
type DateTimeOffset struct {
	ticks  int64
	offset int16
}

// NewDateTimeOffset returns a time with its offset, cut to 100 ns and to whole
// minutes of offset. A time out of .NET's range shows when it is written.
func NewDateTimeOffset(t time.Time) DateTimeOffset {
	d := NewDateTime(t, Local)
	return DateTimeOffset{ticks: d.ticks, offset: d.offset}
}

// ParseDateTimeOffset reads a DateTimeOffset as .NET reads it in JSON. One
// without an offset has that of time.Local.
func ParseDateTimeOffset(text string) (DateTimeOffset, error) {
	var d DateTimeOffset
	return d, d.UnmarshalText([]byte(text))
}

// Time returns the time, in a location with the same offset.
func (d DateTimeOffset) Time() time.Time {
	return wallTime(d.ticks, int(d.offset), fixedZone(int(d.offset)))
}

// String returns the form that .NET writes in JSON.
func (d DateTimeOffset) String() string { return textOf(d) }

// AppendText appends the form of [DateTimeOffset.String].
func (d DateTimeOffset) AppendText(dst []byte) ([]byte, error) {
	return appendMoment(dst, moment{ticks: d.ticks, offset: int(d.offset), zone: offsetZone})
}

// MarshalText returns the form of [DateTimeOffset.String].
func (d DateTimeOffset) MarshalText() ([]byte, error) { return d.AppendText(nil) }

// UnmarshalText reads the form of [ParseDateTimeOffset].
func (d *DateTimeOffset) UnmarshalText(text []byte) error {
	m, err := parseMoment(text)
	if err == nil && m.zone == noZone {
		m.offset = localOffset(m.ticks)
	}
	if err != nil || !inRange(m.ticks, m.offset) {
		return errText
	}
	*d = DateTimeOffset{ticks: m.ticks, offset: int16(m.offset)}
	return nil
}

// localOffset returns the offset of the local clock when it shows ticks.
func localOffset(ticks int64) int {
	t := wallTime(ticks, 0, time.UTC)
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	minutes, _ := offsetMinutes(time.Date(year, month, day, hour, minute, second, 0, time.Local))
	return minutes
}

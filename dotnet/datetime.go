// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package dotnet

import (
	"errors"
	"time"
)

var errMoment = errors.New("out of the range of .NET: the years 1 to 9999, also in UTC, and at most 14 hours from it")

// A Kind is a DateTime's idea of where its clock hangs.
type Kind uint8

// The kinds of .NET. Local is a clock with an offset from UTC.
const (
	Unspecified Kind = iota
	UTC
	Local
)

// A DateTime is .NET's: what clock and calendar show, in ticks of 100 ns, and
// the kind of clock. A Local one keeps the offset that it was read with, where
// .NET would turn it into the time zone of the machine that reads it; the
// instant is the same. The zero DateTime is .NET's default, the start of the
// year 1. DateTimes can be compared with ==, which compares kinds as well.
type DateTime struct {
	ticks  int64
	offset int16
	kind   Kind
}

// NewDateTime returns a time as a DateTime, cut to 100 ns: turned to UTC, with
// its own offset for Local, or without for Unspecified. A time out of .NET's
// range shows when it is written.
func NewDateTime(t time.Time, kind Kind) DateTime {
	if kind == UTC {
		t = t.UTC()
	}
	d := DateTime{ticks: wallTicks(t), kind: kind}
	if minutes, whole := offsetMinutes(t); kind == Local {
		d.offset = int16(minutes)
		if !whole { // .NET has no such clocks
			return NewDateTime(t.In(fixedZone(minutes)), Local)
		}
	}
	return d
}

// ParseDateTime reads a DateTime as .NET reads it in JSON.
func ParseDateTime(text string) (DateTime, error) {
	var d DateTime
	return d, d.UnmarshalText([]byte(text))
}

// Kind returns the kind.
func (d DateTime) Kind() Kind { return d.kind }

// Time returns the DateTime as a time. Of an Unspecified one it is the time at
// which a clock in UTC shows the same.
func (d DateTime) Time() time.Time {
	if d.kind == Local {
		return wallTime(d.ticks, int(d.offset), fixedZone(int(d.offset)))
	}
	return wallTime(d.ticks, 0, time.UTC)
}

// In returns a Local DateTime as a clock in that location shows it, as .NET does
// with all that it reads, and like that stays within the years 1 to 9999. Another
// kind stays as it is.
func (d DateTime) In(loc *time.Location) DateTime {
	if d.kind != Local {
		return d
	}
	d = NewDateTime(d.Time().In(loc), Local)
	d.ticks = min(max(d.ticks, 0), maxTicks)
	return d
}

// String returns the form that .NET writes in JSON.
func (d DateTime) String() string { return textOf(d) }

// AppendText appends the form of [DateTime.String].
func (d DateTime) AppendText(dst []byte) ([]byte, error) {
	zones := [...]zone{Unspecified: noZone, UTC: zuluZone, Local: offsetZone}
	if int(d.kind) >= len(zones) {
		return dst, errors.New("no such kind of DateTime")
	}
	return appendMoment(dst, moment{ticks: d.ticks, offset: int(d.offset), zone: zones[d.kind]})
}

// MarshalText returns the form of [DateTime.String].
func (d DateTime) MarshalText() ([]byte, error) { return d.AppendText(nil) }

// UnmarshalText reads the form of [ParseDateTime].
func (d *DateTime) UnmarshalText(text []byte) error {
	m, err := parseMoment(text)
	if err != nil {
		return err
	}
	kinds := [...]Kind{noZone: Unspecified, zuluZone: UTC, offsetZone: Local}
	*d = DateTime{ticks: m.ticks, offset: int16(m.offset), kind: kinds[m.zone]}
	return nil
}

// textOf returns a value's text, or what is wrong with it.
func textOf(v interface{ MarshalText() ([]byte, error) }) string {
	text, err := v.MarshalText()
	if err != nil {
		return "(" + err.Error() + ")"
	}
	return string(text)
}

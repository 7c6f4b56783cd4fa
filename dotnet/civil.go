// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package dotnet

import "time"

// .NET counts time in ticks of 100 ns since midnight of 1 January of the year 1.
const (
	ticksPerSecond = 10_000_000
	ticksPerMinute = 60 * ticksPerSecond
	ticksPerHour   = 60 * ticksPerMinute
	ticksPerDay    = 24 * ticksPerHour

	unixSeconds = 62_135_596_800            // from the year 1 to 1970
	maxTicks    = 3_652_059*ticksPerDay - 1 // the last of the year 9999
	maxOffset   = 14 * 60                   // minutes
)

// wallTicks returns what clock and calendar show at a time in its location. Of
// years that .NET doesn't have it returns something out of its range.
func wallTicks(t time.Time) int64 {
	_, offset := t.Zone()
	seconds := t.Unix() + unixSeconds + int64(offset)
	if seconds < 0 {
		return -1
	}
	return min(seconds, maxTicks/ticksPerSecond+1)*ticksPerSecond + int64(t.Nanosecond()/100)
}

// offsetMinutes returns by how much the clock at a time's location differs from
// UTC, and false if that is not in whole minutes.
func offsetMinutes(t time.Time) (minutes int, whole bool) {
	_, offset := t.Zone()
	return offset / 60, offset%60 == 0
}

// wallTime returns the time at which clock and calendar of a location show ticks.
func wallTime(ticks int64, offset int, loc *time.Location) time.Time {
	seconds := ticks/ticksPerSecond - unixSeconds - int64(offset)*60
	return time.Unix(seconds, ticks%ticksPerSecond*100).In(loc)
}

// inRange tells whether both what the clock shows and its time in UTC are of
// the years 1 to 9999, and the offset one that .NET takes.
func inRange(ticks int64, offset int) bool {
	utc := ticks - int64(offset)*ticksPerMinute
	return 0 <= ticks && ticks <= maxTicks && 0 <= utc && utc <= maxTicks && -maxOffset <= offset && offset <= maxOffset
}

// fixedZone returns a location without a name and with an offset in minutes. It
// is never UTC itself.
func fixedZone(offset int) *time.Location { return time.FixedZone("", offset*60) }

// civilTicks returns the ticks of a day that must be one, and false if it isn't.
func civilTicks(year, month, day int) (int64, bool) {
	t := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	return wallTicks(t), year >= 1 && month >= 1 && month <= 12 && day >= 1 && t.Day() == day
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package dotnet

import "time"

// A moment is what the text of a DateTime or DateTimeOffset says.
type moment struct {
	ticks  int64 // as clock and calendar show it
	offset int   // in minutes
	zone   zone
}

// A zone is how a text says what its offset is.
type zone byte

const (
	noZone zone = iota
	zuluZone
	offsetZone
)

// parseMoment reads the profile of ISO 8601 that System.Text.Json takes: a date
// alone, or a date and a time with or without seconds, with up to 16 digits of
// fraction, of which .NET has room for seven and cuts the rest.
func parseMoment(text []byte) (m moment, err error) {
	p := isoParser{text: text}
	m.ticks = p.date()
	if p.done() {
		return m, p.result()
	}
	p.skip('T')
	m.ticks += p.clock()
	if p.done() {
		return m, p.result()
	}
	m.zone, m.offset = p.zone()
	if !p.done() || !inRange(m.ticks, m.offset) {
		return m, errText
	}
	return m, p.result()
}

// An isoParser goes through a text and remembers whether it was malformed.
type isoParser struct {
	text []byte
	bad  bool
}

func (p *isoParser) done() bool { return p.bad || len(p.text) == 0 }

func (p *isoParser) result() error {
	if p.bad || len(p.text) > 0 {
		return errText
	}
	return nil
}

// peek returns the next character, 0 if there is none.
func (p *isoParser) peek() byte {
	if len(p.text) == 0 {
		return 0
	}
	return p.text[0]
}

func (p *isoParser) skip(c byte) {
	if p.peek() != c {
		p.bad = true
		return
	}
	p.text = p.text[1:]
}

// number reads exactly so many digits.
func (p *isoParser) number(size int) int {
	if digits(p.text[:min(size, len(p.text))], 0) != size {
		p.bad = true
		return 0
	}
	n := 0
	for _, c := range p.text[:size] {
		n = n*10 + int(c-'0')
	}
	p.text = p.text[size:]
	return n
}

// below is false for a number that is too great, and remembers that.
func (p *isoParser) below(n, limit int) int64 {
	p.bad = p.bad || n >= limit
	return int64(n)
}

func (p *isoParser) date() int64 {
	year := p.number(4)
	p.skip('-')
	month := p.number(2)
	p.skip('-')
	ticks, ok := civilTicks(year, month, p.number(2))
	p.bad = p.bad || !ok
	return ticks
}

func (p *isoParser) clock() int64 {
	ticks := p.below(p.number(2), 24) * ticksPerHour
	p.skip(':')
	ticks += p.below(p.number(2), 60) * ticksPerMinute
	if p.peek() != ':' {
		return ticks
	}
	p.skip(':')
	ticks += p.below(p.number(2), 60) * ticksPerSecond
	if p.peek() == '.' && len(p.text) > 1 {
		p.skip('.')
		ticks += p.fraction(16)
	}
	return ticks
}

// fraction reads up to so many digits of a second, maybe none.
func (p *isoParser) fraction(most int) int64 {
	size := digits(p.text[:min(most, len(p.text))], 0)
	ticks := int64(0)
	for i := range 7 {
		ticks *= 10
		if i < size {
			ticks += int64(p.text[i] - '0')
		}
	}
	p.text = p.text[size:]
	return ticks
}

func (p *isoParser) zone() (kind zone, offset int) {
	sign := 1
	switch p.peek() {
	case 'Z':
		p.skip('Z')
		return zuluZone, 0
	case '+':
	case '-':
		sign = -1
	default:
		p.bad = true
	}
	p.text = p.text[min(1, len(p.text)):]
	offset = p.number(2) * 60
	if !p.done() {
		p.skip(':')
		offset += int(p.below(p.number(2), 60))
	}
	return offsetZone, sign * offset
}

// appendMoment appends a moment as .NET writes it, with no zeros at the end of
// the fraction.
func appendMoment(dst []byte, m moment) ([]byte, error) {
	if !inRange(m.ticks, m.offset) {
		return dst, errMoment
	}
	dst = appendDate(dst, m.ticks/ticksPerDay)
	dst = appendClock(append(dst, 'T'), m.ticks%ticksPerDay)
	if fraction := m.ticks % ticksPerSecond; fraction > 0 {
		dst = appendDigits(append(dst, '.'), fraction, 7)
		for dst[len(dst)-1] == '0' {
			dst = dst[:len(dst)-1]
		}
	}
	switch m.zone {
	case zuluZone:
		dst = append(dst, 'Z')
	case offsetZone:
		dst = appendOffset(dst, m.offset)
	}
	return dst, nil
}

func appendDate(dst []byte, days int64) []byte {
	year, month, day := time.Unix(days*24*60*60-unixSeconds, 0).UTC().Date()
	dst = appendDigits(dst, int64(year), 4)
	dst = appendDigits(append(dst, '-'), int64(month), 2)
	return appendDigits(append(dst, '-'), int64(day), 2)
}

// appendClock appends hours, minutes and whole seconds.
func appendClock(dst []byte, ticks int64) []byte {
	dst = appendDigits(dst, ticks/ticksPerHour, 2)
	dst = appendDigits(append(dst, ':'), ticks/ticksPerMinute%60, 2)
	return appendDigits(append(dst, ':'), ticks/ticksPerSecond%60, 2)
}

func appendOffset(dst []byte, minutes int) []byte {
	sign := byte('+')
	if minutes < 0 {
		sign, minutes = '-', -minutes
	}
	dst = appendDigits(append(dst, sign), int64(minutes/60), 2)
	return appendDigits(append(dst, ':'), int64(minutes%60), 2)
}

// appendDigits appends a number with zeros before it.
func appendDigits(dst []byte, n int64, size int) []byte {
	for range size {
		dst = append(dst, '0')
	}
	for i := len(dst) - 1; n > 0; i-- {
		dst[i] += byte(n % 10)
		n /= 10
	}
	return dst
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package dotnet

import (
	"reflect"
	"time"
)

// timeForm is time.Time: an instant with its offset. Z goes with UTC, and a
// numeric offset with any other location, so that both a DateTimeOffset and a
// DateTime of kind Utc or Local come out as they went in.
type timeForm struct{}

func (timeForm) write(dst []byte, v reflect.Value, _ int) ([]byte, error) {
	t := v.Addr().Interface().(*time.Time)
	if t.Location() == time.UTC {
		return appendQuoted(dst, NewDateTime(*t, UTC))
	}
	return appendQuoted(dst, NewDateTime(*t, Local))
}

// appendQuoted appends a text that needs no escapes but for its plus sign, which
// .NET leaves as it is in a DateTime.
func appendQuoted(dst []byte, text interface {
	AppendText([]byte) ([]byte, error)
}) ([]byte, error) {
	dst, err := text.AppendText(append(dst, '"'))
	return append(dst, '"'), err
}

func (timeForm) read(r *reader, v reflect.Value) error {
	const want = "a DateTimeOffset or a DateTime with Z or an offset (dotnet.DateTime takes one without)"
	text, err := r.text(want)
	if err != nil {
		return err
	}
	var d DateTime
	if err = d.UnmarshalText(text); err == nil && d.Kind() == Unspecified {
		err = errText // no instant
	}
	if err == nil {
		*v.Addr().Interface().(*time.Time) = d.Time()
	}
	return r.parsed(err, want)
}

// durationForm is time.Duration, a TimeSpan.
type durationForm struct{}

func (durationForm) write(dst []byte, v reflect.Value, _ int) ([]byte, error) {
	return appendQuoted(dst, NewTimeSpan(time.Duration(v.Int())))
}

func (durationForm) read(r *reader, v reflect.Value) error {
	const want = "a TimeSpan that a time.Duration has room for"
	text, err := r.text(want)
	if err != nil {
		return err
	}
	var s TimeSpan
	err = s.UnmarshalText(text)
	d, ok := s.Duration()
	if err == nil && !ok {
		err = errText
	}
	v.SetInt(int64(d))
	return r.parsed(err, want)
}

// An ownForm is one of this package's types that is written as a string.
type ownForm struct{ textForm }

func (f ownForm) write(dst []byte, v reflect.Value, _ int) ([]byte, error) {
	dst, err := f.appendKey(append(dst, '"'), v)
	return append(dst, '"'), err
}

// decimalForm is Decimal, a number.
type decimalForm struct{ textForm }

func (f decimalForm) write(dst []byte, v reflect.Value, _ int) ([]byte, error) {
	return f.appendKey(dst, v)
}

func (f decimalForm) read(r *reader, v reflect.Value) error {
	text, err := r.number(f.want)
	if err != nil {
		return err
	}
	if f.parseKey(text, v) != nil {
		return r.unfit(text, "decimal")
	}
	return nil
}

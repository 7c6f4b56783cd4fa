// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package dotnet

import (
	"fmt"
	"reflect"
	"strconv"
)

// A sliceForm is a List<T> or T[]; nil is null.
type sliceForm struct{ elem form }

func (f *sliceForm) write(dst []byte, v reflect.Value, depth int) ([]byte, error) {
	if v.IsNil() {
		return append(dst, "null"...), nil
	}
	return writeElements(dst, v, f.elem, depth)
}

func writeElements(dst []byte, v reflect.Value, elem form, depth int) (_ []byte, err error) {
	if depth >= maxDepth {
		return dst, errDepth
	}
	dst = append(dst, '[')
	for i := range v.Len() {
		if i > 0 {
			dst = append(dst, ',')
		}
		if dst, err = elem.write(dst, v.Index(i), depth+1); err != nil {
			return dst, under(step(i), err)
		}
	}
	return append(dst, ']'), nil
}

func (f *sliceForm) read(r *reader, v reflect.Value) error {
	if null, err := r.null(); null {
		v.SetZero()
		return err
	}
	if err := r.open('[', "an array"); err != nil {
		return err
	}
	v.Set(reflect.MakeSlice(v.Type(), 0, 0))
	for i := 0; ; i++ {
		if more, err := r.more(i == 0, ']'); err != nil || !more {
			return err
		}
		v.Grow(1)
		v.SetLen(i + 1)
		if err := f.elem.read(r, v.Index(i)); err != nil {
			return under(step(i), err)
		}
	}
}

func step(i int) string { return "[" + strconv.Itoa(i) + "]" }

// An arrayForm is a T[] of always the same length.
type arrayForm struct{ elem form }

func (f *arrayForm) write(dst []byte, v reflect.Value, depth int) ([]byte, error) {
	return writeElements(dst, v, f.elem, depth)
}

func (f *arrayForm) read(r *reader, v reflect.Value) error {
	want := fmt.Sprintf("an array of %d", v.Len())
	if err := r.open('[', want); err != nil {
		return err
	}
	start := r.pos - 1
	for i := 0; ; i++ {
		more, err := r.more(i == 0, ']')
		switch {
		case err != nil:
			return err
		case more != (i < v.Len()):
			return &ReadError{Offset: start, Found: "an array of another length", Want: want}
		case !more:
			return nil
		}
		if err := f.elem.read(r, v.Index(i)); err != nil {
			return under(step(i), err)
		}
	}
}

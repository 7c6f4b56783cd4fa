// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package dotnet

import "reflect"

// A nullableForm is a Nullable<T>, or a reference; nil is null.
type nullableForm struct{ elem form }

func (f *nullableForm) write(dst []byte, v reflect.Value, depth int) ([]byte, error) {
	if v.IsNil() {
		return append(dst, "null"...), nil
	}
	return f.elem.write(dst, v.Elem(), depth)
}

func (f *nullableForm) read(r *reader, v reflect.Value) error {
	if null, err := r.null(); null {
		v.SetZero()
		return err
	}
	v.Set(reflect.New(v.Type().Elem()))
	return f.elem.read(r, v.Elem())
}

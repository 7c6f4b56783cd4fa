// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package wire_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/sessionbridge/session/wire"
)

// benchSizes are sessions of about 1 KB and 100 KB, in keys of about 100 bytes
// and 1 KB.
var benchSizes = []struct {
	name        string
	keys, value int
}{
	{"1KB", 10, 90},
	{"100KB", 100, 1000},
}

func benchSession(keys, value int) *wire.Session {
	s := &wire.Session{Header: wire.Header{ID: "x5b3ijpyk0sh4ml2l4v5ydff", Timeout: 20}}
	for i := range keys {
		text := fmt.Sprintf(`{"Number":%d.50,"Name":"%s"}`, i, strings.Repeat("é", (value-24)/2))
		s.Items = append(s.Items, wire.Item{Key: fmt.Sprintf("Module.Key%03d", i), Value: []byte(text)})
	}
	return s
}

// eachSize runs a benchmark with a session and its items form.
func eachSize(b *testing.B, run func(b *testing.B, s *wire.Session, data []byte)) {
	for _, size := range benchSizes {
		b.Run(size.name, func(b *testing.B) {
			s := benchSession(size.keys, size.value)
			data := wire.AppendItems(nil, s.Items, s.Unknown)
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			run(b, s, data)
		})
	}
}

func BenchmarkAppend(b *testing.B) {
	eachSize(b, func(b *testing.B, s *wire.Session, _ []byte) {
		var dst []byte
		for b.Loop() {
			dst = wire.Append(dst[:0], s)
		}
	})
}

// A read-only request: the header, and the stored bytes as they are.
func BenchmarkAppendStored(b *testing.B) {
	eachSize(b, func(b *testing.B, s *wire.Session, data []byte) {
		var dst []byte
		for b.Loop() {
			dst = append(wire.AppendHeader(dst[:0], &s.Header), data...)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	eachSize(b, func(b *testing.B, s *wire.Session, _ []byte) {
		data := wire.Append(nil, s)
		for b.Loop() {
			if _, _, err := wire.Decode(data, wire.Limits{}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkRead(b *testing.B) {
	eachSize(b, func(b *testing.B, s *wire.Session, _ []byte) {
		data := wire.Append(nil, s)
		for b.Loop() {
			if _, err := wire.Read(bytes.NewReader(data), wire.Limits{}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkCheckItems(b *testing.B) {
	eachSize(b, func(b *testing.B, _ *wire.Session, data []byte) {
		for b.Loop() {
			if _, err := wire.CheckItems(data, wire.Limits{}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkScan(b *testing.B) {
	eachSize(b, func(b *testing.B, _ *wire.Session, data []byte) {
		for b.Loop() {
			for sc := wire.Scan(data); sc.Next(); {
				_ = sc.Key()
			}
		}
	})
}

func BenchmarkMerge(b *testing.B) {
	change := func(s *wire.Session) []byte {
		s.Items[len(s.Items)/2].Value = []byte(`"another value"`)
		return wire.AppendItems(nil, s.Items, nil)
	}
	reformat := func(s *wire.Session) []byte {
		for i := range s.Items {
			s.Items[i].Value = bytes.ReplaceAll(bytes.ReplaceAll(s.Items[i].Value, []byte("é"), []byte(`\u00E9`)), []byte(`.50,`), []byte(`.5,`))
		}
		return wire.AppendItems(nil, s.Items, nil)
	}
	for _, c := range []struct {
		name   string
		update func(*wire.Session) []byte
	}{
		{"unchanged", func(s *wire.Session) []byte { return wire.AppendItems(nil, s.Items, nil) }},
		{"one key changed", change},
		{"all reformatted", reformat},
	} {
		b.Run(c.name, func(b *testing.B) {
			eachSize(b, func(b *testing.B, s *wire.Session, data []byte) {
				update := c.update(s)
				for b.Loop() {
					if _, err := wire.Merge(data, update, data, wire.MergeOptions{}); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}

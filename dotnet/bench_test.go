// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package dotnet_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/sessionbridge/session/dotnet"
)

// A benchCart has types that both codecs read and write alike.
type benchCart struct {
	ID      string `dotnet:"Id" json:"Id"`
	Created time.Time
	Lines   []benchLine
	Notes   map[string]string
}

type benchLine struct {
	Sku      string
	Name     string
	Quantity int
	Price    dotnet.Decimal
}

func newBenchCart(lines int) benchCart {
	price, _ := dotnet.NewDecimal(1990, 2)
	c := benchCart{
		ID: "0f8fad5b-d9cb-469f-a165-70867728950e", Created: time.Date(2024, 2, 29, 13, 45, 30, 0, time.UTC),
		Notes: map[string]string{"gift": "yes", "card": "Happy birthday"},
	}
	for i := range lines {
		c.Lines = append(c.Lines, benchLine{fmt.Sprintf("sku-%d", i), "A bell of brass", i + 1, price})
	}
	return c
}

// A coder is what the root calls Codec.
type coder interface {
	Marshal(v any) ([]byte, error)
	Unmarshal(data []byte, v any) error
}

type standard struct{}

func (standard) Marshal(v any) ([]byte, error)      { return json.Marshal(v) }
func (standard) Unmarshal(data []byte, v any) error { return json.Unmarshal(data, v) }

func coders() map[string]coder {
	return map[string]coder{"dotnet": new(dotnet.Codec), "encoding-json": standard{}}
}

func BenchmarkMarshal(b *testing.B) {
	cart := newBenchCart(10)
	for name, codec := range coders() {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				text, err := codec.Marshal(cart)
				if err != nil {
					b.Fatal(err)
				}
				b.SetBytes(int64(len(text)))
			}
		})
	}
}

func BenchmarkUnmarshal(b *testing.B) {
	text, err := new(dotnet.Codec).Marshal(newBenchCart(10))
	if err != nil {
		b.Fatal(err)
	}
	for name, codec := range coders() {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				if err := codec.Unmarshal(text, new(benchCart)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

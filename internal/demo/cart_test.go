// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"testing"

	"github.com/sessionbridge/session/dotnet"
)

// TestCart checks the arithmetic of the cart, and that a value of .NET's passes
// unharmed.
func TestCart(t *testing.T) {
	c := cart{}.add("bell", 1).add("bell", 1).add("lamp", 1).add("elephant", 1)
	if c.Items() != 3 || c.Total() != "64.90" {
		t.Errorf("two bells and a lamp are %d things for %s", c.Items(), c.Total())
	}
	before := c.Items()
	if c.add("bell", -1).add("bell", -1).add("bell", -1).Items() != 1 || c.Items() != before {
		t.Errorf("taking the bells out leaves %+v", c)
	}
	const dotNet = `{"Id":"7e0c7f1c-8f2b-4a57-9d86-3b1f6f0f9a11","Created":"2026-01-02T03:04:05.1234567","Lines":[{"Sku":"x","Quantity":2,"Price":1.10}],"Notes":{"a":"b"}}`
	var codec dotnet.Codec
	var read cart
	if err := codec.Unmarshal([]byte(dotNet), &read); err != nil {
		t.Fatal(err)
	}
	if got, err := codec.Marshal(read); string(got) != dotNet {
		t.Errorf("a cart of .NET's became %s, %v", got, err)
	}
	if read.Total() != "2.20" {
		t.Errorf("its total is %s", read.Total())
	}
}

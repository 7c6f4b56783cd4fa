// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"time"

	"github.com/sessionbridge/session"
)

// The session keys of both shops, with the types that a .NET program has for
// them: Cart and int.
var (
	cartKey   = session.NewKey[cart]("cart")
	visitsKey = session.NewKey[int]("visits")
)

// A product is something that both shops sell.
type product struct {
	SKU, Name string
	Price     json.Number
}

func products() []product {
	return []product{
		{"bell", "Brass bell", "12.50"},
		{"lamp", "Front lamp", "39.90"},
		{"tyre", "Touring tyre", "34.00"},
		{"saddle", "Saddle", "89.00"},
	}
}

func findProduct(sku string) (product, bool) {
	for _, p := range products() {
		if p.SKU == sku {
			return p, true
		}
	}
	return product{}, false
}

// A cart is what the session has under the key "cart", as .NET's
// System.Text.Json writes it.
type cart struct {
	ID      string            `json:"Id"`
	Created string            `json:"Created"` // a DateTime, handed on as it is
	Lines   []cartLine        `json:"Lines"`
	Notes   map[string]string `json:"Notes"`
}

// A cartLine is so many of one product. Its price is a decimal: .NET keeps its
// digits as they are written, and so does json.Number.
type cartLine struct {
	SKU      string      `json:"Sku"`
	Quantity int         `json:"Quantity"`
	Price    json.Number `json:"Price"`
}

// newCart returns an empty cart.
func newCart() cart {
	var b [16]byte
	rand.Read(b[:]) // never fails: crypto/rand ends the program instead
	return cart{
		ID:      fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:]),
		Created: time.Now().UTC().Format("2006-01-02T15:04:05Z"),
	}
}

// add returns the cart with n more of a product, or fewer. The receiver stays
// as it is. A product that is not sold changes nothing.
func (c cart) add(sku string, n int) cart {
	p, ok := findProduct(sku)
	if !ok {
		return c
	}
	if c.ID == "" {
		c = newCart()
	}
	c.Lines = slices.Clone(c.Lines)
	at := slices.IndexFunc(c.Lines, func(l cartLine) bool { return l.SKU == sku })
	if at < 0 {
		at = len(c.Lines)
		c.Lines = append(c.Lines, cartLine{SKU: sku, Price: p.Price})
	}
	c.Lines[at].Quantity = min(c.Lines[at].Quantity+n, 99)
	c.Lines = slices.DeleteFunc(c.Lines, func(l cartLine) bool { return l.Quantity < 1 })
	return c
}

// Items returns how many things are in the cart.
func (c cart) Items() int {
	n := 0
	for _, l := range c.Lines {
		n += l.Quantity
	}
	return n
}

// Total returns what they cost together.
func (c cart) Total() string {
	sum := new(big.Rat)
	for _, l := range c.Lines {
		sum.Add(sum, l.cost())
	}
	return sum.FloatString(2)
}

// Name returns the name of the line's product.
func (l cartLine) Name() string {
	if p, ok := findProduct(l.SKU); ok {
		return p.Name
	}
	return l.SKU
}

// Cost returns what the line costs.
func (l cartLine) Cost() string { return l.cost().FloatString(2) }

func (l cartLine) cost() *big.Rat {
	price, ok := new(big.Rat).SetString(cmp.Or(l.Price.String(), "0"))
	if !ok {
		return new(big.Rat)
	}
	return price.Mul(price, big.NewRat(int64(l.Quantity), 1))
}

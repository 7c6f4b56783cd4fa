// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"crypto/rand"
	"math/big"
	"slices"
	"time"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/dotnet"
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
	Price     dotnet.Decimal
}

func products() []product {
	return []product{
		{"bell", "Brass bell", cents(1250)},
		{"lamp", "Front lamp", cents(3990)},
		{"tyre", "Touring tyre", cents(3400)},
		{"saddle", "Saddle", cents(8900)},
	}
}

func cents(n int64) dotnet.Decimal {
	price, _ := dotnet.NewDecimal(n, 2) // fails for no scale of a price
	return price
}

func findProduct(sku string) (product, bool) {
	for _, p := range products() {
		if p.SKU == sku {
			return p, true
		}
	}
	return product{}, false
}

// A cart is what the session has under the key "cart": the .NET program's class,
// property by property.
type cart struct {
	ID      dotnet.GUID `dotnet:"Id"`
	Created dotnet.DateTime
	Lines   []cartLine
	Notes   map[string]string
}

// A cartLine is so many of one product.
type cartLine struct {
	SKU      string `dotnet:"Sku"`
	Quantity int
	Price    dotnet.Decimal
}

// newCart returns an empty cart.
func newCart() cart {
	c := cart{Created: dotnet.NewDateTime(time.Now().Truncate(time.Second), dotnet.UTC)}
	rand.Read(c.ID[:]) // never fails: crypto/rand ends the program instead
	return c
}

// add returns the cart with n more of a product, or fewer. The receiver stays
// as it is. A product that is not sold changes nothing.
func (c cart) add(sku string, n int) cart {
	p, ok := findProduct(sku)
	if !ok {
		return c
	}
	if c.ID == (dotnet.GUID{}) {
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
	return new(big.Rat).Mul(l.Price.Rat(), big.NewRat(int64(l.Quantity), 1))
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

// Command firstpage is the page that docs/first-page.md moves: the cart of a shop,
// whose session the old shop owns.
package main

import (
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/dotnet"
	"github.com/sessionbridge/session/httpsession"
	"github.com/sessionbridge/session/remoteapp"
)

// Cart is the old shop's class, property by property.
type Cart struct {
	ID      dotnet.GUID `dotnet:"Id"`
	Created dotnet.DateTime
	Lines   []Line
	Notes   map[string]*string
	Rest    dotnet.Rest // what the class has besides
}

// Line is so many of one product.
type Line struct {
	Sku      string
	Quantity int
	Price    dotnet.Decimal
	Rest     dotnet.Rest
}

var cartKey = session.NewKey[Cart]("cart")

var errNotThere = errors.New("the cart has no such product")

// more puts in one more of a product that is there.
func (c *Cart) more(sku string) error {
	for i := range c.Lines {
		if c.Lines[i].Sku == sku {
			c.Lines[i].Quantity++
			return nil
		}
	}
	return errNotThere
}

func showCart(w http.ResponseWriter, r *http.Request) {
	var cart Cart
	sku := r.PostFormValue("more")             // before the session is held: a body may come slowly
	s, err := session.FromContext(r.Context()) // opens the session
	if err == nil && sku != "" {
		err = cartKey.Update(s, func(c *Cart) error { return c.more(sku) })
	}
	if err == nil {
		cart, err = cartKey.Get(s)
	}
	switch {
	case errors.Is(err, errNotThere):
		http.Error(w, "That is not in your cart.", http.StatusNotFound)
		return
	case err != nil:
		httpsession.Error(w, r, err)
		return
	}
	for _, line := range cart.Lines {
		fmt.Fprintf(w, "%d x %s at %s\n", line.Quantity, line.Sku, line.Price)
	}
}

func main() {
	owner, err := remoteapp.NewClient(remoteapp.ClientOptionsFromEnv(os.Getenv))
	if err != nil {
		log.Fatal(err)
	}
	sessions, err := httpsession.Middleware(owner, httpsession.Options{ReadOnlyGET: true})
	if err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("tcp", os.Getenv("LISTEN"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("ready http://%s\n", listener.Addr())
	log.Fatal(http.Serve(listener, sessions(http.HandlerFunc(showCart))))
}

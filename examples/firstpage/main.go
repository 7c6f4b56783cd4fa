// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

// Command firstpage is the page that docs/first-page.md moves: the cart of a shop,
// whose session the old shop owns.
package main

import (
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
}

// Line is so many of one product.
type Line struct {
	Sku      string
	Quantity int
	Price    dotnet.Decimal
}

var cartKey = session.NewKey[Cart]("cart")

func showCart(w http.ResponseWriter, r *http.Request) {
	s, err := session.FromContext(r.Context())
	var cart Cart
	if err == nil {
		cart, err = cartKey.Get(s)
	}
	if err == nil && r.Method == http.MethodPost {
		for i := range cart.Lines {
			if cart.Lines[i].Sku == r.FormValue("more") {
				cart.Lines[i].Quantity++
			}
		}
		err = cartKey.Set(s, cart)
	}
	if err != nil {
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

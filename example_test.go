// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package session_test

import (
	"context"
	"fmt"
	"log"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/memstore"
)

// Keys are made once, with the type of their values.
var visits = session.NewKey[int]("visits")

// Two pages of a program that owns its sessions count a user's visits.
func ExampleManager_Open() {
	ctx := context.Background()
	store, err := memstore.New(memstore.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
	manager, err := session.OpenManager(ctx, store, session.ManagerOptions{})
	if err != nil {
		log.Fatal(err)
	}
	defer manager.Close()

	id := "" // of the browser's cookie; none makes a new session
	for range 2 {
		if id, err = countVisit(ctx, manager, id); err != nil {
			log.Fatal(err)
		}
	}

	reader, err := manager.Open(ctx, id, session.ReadOnly)
	if err != nil {
		log.Fatal(err)
	}
	n, err := visits.Get(reader.Session())
	fmt.Println("visits:", n, err)
	// Output: visits: 2 <nil>
}

// countVisit is a page: it takes any source of sessions.
func countVisit(ctx context.Context, source session.Source, id string) (string, error) {
	opened, err := source.Open(ctx, id, session.Writable)
	if err != nil {
		return "", err
	}
	defer opened.Release(ctx) // does nothing after the commit
	n, err := visits.Get(opened.Session())
	if err != nil {
		return "", err
	}
	if err := visits.Set(opened.Session(), n+1); err != nil {
		return "", err
	}
	return opened.Session().ID(), opened.Commit(ctx)
}

func ExampleKey() {
	type Cart struct{ Items []string }
	cart := session.NewKey[Cart]("cart")

	s := session.NewSession(session.State{ID: session.NewID()})
	if err := cart.Set(s, Cart{Items: []string{"bicycle"}}); err != nil {
		log.Fatal(err)
	}
	raw, _ := s.Raw("CART") // keys compare without case
	fmt.Printf("%s\n", raw)

	_, err := session.NewKey[int]("cart").Get(s)
	fmt.Println(err)
	// Output:
	// {"Items":["bicycle"]}
	// session key "cart": want int, found an object (21 bytes), which this request wrote: dotnet: $, byte 0: found an object, want a number of type int
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package session_test

import (
	"context"
	"fmt"
	"log"
	"log/slog"
	"time"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/memstore"
)

// Update changes a copy and sets it; nobody can forget to.
func ExampleKey_Update() {
	stock := session.NewKey[map[string]int]("stock")
	s := session.NewSession(session.State{ID: session.NewID()})
	err := stock.Update(s, func(goods *map[string]int) error {
		if *goods == nil {
			*goods = make(map[string]int)
		}
		(*goods)["bell"]++
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(stock.Get(s))
	// Output: map[bell:1] <nil>
}

// A program that is used to sessions in memory changes values in place.
func ExampleKey_WithMutations() {
	ctx, manager := context.Background(), openExampleManager()
	defer manager.Close()
	stock := session.NewKey[map[string]int]("stock").WithMutations(session.SaveMutations)

	id := ""
	for range 2 {
		opened, err := manager.Open(ctx, id, session.Writable)
		if err != nil {
			log.Fatal(err)
		}
		id = opened.Session().ID()
		goods, ok, err := stock.Lookup(opened.Session())
		if err == nil && !ok {
			goods = map[string]int{"bell": 1}
			err = stock.Set(opened.Session(), goods)
		}
		if err != nil {
			log.Fatal(err)
		}
		goods["bell"]++ // no Set
		if err := opened.Commit(ctx); err != nil {
			log.Fatal(err)
		}
	}
	reader, err := manager.Open(ctx, id, session.ReadOnly)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(stock.Get(reader.Session()))
	// Output: map[bell:3] <nil>
}

// The keys of carts have the number of a shop in them.
func ExamplePattern() {
	cart := session.NewPattern[[]string]("cart:*")
	s := session.NewSession(session.State{ID: session.NewID()})
	if err := cart.Key("17").Set(s, []string{"bell"}); err != nil {
		log.Fatal(err)
	}
	for _, shop := range cart.Parts(s) {
		goods, err := cart.Key(shop).Get(s)
		fmt.Println(shop, goods, err)
	}
	// Output: 17 [bell] <nil>
}

// A program declares its keys, and refuses sessions with others.
func ExampleKeySet_Strict() {
	ctx, manager := context.Background(), openExampleManager()
	defer manager.Close()
	known, err := session.NewKeySet(session.NewKey[string]("user"), session.NewPattern[[]string]("cart:*"))
	if err != nil {
		log.Fatal(err)
	}
	opened, err := manager.Open(ctx, "", session.Writable) // somebody who is not strict
	if err != nil {
		log.Fatal(err)
	}
	if err := session.NewKey[int]("visits").Set(opened.Session(), 1); err != nil {
		log.Fatal(err)
	}
	if err := opened.Commit(ctx); err != nil {
		log.Fatal(err)
	}
	_, err = known.Strict(manager).Open(ctx, opened.Session().ID(), session.ReadOnly)
	fmt.Println(err)
	// Output: the session has keys that the program's KeySet does not declare, of an earlier request or another program: "visits" (a number (1 bytes))
}

// A job tells a user something, from outside of any request.
func ExampleDo() {
	ctx, manager := context.Background(), openExampleManager()
	defer manager.Close()
	notices := session.NewKey[[]string]("notices")
	tell := func(id string) error {
		return session.Do(ctx, manager, id, func(s *session.Session) error {
			return notices.Update(s, func(all *[]string) error {
				*all = append(*all, "your order has left")
				return nil
			})
		})
	}
	id, err := countVisit(ctx, manager, "")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(tell(id))
	fmt.Println(tell(session.NewID()))
	// Output:
	// <nil>
	// session not found
}

// A page that looks first, and changes something only then, holds the session no
// longer than it must.
func ExampleLockOnWrite() {
	ctx, manager := context.Background(), openExampleManager()
	defer manager.Close()
	opened, err := session.LockOnWrite(manager).Open(ctx, "", session.Writable)
	if err != nil {
		log.Fatal(err)
	}
	n, err := visits.Get(opened.Session())
	fmt.Println(n, err, "holds:", manager.Stats().Holds)
	err = visits.Set(opened.Session(), n+1)
	fmt.Println(err, "holds:", manager.Stats().Holds)
	fmt.Println(opened.Commit(ctx), "holds:", manager.Stats().Holds)
	// Output:
	// 0 <nil> holds: 0
	// <nil> holds: 1
	// <nil> holds: 0
}

// Sessions end eight hours after they began, used or not. All programs know the
// key; in ASP.NET it is a DateTime.
func ExampleEndAfter() {
	ctx, manager := context.Background(), openExampleManager()
	defer manager.Close()
	began := session.NewKey[time.Time]("began")
	source := session.EndAfter(manager, 8*time.Hour, began)
	id, err := countVisit(ctx, source, "")
	if err != nil {
		log.Fatal(err)
	}
	show := func() {
		opened, err := source.Open(ctx, id, session.ReadOnly)
		if err != nil {
			log.Fatal(err)
		}
		defer opened.Release(ctx)
		n, err := visits.Get(opened.Session())
		fmt.Println("visits:", n, err)
	}
	show()
	err = session.Do(ctx, manager, id, func(s *session.Session) error { // for the example, the time goes by at once
		return began.Update(s, func(at *time.Time) error {
			*at = at.Add(-8 * time.Hour)
			return nil
		})
	})
	if err != nil {
		log.Fatal(err)
	}
	show()
	// Output:
	// visits: 1 <nil>
	// visits: 0 <nil>
}

// A program hears what becomes of its sessions.
func ExampleManagerOptions_onEvent() {
	ctx := context.Background()
	store, err := memstore.New(memstore.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
	manager, err := session.OpenManager(ctx, store, session.ManagerOptions{
		OnEvent: func(e session.Event) { fmt.Println(e.Kind, "by", e.Client) },
	})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := countVisit(ctx, manager, ""); err != nil {
		log.Fatal(err)
	}
	manager.Close() // waits for the events
	// Output:
	// started by local
	// committed by local
}

// openExampleManager opens what owns the sessions of an example.
func openExampleManager() *session.Manager {
	store, err := memstore.New(memstore.Options{})
	if err != nil {
		log.Fatal(err)
	}
	manager, err := session.OpenManager(context.Background(), store, session.ManagerOptions{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		log.Fatal(err)
	}
	return manager
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package remoteapp_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/memstore"
	"github.com/sessionbridge/session/remoteapp"
)

// startOwner starts what stands in these examples for the old application.
func startOwner() (owner *httptest.Server, stop func()) {
	store, err := memstore.New(memstore.Options{})
	if err != nil {
		log.Fatal(err)
	}
	manager, err := session.OpenManager(context.Background(), store, session.ManagerOptions{})
	if err != nil {
		log.Fatal(err)
	}
	handler, err := remoteapp.NewHandler(manager, remoteapp.HandlerOptions{
		Clients: []remoteapp.HandlerClient{{Name: "shop", Keys: []string{"5b3a9c1e-7d24-4f60-8a19-c2d3e4f5a6b7"}}},
	})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle(remoteapp.DefaultPath, handler)
	owner = httptest.NewUnstartedServer(mux)
	remoteapp.PrepareServer(owner.Config)
	owner.EnableHTTP2 = true
	owner.StartTLS()
	return owner, func() {
		owner.Close()
		manager.Close()
		store.Close()
	}
}

// A Go page reads and writes the sessions of the old application.
func ExampleClient() {
	owner, stop := startOwner()
	defer stop()
	client, err := remoteapp.NewClient(remoteapp.ClientOptions{
		RemoteAppURL: owner.URL,
		APIKey:       "5b3a9c1e-7d24-4f60-8a19-c2d3e4f5a6b7",
		Transport:    owner.Client().Transport, // trusts its certificate
	})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	visits := session.NewKey[int]("visits")
	ctx, id := context.Background(), "x5b3ijpyk0sh4ml2l4v5ydgf" // of the browser's cookie
	for range 3 {
		opened, err := client.Open(ctx, id, session.Writable)
		if err != nil {
			log.Fatal(err)
		}
		n, err := visits.Get(opened.Session())
		if err != nil {
			log.Fatal(err)
		}
		if err := visits.Set(opened.Session(), n+1); err != nil {
			log.Fatal(err)
		}
		if err := opened.Commit(ctx); err != nil {
			log.Fatal(err)
		}
	}
	opened, err := client.Open(ctx, id, session.ReadOnly)
	if err != nil {
		log.Fatal(err)
	}
	n, err := visits.Get(opened.Session())
	fmt.Println("visits:", n, err, "- connections:", client.Mode())
	// Output:
	// visits: 3 <nil> - connections: single
}

// A program branches on what went wrong.
func ExampleError() {
	owner := httptest.NewServer(http.NotFoundHandler())
	defer owner.Close()
	client, err := remoteapp.NewClient(remoteapp.ClientOptions{
		RemoteAppURL: owner.URL,
		APIKey:       "5b3a9c1e-7d24-4f60-8a19-c2d3e4f5a6b7",
	})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	_, err = client.Open(context.Background(), "", session.ReadOnly)
	var (
		busy   *session.BusyError
		detail *remoteapp.Error
	)
	switch {
	case errors.As(err, &busy):
		fmt.Println("let the user try again")
	case errors.Is(err, remoteapp.ErrUnreachable):
		fmt.Println("go on without a session")
	case errors.As(err, &detail):
		fmt.Println(detail.Status, detail.Kind)
		fmt.Println(detail.Remedy)
	}
	// Output:
	// 404 no sessions are served at this URL
	// look at RemoteAppURL and SessionEndpointPath: no sessions are served there
}

// The names are those that .NET's configuration has in the environment.
func ExampleClientOptionsFromEnv() {
	env := map[string]string{
		"SystemWebAdapters__Remote__RemoteAppUrl": "https://old.example/shop",
		"SystemWebAdapters__Remote__ApiKey":       "5b3a9c1e-7d24-4f60-8a19-c2d3e4f5a6b7",
	}
	o := remoteapp.ClientOptionsFromEnv(func(name string) string { return env[name] }) // usually os.Getenv
	o.Mode = remoteapp.Double
	fmt.Println(o.RemoteAppURL, o.Check())
	// Output:
	// https://old.example/shop <nil>
}

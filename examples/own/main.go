// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

// Command own keeps the sessions of a site: for a page of its own, and for an
// application in ASP.NET Core. They are in the directory SESSION_DIR.
package main

import (
	"context"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/examples/visits"
	"github.com/sessionbridge/session/httpsession"
	"github.com/sessionbridge/session/pebblestore"
	"github.com/sessionbridge/session/remoteapp"
)

func main() {
	store, err := pebblestore.Open(context.Background(), pebblestore.Options{Dir: os.Getenv("SESSION_DIR")}) // sessions outlive a restart
	check(err)
	manager, err := session.OpenManager(context.Background(), store, session.ManagerOptions{})
	check(err)
	handler, err := remoteapp.NewHandler(manager, remoteapp.HandlerOptions{
		Clients: []remoteapp.HandlerClient{{Name: "core", Keys: []string{os.Getenv("SESSION_KEY")}}},
	})
	check(err)
	sessions, err := httpsession.Middleware(manager, httpsession.Options{})
	check(err)
	http.Handle(remoteapp.DefaultPath, handler) // where ASP.NET Core asks for sessions
	http.Handle("/visit", sessions(http.HandlerFunc(visits.Page)))
	server := &http.Server{} // how to stop it shows ExampleHandler of package remoteapp
	remoteapp.PrepareServer(server)
	listener, err := net.Listen("tcp", os.Getenv("LISTEN")) // such as 127.0.0.1:7100
	check(err)
	fmt.Printf("ready http://%s\n", listener.Addr())
	check(server.Serve(listener))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

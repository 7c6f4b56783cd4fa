// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

// Command leave has sessions that an old application owns, and owns them itself
// once that is gone, in the directory SESSION_DIR.
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
	sessions, err := httpsession.Middleware(owner(), httpsession.Options{})
	check(err)
	http.Handle("/visit", sessions(http.HandlerFunc(visits.Page)))
	listener, err := net.Listen("tcp", os.Getenv("LISTEN"))
	check(err)
	fmt.Printf("ready http://%s\n", listener.Addr())
	check(http.Serve(listener, nil))
}

// owner returns who owns the sessions, which is all that changes.
func owner() session.Source {
	old := remoteapp.ClientOptionsFromEnv(os.Getenv)
	if old.RemoteAppURL != "" {
		client, err := remoteapp.NewClient(old)
		check(err)
		return client
	}
	store, err := pebblestore.Open(context.Background(), pebblestore.Options{Dir: os.Getenv("SESSION_DIR")}) // sessions outlive a restart
	check(err)
	manager, err := session.OpenManager(context.Background(), store, session.ManagerOptions{})
	check(err)
	handler, err := remoteapp.NewHandler(manager, remoteapp.HandlerOptions{
		Clients: []remoteapp.HandlerClient{{Name: "core", Keys: []string{old.APIKey}}},
	})
	check(err)
	http.Handle(remoteapp.DefaultPath, handler) // for those who had the old one's
	return manager
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

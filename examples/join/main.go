// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

// Command join adds a page in Go to a site whose sessions another program owns:
// an ASP.NET application, or sessionbridge serve.
package main

import (
	"fmt"
	"log"
	"net"
	"net/http"
	"os"

	"github.com/sessionbridge/session/examples/visits"
	"github.com/sessionbridge/session/httpsession"
	"github.com/sessionbridge/session/remoteapp"
)

func main() {
	// SystemWebAdapters__Remote__RemoteAppUrl and SystemWebAdapters__Remote__ApiKey,
	// as for an application in ASP.NET Core.
	owner, err := remoteapp.NewClient(remoteapp.ClientOptionsFromEnv(os.Getenv))
	if err != nil {
		log.Fatal(err)
	}
	sessions, err := httpsession.Middleware(owner, httpsession.Options{})
	if err != nil {
		log.Fatal(err)
	}
	http.Handle("/visit", sessions(http.HandlerFunc(visits.Page)))
	listener, err := net.Listen("tcp", os.Getenv("LISTEN")) // such as 127.0.0.1:8080
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("ready http://%s\n", listener.Addr())
	log.Fatal(http.Serve(listener, nil))
}

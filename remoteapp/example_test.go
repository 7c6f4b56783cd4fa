// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package remoteapp_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"time"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/memstore"
	"github.com/sessionbridge/session/remoteapp"
	"github.com/sessionbridge/session/wire"
)

// A Go program owns the sessions of an ASP.NET Core application.
func ExampleHandler() {
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
	handler, err := remoteapp.NewHandler(manager, remoteapp.HandlerOptions{
		Clients: []remoteapp.HandlerClient{{Name: "shop", Keys: []string{"5b3a9c1e-7d24-4f60-8a19-c2d3e4f5a6b7"}}},
	})
	if err != nil {
		log.Fatal(err)
	}

	mux := http.NewServeMux()
	mux.Handle(remoteapp.DefaultPath, handler)
	server := &http.Server{Handler: mux}
	remoteapp.PrepareServer(server)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()

	// What the application's client asks for a page that only reads.
	request, err := http.NewRequest("GET", "http://"+listener.Addr().String()+remoteapp.DefaultPath, nil)
	if err != nil {
		log.Fatal(err)
	}
	request.Header.Set("X-SystemWebAdapter-RemoteAppAuthentication-Key", "5b3a9c1e-7d24-4f60-8a19-c2d3e4f5a6b7")
	request.Header.Set("X-SystemWebAdapter-RemoteAppSession-ReadOnly", "True")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		log.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		log.Fatal(err)
	}
	response.Body.Close()
	s, _, err := wire.Decode(body, wire.Limits{})
	fmt.Println(response.Status, "- new:", s.New, "timeout:", s.Timeout, err)

	// The handler first: a session that is held may be committed until then.
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	if err := handler.Shutdown(ctx); err != nil {
		log.Fatal(err)
	}
	if err := server.Shutdown(ctx); err != nil {
		log.Fatal(err)
	}
	fmt.Println(<-served)
	// Output:
	// 200 OK - new: true timeout: 20 <nil>
	// http: Server closed
}

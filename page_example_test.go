// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package session_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/httpsession"
	"github.com/sessionbridge/session/memstore"
	"github.com/sessionbridge/session/remoteapp"
)

func page(w http.ResponseWriter, r *http.Request) {
	var count int
	s, err := session.FromContext(r.Context()) // opens the session
	if err == nil {
		err = visits.Update(s, func(n *int) error { *n++; count = *n; return nil })
	}
	if err != nil {
		httpsession.Error(w, r, err)
		return
	}
	fmt.Fprintln(w, "visits:", count) // commits it first
}

// A page of a Go program counts a user's visits in a session that another
// program owns.
func Example_page() {
	owner := startOwner("5b3a9c1e-7d24-4f60-8a19-c2d3e4f5a6b7")
	defer owner.Close()
	client, err := remoteapp.NewClient(remoteapp.ClientOptions{
		RemoteAppURL: owner.URL,
		APIKey:       "5b3a9c1e-7d24-4f60-8a19-c2d3e4f5a6b7",
	})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	sessions, err := httpsession.Middleware(client, httpsession.Options{})
	if err != nil {
		log.Fatal(err)
	}
	site := httptest.NewServer(sessions(http.HandlerFunc(page)))
	defer site.Close()

	jar, err := cookiejar.New(nil)
	if err != nil {
		log.Fatal(err)
	}
	browser := &http.Client{Jar: jar}
	for range 3 {
		response, err := browser.Get(site.URL)
		if err != nil {
			log.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		if err != nil {
			log.Fatal(err)
		}
		response.Body.Close()
		fmt.Print(string(body))
	}
	// Output:
	// visits: 1
	// visits: 2
	// visits: 3
}

// startOwner serves the sessions of another program.
func startOwner(key string) *httptest.Server {
	store, err := memstore.New(memstore.Options{})
	if err != nil {
		log.Fatal(err)
	}
	manager, err := session.OpenManager(context.Background(), store, session.ManagerOptions{})
	if err != nil {
		log.Fatal(err)
	}
	handler, err := remoteapp.NewHandler(manager, remoteapp.HandlerOptions{Clients: []remoteapp.HandlerClient{{Name: "shop", Keys: []string{key}}}})
	if err != nil {
		log.Fatal(err)
	}
	owner := httptest.NewUnstartedServer(handler)
	owner.Config.RegisterOnShutdown(manager.Close)
	remoteapp.PrepareServer(owner.Config)
	owner.Start()
	return owner
}

// The page of the README is the one that is compiled and run above.
func TestREADMEHasThePageThatRuns(t *testing.T) {
	source, err := os.ReadFile("page_example_test.go")
	must(t, err)
	readme, err := os.ReadFile("README.md")
	must(t, err)
	_, page, _ := strings.Cut(string(source), "\nfunc page")
	page, _, _ = strings.Cut("func page"+page, "\n// A page of")
	for _, want := range []string{strings.TrimSpace(page), `var visits = session.NewKey[int]("visits")`} {
		if len(want) < 40 || !strings.Contains(string(readme), want) {
			t.Errorf("README.md does not have\n%s", want)
		}
	}
}

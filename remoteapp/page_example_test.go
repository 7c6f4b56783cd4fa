// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package remoteapp_test

import (
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
	"github.com/sessionbridge/session/remoteapp"
)

var visits = session.NewKey[int]("visits")

func page(w http.ResponseWriter, r *http.Request) {
	s, err := session.FromContext(r.Context()) // opens the session
	if err != nil {
		httpsession.Error(w, r, err)
		return
	}
	n, err := visits.Get(s)
	if err == nil {
		err = visits.Set(s, n+1)
	}
	if err != nil {
		httpsession.Error(w, r, err)
		return
	}
	fmt.Fprintln(w, "visits:", n+1) // commits it first
}

// A page of a Go program counts a user's visits in a session that another
// program owns.
func Example_page() {
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

// The page of the README is the one that is compiled and run above.
func TestREADMEHasThePageThatRuns(t *testing.T) {
	source, err := os.ReadFile("page_example_test.go")
	must(t, err)
	readme, err := os.ReadFile("../README.md")
	must(t, err)
	_, page, _ := strings.Cut(string(source), "\nvar visits")
	page, _, _ = strings.Cut("var visits"+page, "\n// A page of")
	if page = strings.TrimSpace(page); !strings.Contains(page, "func page") || !strings.Contains(string(readme), page) {
		t.Errorf("README.md does not have\n%s", page)
	}
}

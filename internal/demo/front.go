// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"net/http"
	"strings"
)

// Where the shops are at the origin that the browser sees.
const (
	oldBase = "/old"
	newBase = "/new"
)

// newFront returns the one origin in front of both shops, as a migration has
// it: what is not moved yet goes to the old shop. Around them is the stage.
func newFront(j *journal, old, fresh http.Handler, s *stage) http.Handler {
	mux := http.NewServeMux()
	mux.Handle(oldBase+"/", traced(j, old))
	mux.Handle(newBase+"/", traced(j, fresh))
	mux.HandleFunc("GET /{$}", s.show)
	mux.HandleFunc("POST /try/{trial}", s.try)
	mux.HandleFunc("GET /connect", s.connect)
	mux.Handle("GET /panel/events", s.panel)
	mux.Handle("GET /assets/", cached(http.FileServerFS(assetFiles)))
	return secured(new(http.CrossOriginProtection).Handler(mux))
}

// traced lets the journal know for which page an exchange is.
func traced(j *journal, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		j.pages.trace(r, pageLabel(r))
		next.ServeHTTP(w, r)
	})
}

// pageLabels are the names of the pages of trials.
func pageLabels() map[string]string {
	return map[string]string{"tab1": "tab 1", "tab2": "tab 2", "slow": "slow page", "other": "another page", "next": "next page", "first": "first page"}
}

// pageLabel returns the name of a page for the panel.
func pageLabel(r *http.Request) string {
	_, page, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	switch page {
	case "":
		return "shop page"
	case "cart":
		return "cart button"
	case "throw":
		return "page that throws"
	case "state":
		return "check"
	case "visit":
		return pageLabels()[r.URL.Query().Get("as")]
	}
	return ""
}

// cached lets browsers keep files for a while: until the next version maybe.
func cached(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=300")
		next.ServeHTTP(w, r)
	})
}

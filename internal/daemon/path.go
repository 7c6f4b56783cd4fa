// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"encoding/json"
	"net/http"
	"strconv"
)

// atPath serves one path, exactly as it is written. ServeMux would clean other
// paths and redirect, which Microsoft's client does not follow.
func atPath(path string, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == path {
			h.ServeHTTP(w, r)
			return
		}
		sayNotFound(w, path)
	})
}

// sayNotFound answers 404 with problem details (RFC 9457).
func sayNotFound(w http.ResponseWriter, served string) {
	body, err := json.Marshal(struct {
		Type   string `json:"type"`
		Title  string `json:"title"`
		Status int    `json:"status"`
		Detail string `json:"detail"`
	}{
		"urn:sessionbridge:problem:not-found", "Not Found", http.StatusNotFound,
		"Nothing is served at this path. The sessions are at " + served + ", without a slash at the end and in this spelling.",
	})
	if err != nil {
		panic(err) // strings and an int
	}
	header := w.Header()
	header.Set("Content-Type", "application/problem+json")
	header.Set("Content-Length", strconv.Itoa(len(body)))
	header.Set("Cache-Control", "no-store")
	header.Set("X-Accel-Buffering", "no")
	w.WriteHeader(http.StatusNotFound)
	w.Write(body) // an error means that the peer has gone
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/sessionbridge/session/internal/seldom"
)

// atPath serves one path, exactly as it is written. ServeMux would clean other
// paths and redirect, which Microsoft's client does not follow. What is asked
// for at other paths is missed.
func atPath(path string, h http.Handler, missed func(*http.Request)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.EscapedPath() == path {
			h.ServeHTTP(w, r)
			return
		}
		missed(r)
		sayNotFound(w, r, path)
	})
}

// complainEvery is how often a wrong path is logged, at most: whoever asks for it
// asks again with every page.
const complainEvery = time.Minute

// wrongPaths log requests for paths that are not served.
type wrongPaths struct {
	log    *slog.Logger
	served string
	count  func()

	gate seldom.Gate
}

// note counts a request, and logs it now and then.
func (p *wrongPaths) note(r *http.Request) {
	p.count()
	say, silent := p.gate.Pass(complainEvery)
	if !say {
		return
	}
	const most = 200
	asked := r.URL.Path
	if len(asked) > most {
		asked = strings.ToValidUTF8(asked[:most], "") + "…"
	}
	p.log.Warn("nothing is served at the path that was asked for", "asked", asked, "served", p.served,
		"method", r.Method, "from", r.RemoteAddr, "more_before", silent)
}

// bodyPatience is how long the body of a request for another path is read.
const bodyPatience = 5 * time.Second

// sayNotFound answers 404 with problem details (RFC 9457).
func sayNotFound(w http.ResponseWriter, r *http.Request, served string) {
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
	if r.ProtoMajor == 1 && r.ContentLength != 0 { // don't wait for a body that may never come
		header.Set("Connection", "close")
		http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyPatience))
	}
	w.WriteHeader(http.StatusNotFound)
	w.Write(body) // an error means that the peer has gone
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// atPath serves one path, exactly as it is written. ServeMux would clean other
// paths and redirect, which Microsoft's client does not follow. What is asked
// for at other paths is missed.
func atPath(path string, h http.Handler, missed func(*http.Request)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == path {
			h.ServeHTTP(w, r)
			return
		}
		missed(r)
		sayNotFound(w, path)
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

	mu     sync.Mutex
	said   time.Time // when the last one was logged
	silent int       // that were not logged since
}

// note counts a request, and logs it now and then.
func (p *wrongPaths) note(r *http.Request) {
	p.count()
	say, silent := p.next(time.Now())
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

// next reports whether to log a request, and how many were not.
func (p *wrongPaths) next(now time.Time) (say bool, silent int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.said.IsZero() && now.Sub(p.said) < complainEvery {
		p.silent++
		return false, 0
	}
	silent, p.silent, p.said = p.silent, 0, now
	return true, silent
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

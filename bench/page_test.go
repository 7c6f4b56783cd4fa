// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/httpsession"
	"github.com/sessionbridge/session/remoteapp"
)

// browsers is how many visit the pages at once.
const browsers = 32

// goPage compares pages of a Go program: without a session, and with one that an
// owner in another process has.
func goPage(m *meter) []line {
	o := m.startOwner(m.scaled(stored, browsers))
	p := m.start("page", envOwner+"=http://"+o.address)
	visitors := func(path string) []client {
		return crowd(browsers, func(i int) client { return m.browser(p.address, path, sessionID(i)) })
	}
	fetch := m.compareLoad(visitors("/bare"), visitors("/fetch")).throughput("for comparison: a Go page that gets 1 KB from the same server, no session", "pages/s", 0)
	fetch.bar, fetch.verdict = "-", na
	lines := []line{fetch}
	for _, page := range []struct {
		name, path string
		bar        float64
	}{
		{"that reads its session", "/read", 0.5},
		{"that writes its session, GET + PUT", "/double", 0.35},
		{"that writes its session, duplex POST", "/single", 0.35},
	} {
		c := m.compareLoad(visitors("/bare"), visitors(page.path))
		lines = append(lines, c.throughput("a Go page "+page.name+", 1 KB, 32 browsers", "pages/s", page.bar))
	}
	return lines
}

func (m *meter) browser(address, path, id string) client {
	m.Helper()
	conn := dial1(m, address)
	get := fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: page\r\nCookie: %s=%s\r\n\r\n", path, cookie, id)
	return func() error { return conn.get(get) }
}

// newPages returns the pages of a Go program whose sessions an owner has.
func newPages(owner string) (*http.ServeMux, error) {
	mux := http.NewServeMux()
	mux.HandleFunc("/bare", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "page") })
	mux.HandleFunc("/fetch", fetchPage(owner+pathRead))
	for _, mode := range []struct {
		path string
		o    remoteapp.ClientOptions
		page http.Handler
	}{
		{"/read", remoteapp.ClientOptions{}, httpsession.ReadOnly(http.HandlerFunc(readPage))},
		{"/double", remoteapp.ClientOptions{Mode: remoteapp.Double}, http.HandlerFunc(writePage)},
		{"/single", remoteapp.ClientOptions{Mode: remoteapp.Single, H2C: true}, http.HandlerFunc(writePage)},
	} {
		mode.o.RemoteAppURL, mode.o.APIKey, mode.o.Logger = owner, apiKey, slog.New(slog.DiscardHandler)
		source, err := remoteapp.NewClient(mode.o)
		if err != nil {
			return nil, err
		}
		sessions, err := httpsession.Middleware(source, httpsession.Options{})
		if err != nil {
			return nil, err
		}
		mux.Handle(mode.path, sessions(mode.page))
	}
	return mux, nil
}

// fetchPage gets what a page with a session would get, and nothing more.
func fetchPage(url string) http.HandlerFunc {
	transport := &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: browsers}
	return func(w http.ResponseWriter, r *http.Request) {
		ask, err := http.NewRequestWithContext(r.Context(), http.MethodGet, url, nil)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		res, err := transport.RoundTrip(ask)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer res.Body.Close()
		if _, err := io.Copy(io.Discard, res.Body); err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		io.WriteString(w, "page")
	}
}

func readPage(w http.ResponseWriter, r *http.Request) {
	s, err := session.FromContext(r.Context())
	if err != nil {
		httpsession.Error(w, r, err)
		return
	}
	if _, ok := s.Raw("key00"); !ok {
		http.Error(w, "the session is empty", http.StatusInternalServerError)
		return
	}
	io.WriteString(w, "page")
}

func writePage(w http.ResponseWriter, r *http.Request) {
	visits := session.NewKey[int]("visits")
	s, err := session.FromContext(r.Context())
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
	io.WriteString(w, "page")
}

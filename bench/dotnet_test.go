// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"time"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/internal/dotnetpeer"
	"github.com/sessionbridge/session/remoteapp"
)

// readAfterLateCommit measures what a page of a .NET program sees of the page
// before it, whose commit came after its answer, and how long it waits for that.
func readAfterLateCommit(m *meter) []line {
	dotnetpeer.Path(m) // or the row is skipped
	var lines []line
	for _, mode := range []struct {
		name  string
		tls   bool
		flags []string
	}{{"GET + PUT", false, nil}, {"duplex POST", true, []string{"--single"}}} {
		if m.brief && mode.tls {
			break // one is enough to see it work: they take long to start
		}
		never := m.visitLate(m.serveDotnet(-1, mode.tls), mode.flags)
		ours := m.visitLate(m.serveDotnet(2*time.Second, mode.tls), mode.flags)
		wait := median(ours.after) - median(ours.quiet)
		lines = append(lines, line{
			work:     "read straight after a write of .NET, which commits late, " + mode.name,
			baseline: fmt.Sprintf("an owner that never waits: %d of %d stale", never.stale, len(never.after)),
			ours:     fmt.Sprintf("%d of %d stale, waits %s", ours.stale, len(ours.after), micros(max(wait, 0))),
			ratio:    "-", bar: "never stale, waits < 10 ms (ASP.NET: 502 ms)",
			verdict: holds(ours.stale == 0 && wait < 10e-3),
		})
	}
	return lines
}

// serveDotnet serves sessions on real sockets and returns the URL.
func (m *meter) serveDotnet(readWait time.Duration, tls bool) string {
	m.Helper()
	o, err := newOwner(m.Context(), 0, sampleKeys, session.ManagerOptions{ReadWait: readWait})
	must(m, err)
	m.Cleanup(o.manager.Close)
	server := httptest.NewUnstartedServer(o.handler)
	remoteapp.PrepareServer(server.Config)
	if tls {
		server.EnableHTTP2 = true
		server.StartTLS()
	} else {
		server.Start()
	}
	m.Cleanup(server.Close)
	return server.URL
}

// A visit is what a browser saw that read after each of its writes.
type visit struct {
	stale        int
	after, quiet []float64 // seconds of a read straight after a write, and of the next
}

// visitLate lets a browser visit a .NET program that uses a server.
func (m *meter) visitLate(server string, flags []string) (v visit) {
	m.Helper()
	peer := dotnetpeer.Start(m, append([]string{"app", "--remote", server, "--key", apiKey}, flags...)...)
	defer peer.Stop()
	jar, err := cookiejar.New(nil)
	must(m, err)
	write, read := &http.Client{Jar: jar, Transport: new(http.Transport)}, &http.Client{Jar: jar, Transport: new(http.Transport)}
	defer write.CloseIdleConnections()
	defer read.CloseIdleConnections()
	visits := m.scaled(200, 5)
	for i := range visits {
		m.page(write, http.MethodPost, peer.URL+"/incr?k=visits")
		got, after := m.page(read, http.MethodGet, peer.URL+"/get?k=visits")
		if got != fmt.Sprint(i+1) {
			v.stale++
		}
		time.Sleep(5 * time.Millisecond) // let the commit come, wherever it is
		_, quiet := m.page(read, http.MethodGet, peer.URL+"/get?k=visits")
		v.after, v.quiet = append(v.after, after), append(v.quiet, quiet)
	}
	return v
}

// page visits a page and returns what it answers, and the seconds it took.
func (m *meter) page(browser *http.Client, method, url string) (body string, took float64) {
	m.Helper()
	began := time.Now()
	r, err := http.NewRequestWithContext(m.Context(), method, url, nil)
	must(m, err)
	res, err := browser.Do(r)
	must(m, err)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	must(m, err)
	if res.StatusCode != http.StatusOK {
		m.Fatalf("%s %s: %s %s", method, url, res.Status, b)
	}
	return string(b), time.Since(began).Seconds()
}

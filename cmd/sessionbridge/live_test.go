// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	random "math/rand/v2"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sessionbridge/session/internal/dotnetpeer"
)

// These tests run serve as its users do, and let pages of a real .NET program
// use its sessions, over each of the exchanges that Microsoft's client has.

const (
	shopKey = "5b3a9c1e-7d24-4f60-8a19-c2d3e4f5a6b7"
	deskKey = "6c4b0d2f-8e35-4071-9b2a-d3e4f5a6b7c8"
)

// modes are the two ways in which the .NET program writes.
var modes = []struct {
	name, scheme string
	flags        []string
}{
	{"GET+PUT", "http", nil},
	{"GET+PUT over TLS", "https", nil},
	{"duplex POST", "https", []string{"--single"}},
}

// A served is a running serve.
type served struct {
	urls    map[string]string // by scheme
	admin   string            // URL of health and metrics
	command *exec.Cmd
	ended   bool // it has ended already
	log     lockedBuffer
}

// startServe runs serve on free ports, with and without TLS, with the shop's
// and the desk's client unless the flags have others.
func startServe(t *testing.T, flags ...string) *served {
	t.Helper()
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	writeCertificate(t, cert, key)
	args := append([]string{"serve", "--listen", "http://127.0.0.1:0", "--listen", "https://127.0.0.1:0", "--tls-cert", cert, "--tls-key", key,
		"--admin-listen", "127.0.0.1:0", "--file-dir", filepath.Join(dir, "sessions"), "--client", "{name: shop, key: " + shopKey + "}"}, flags...)
	return runServe(t, 2, args...)
}

// runServe runs the command until it serves sessions at so many URLs.
func runServe(t *testing.T, urls int, args ...string) *served {
	t.Helper()
	command := exec.Command("sessionbridge", args...)
	s := &served{urls: map[string]string{}, command: command}
	command.Stderr = io.MultiWriter(t.Output(), &s.log)
	stdout, err := command.StdoutPipe()
	must(t, err)
	must(t, command.Start())
	t.Cleanup(func() { s.stop(t) })
	lines := bufio.NewScanner(stdout)
	for s.admin == "" && lines.Scan() {
		at, ok := strings.CutPrefix(lines.Text(), "ready ")
		at, admin := strings.CutSuffix(at, " admin")
		u, err := url.Parse(at)
		switch {
		case !ok || err != nil:
			t.Fatalf("serve printed %q", lines.Text())
		case admin:
			s.admin = at
		default:
			s.urls[u.Scheme] = at
		}
	}
	if len(s.urls) < urls || s.admin == "" {
		t.Fatal("serve ended before it was ready")
	}
	return s
}

// stop asks serve to end and fails unless it ends well.
func (s *served) stop(t *testing.T) {
	if s.ended {
		return
	}
	s.ended = true
	must(t, s.command.Process.Signal(syscall.SIGTERM))
	if err := s.command.Wait(); err != nil {
		t.Errorf("serve ended with %v", err)
	}
}

// A site is an application on .NET, and browsers that visit it.
type site struct {
	t    *testing.T
	peer *dotnetpeer.Peer
	user *http.Client // one browser; its cookie jar may be shared by others
}

// visit starts the application for one mode and returns a browser at it.
func visit(t *testing.T, s *served, mode int, flags ...string) *site {
	t.Helper()
	m := modes[mode]
	args := append([]string{"app", "--remote", s.urls[m.scheme]}, m.flags...)
	args = append(args, flags...)
	if !strings.Contains(strings.Join(flags, " "), "--key ") {
		args = append(args, "--key", shopKey)
	}
	jar, err := cookiejar.New(nil)
	must(t, err)
	return &site{t, dotnetpeer.Start(t, args...), &http.Client{Jar: jar, Timeout: time.Minute}}
}

// at returns the same user at another application.
func (s *site) at(other *site) *site { return &site{s.t, other.peer, s.user} }

// post posts to a page and returns what it answers.
func (s *site) post(page string) string {
	s.t.Helper()
	status, body := s.try(http.MethodPost, page)
	if status != http.StatusOK {
		s.t.Errorf("POST %s: %d %s", page, status, body)
	}
	return body
}

// get returns a value as JSON.
func (s *site) get(key string) string {
	s.t.Helper()
	status, body := s.try(http.MethodGet, "/get?k="+key)
	if status != http.StatusOK {
		s.t.Errorf("GET %s: %d %s", key, status, body)
	}
	return body
}

func (s *site) try(method, page string) (status int, body string) {
	s.t.Helper()
	r, err := http.NewRequest(method, s.peer.URL+page, nil)
	must(s.t, err)
	res, err := s.user.Do(r)
	if err != nil {
		return 0, err.Error()
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	must(s.t, err)
	return res.StatusCode, string(b)
}

func (s *site) want(key, want string) {
	s.t.Helper()
	if got := s.get(key); got != want {
		s.t.Errorf("%s is %s, want %s", key, got, want)
	}
}

// page is what the application tells of its session.
type page struct {
	ID       string
	IsNew    bool
	Timeout  int
	Unknown  []string
	Items    map[string]any
	ReadOnly bool `json:"isReadOnly"`
}

func (s *site) session() page {
	s.t.Helper()
	_, body := s.try(http.MethodGet, "/session")
	var p page
	if err := json.Unmarshal([]byte(body), &p); err != nil {
		s.t.Fatalf("%v: %s", err, body)
	}
	return p
}

func set(key, json string) string { return "/set?k=" + key + "&v=" + url.QueryEscape(json) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// inEachMode runs a test for each way to write, on one serve.
func inEachMode(t *testing.T, serveFlags []string, test func(t *testing.T, s *served, mode int)) {
	s := startServe(t, append([]string{"--read-wait", "2s"}, serveFlags...)...)
	for i, mode := range modes {
		t.Run(mode.name, func(t *testing.T) { test(t, s, i) })
	}
}

func TestPagesOnDotNetUseTheirSession(t *testing.T) {
	inEachMode(t, nil, func(t *testing.T, s *served, mode int) {
		shop := visit(t, s, mode)
		shop.post(set("user", `"Zoë <&> 🚲"`))
		shop.want("user", `"Zo\u00EB \u003C\u0026\u003E \uD83D\uDEB2"`)
		shop.post(set("visits", "41"))
		shop.post("/incr?k=visits")
		shop.want("visits", "42")
		first := shop.session()
		if first.IsNew || !first.ReadOnly || first.Timeout != 20 || len(first.Items) != 2 {
			t.Errorf("session %+v", first)
		}

		shop.post("/remove?k=user")
		shop.want("user", "null")
		shop.want("visits", "42")

		shop.post("/timeout?minutes=300")
		if got := shop.session().Timeout; got != 300 {
			t.Errorf("timeout %d, want 300", got)
		}

		shop.post(fmt.Sprintf("/large?k=user&bytes=%d", 1<<20-2)) // with its quotes a value of 1 MiB
		if got := len(shop.get("user")); got != 1<<20 {
			t.Errorf("the large value has %d bytes", got)
		}

		shop.post("/clear")
		if got := shop.session(); len(got.Items) != 0 || got.ID != first.ID {
			t.Errorf("after a clear: %+v", got)
		}
		shop.post(set("visits", "1"))
		shop.post("/abandon")
		if got := shop.session(); !got.IsNew || len(got.Items) != 0 {
			t.Errorf("after it was abandoned: %+v", got)
		}

		want := "double"
		if modes[mode].flags != nil {
			want = "single"
		}
		if _, got := shop.try(http.MethodGet, "/mode"); got != want {
			t.Errorf("the application writes over a %s connection, want %s", got, want)
		}
	})
}

func TestIncrementsOfManyBrowsersAreAllKept(t *testing.T) {
	inEachMode(t, nil, func(t *testing.T, s *served, mode int) {
		shop := visit(t, s, mode)
		shop.post(set("visits", "0"))
		shop.want("visits", "0")
		var browsers sync.WaitGroup
		for range 8 {
			browsers.Go(func() {
				for range 25 {
					shop.post("/incr?k=visits")
				}
			})
		}
		browsers.Wait()
		shop.want("visits", "200")
	})
}

func TestReadStraightAfterAWriteIsNeverStale(t *testing.T) {
	inEachMode(t, nil, func(t *testing.T, s *served, mode int) {
		shop := visit(t, lateCommits(t, s), mode)
		next := &site{t, shop.peer, &http.Client{Jar: shop.user.Jar, Transport: new(http.Transport)}} // its next connection
		defer next.user.CloseIdleConnections()
		for i := range 200 {
			// The answer of this page has a length, so the browser has it before
			// the commit. (That of /set ends with the request, which is after it.)
			shop.post("/incr?k=visits")
			next.want("visits", fmt.Sprint(i+1))
		}
	})
}

// lateCommits returns a way to serve on which commits take longer than reads, as
// they do with Microsoft's client.
func lateCommits(t *testing.T, s *served) *served {
	t.Helper()
	late := &served{urls: map[string]string{}}
	for scheme, at := range s.urls {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		must(t, err)
		var conns sync.WaitGroup
		t.Cleanup(conns.Wait)
		t.Cleanup(func() { l.Close() })
		conns.Go(func() {
			for {
				client, err := l.Accept()
				if err != nil {
					return
				}
				conns.Go(func() { relay(client, strings.TrimPrefix(at, scheme+"://")) })
			}
		})
		late.urls[scheme] = scheme + "://" + l.Addr().String()
	}
	return late
}

// relay passes a connection on, and holds back what may be a commit: a PUT, or
// what follows the greeting of a client that offers HTTP/2 only.
func relay(client net.Conn, to string) {
	defer client.Close()
	server, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer server.Close()
	var back sync.WaitGroup
	back.Go(func() { io.Copy(client, server); client.Close() })
	buf, duplex := make([]byte, 64<<10), false
	for {
		n, err := client.Read(buf)
		if err != nil {
			break
		}
		duplex = duplex || bytes.Contains(buf[:n], []byte("\x00\x03\x02h2"))
		if duplex || bytes.HasPrefix(buf[:n], []byte("PUT ")) {
			time.Sleep(5 * time.Millisecond)
		}
		if _, err := server.Write(buf[:n]); err != nil {
			break
		}
	}
	server.Close()
	back.Wait()
}

func TestCountsOfTwoApplicationsBothSurvive(t *testing.T) {
	inEachMode(t, []string{"--client", "{name: desk, key: " + deskKey + "}"}, func(t *testing.T, s *served, mode int) {
		shop := visit(t, s, mode, "--keys", "visits:int;user:string")
		desk := shop.at(visit(t, s, mode, "--keys", "calls:int", "--key", deskKey))
		visits, calls := 0, 0
		for range 60 {
			if random.IntN(2) == 0 {
				shop.post("/incr?k=visits")
				visits++
			} else {
				desk.post("/incr?k=calls")
				calls++
			}
		}
		shop.want("visits", fmt.Sprint(visits))
		desk.want("calls", fmt.Sprint(calls))
		desk.post("/clear") // what it knows
		shop.want("visits", fmt.Sprint(visits))
		desk.want("calls", "null")
	})
}

func TestStrictApplicationPassesWithAScope(t *testing.T) {
	flags := []string{"--client", "{name: desk, key: " + deskKey + `, keys: [calls, "desk*"]}`}
	inEachMode(t, flags, func(t *testing.T, s *served, mode int) {
		shop := visit(t, s, mode)
		strict := shop.at(visit(t, s, mode, "--strict", "--keys", "calls:int", "--key", deskKey))
		shop.post(set("user", `"ann"`))
		shop.want("user", `"ann"`)
		strict.post("/incr?k=calls")
		strict.post("/incr?k=calls")
		strict.want("calls", "2")
		if got := strict.session(); len(got.Unknown) != 0 || len(got.Items) != 1 {
			t.Errorf("the strict application sees %+v", got)
		}
		strict.post("/remove?k=calls")
		strict.want("calls", "null")
		shop.want("user", `"ann"`)
	})
}

func TestPageThatThrowsDoesNotLockItsUserOut(t *testing.T) {
	inEachMode(t, []string{"--duplex-hold-limit", "1s"}, func(t *testing.T, s *served, mode int) {
		shop := visit(t, s, mode)
		shop.post(set("visits", "1"))
		shop.want("visits", "1")
		if status, _ := shop.try(http.MethodPost, "/throw?k=visits&v=2"); status != http.StatusInternalServerError {
			t.Errorf("the page that throws: %d", status)
		}
		shop.post("/incr?k=visits") // within the hold limit, or the browser's minute
		shop.want("visits", "2")
	})
}

func TestApplicationThatIsKilledLetsGo(t *testing.T) {
	inEachMode(t, []string{"--duplex-hold-limit", "10m", "--get-hold-limit", "10m"}, func(t *testing.T, s *served, mode int) {
		shop := visit(t, s, mode)
		shop.post(set("visits", "1"))
		shop.want("visits", "1")
		heir := shop.at(visit(t, s, mode))
		var slow sync.WaitGroup
		slow.Go(func() { shop.try(http.MethodPost, "/slow?ms=600000&k=visits&v=7") })
		s.awaitMetric(t, "sessionbridge_holds 1")
		shop.peer.Kill()
		began := time.Now()
		heir.post("/incr?k=visits")
		if took := time.Since(began); took > 30*time.Second { // a minute is what the browser waits
			t.Errorf("the session was free only after %s", took)
		}
		slow.Wait()
		heir.want("visits", "2")
	})
}

func TestApplicationWithAWrongKeyIsTold(t *testing.T) {
	wrong := visit(t, startServe(t), 0, "--key", "00000000-0000-0000-0000-000000000009")
	if status, body := wrong.try(http.MethodPost, "/incr?k=visits"); status != http.StatusBadGateway || !strings.Contains(body, "401 (Unauthorized)") {
		t.Errorf("an application with a wrong key: %d %s", status, body)
	}
}

// awaitMetric returns once the metrics have a line.
func (s *served) awaitMetric(t *testing.T, line string) {
	t.Helper()
	for t.Context().Err() == nil {
		res, err := http.Get(s.admin + "/metrics")
		must(t, err)
		body, err := io.ReadAll(res.Body)
		must(t, err)
		res.Body.Close()
		if strings.Contains(string(body), "\n"+line+"\n") {
			return
		}
	}
}

// writeCertificate writes a certificate for 127.0.0.1 and its key.
func writeCertificate(t *testing.T, certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"localhost"},
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	must(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	must(t, err)
	must(t, os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}), 0o600))
	must(t, os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600))
}

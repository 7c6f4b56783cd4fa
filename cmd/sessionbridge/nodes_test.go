// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

//go:build unix

package main

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	random "math/rand/v2"
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/internal/redistest"
	"github.com/sessionbridge/session/remoteapp"
	"github.com/sessionbridge/session/wire"
)

// These tests run several serves, as processes of their own, over one Redis.

// startNodes starts nodes that share a Redis.
func startNodes(t *testing.T, n int, flags ...string) []*served {
	t.Helper()
	redis := redistest.Start(t, "--appendonly", "yes", "--appendfsync", "no")
	var nodes []*served
	for range n {
		nodes = append(nodes, startServe(t, append([]string{"--store", "redis", "--redis-url", redis.URL()}, flags...)...))
	}
	return nodes
}

// signal sends a node a signal.
func (s *served) signal(t *testing.T, sig syscall.Signal) {
	t.Helper()
	must(t, s.command.Process.Signal(sig))
}

// kill ends a node as a crash does.
func (s *served) kill(t *testing.T) {
	t.Helper()
	s.signal(t, syscall.SIGKILL)
	s.ended = true
	s.command.Wait() // it says that it was killed
}

// A guest is a page of some program that speaks the protocol itself, over two
// connections: so it can go to a node for the one and to a node for the other.
type guest struct {
	t       *testing.T
	client  *http.Client
	session wire.Session
	trace   string
	held    io.ReadCloser // the rest of the GET
}

// newGuest returns a page for a session.
func newGuest(t *testing.T, id string) *guest {
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	g := &guest{
		t: t, client: &http.Client{Transport: transport, Timeout: 90 * time.Second},
		trace: fmt.Sprintf("00-%016x%016x-0000000000000001-01", random.Uint64(), random.Uint64()),
	}
	g.session.ID = id
	return g
}

// send sends a request to a node.
func (g *guest) send(node *served, method string, readOnly bool, body []byte) (*http.Response, error) {
	r, err := http.NewRequestWithContext(g.t.Context(), method, node.urls["http"]+remoteapp.DefaultPath, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("X-SystemWebAdapter-RemoteAppAuthentication-Key", shopKey)
	r.Header.Set("Traceparent", g.trace)
	if method == http.MethodGet {
		r.Header.Set("X-SystemWebAdapter-RemoteAppSession-ReadOnly", fmt.Sprint(readOnly))
	}
	if g.session.ID != "" {
		r.AddCookie(&http.Cookie{Name: "ASP.NET_SessionId", Value: g.session.ID})
	}
	return g.client.Do(r)
}

// open opens the session at a node: to be written, it stays open.
func (g *guest) open(node *served, readOnly bool) error {
	answer, err := g.send(node, http.MethodGet, readOnly, nil)
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		defer answer.Body.Close()
		return fmt.Errorf("a GET is answered with %s", answer.Status)
	}
	g.session, err = wire.Read(answer.Body, wire.Limits{})
	if readOnly || err != nil {
		answer.Body.Close()
		return err
	}
	g.held = answer.Body
	g.t.Cleanup(func() { answer.Body.Close() })
	return nil
}

// put commits at a node and returns the status.
func (g *guest) put(node *served) (int, string) {
	answer, err := g.send(node, http.MethodPut, false, wire.Append(nil, &g.session))
	if err != nil {
		return 0, err.Error()
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	must(g.t, err)
	return answer.StatusCode, string(body)
}

// set changes the one key of these tests.
func (g *guest) set(visits string) {
	g.session.Items = []wire.Item{{Key: "visits", Value: []byte(visits)}}
}

// visits returns it.
func (g *guest) visits() string {
	for _, item := range g.session.Items {
		return string(item.Value)
	}
	return ""
}

// begin stores a session with one visit and returns its id.
func begin(t *testing.T, node *served) string {
	t.Helper()
	g := newGuest(t, "")
	must(t, g.open(node, false))
	g.set("1")
	g.wantPut(node, http.StatusOK)
	return g.session.ID
}

func (g *guest) wantPut(node *served, want int) {
	g.t.Helper()
	if status, body := g.put(node); status != want {
		g.t.Errorf("a PUT is answered with %d, want %d: %s", status, want, body)
	}
}

// wantVisits checks what is stored, as a node tells it.
func wantVisits(t *testing.T, node *served, id, want string) {
	t.Helper()
	g := newGuest(t, id)
	must(t, g.open(node, true))
	if got := g.visits(); got != want {
		t.Errorf("visits is %s, want %s", got, want)
	}
}

func TestAnyNodeTakesThePut(t *testing.T) {
	nodes := startNodes(t, 2)
	id := begin(t, nodes[0])
	g := newGuest(t, id)
	must(t, g.open(nodes[0], false))
	g.set("2")
	g.wantPut(nodes[1], http.StatusOK)
	if _, err := io.Copy(io.Discard, g.held); err != nil {
		t.Errorf("the held GET ended with %v", err)
	}
	for _, node := range nodes {
		wantVisits(t, node, id, "2")
		node.awaitMetric(t, "sessionbridge_holds 0")
	}
}

func TestReaderAtAnotherNodeMissesNoCommit(t *testing.T) {
	nodes := startNodes(t, 2, "--read-wait", "30s")
	id := begin(t, nodes[0])
	c, err := remoteapp.NewClient(remoteapp.ClientOptions{
		RemoteAppURL: nodes[0].urls["https"], APIKey: shopKey, Mode: remoteapp.Single, Logger: slog.New(slog.DiscardHandler),
		Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}},
	})
	must(t, err)
	defer c.Close()
	duplex, err := c.Open(t.Context(), id, session.Writable)
	must(t, err)
	reader, read := newGuest(t, id), make(chan error)
	go func() { read <- reader.open(nodes[1], true) }()
	select {
	case err := <-read:
		t.Fatalf("the reader did not wait for the writer: %v", err)
	case <-time.After(500 * time.Millisecond): // it waits, or has not begun: the answer is the same
	}
	must(t, session.NewKey[int]("visits").Set(duplex.Session(), 2))
	began := time.Now()
	must(t, duplex.Commit(t.Context()))
	must(t, <-read)
	if took := time.Since(began); reader.visits() != "2" || took > 20*time.Second {
		t.Errorf("the reader got %s after %s, want 2 when the commit was made", reader.visits(), took)
	}
}

func TestAbandonAtAnotherNodeLetsTheWaiterIn(t *testing.T) {
	nodes := startNodes(t, 2)
	id := begin(t, nodes[0])
	last := newGuest(t, id)
	must(t, last.open(nodes[1], false))
	waiter, opened := newGuest(t, id), make(chan error)
	go func() { opened <- waiter.open(nodes[0], false) }()
	nodes[0].awaitMetric(t, "sessionbridge_waiters 1")
	last.session.Abandoned = true
	began := time.Now()
	last.wantPut(nodes[1], http.StatusOK)
	must(t, <-opened)
	if took := time.Since(began); !waiter.session.New || waiter.visits() != "" || took > 20*time.Second {
		t.Errorf("the waiter has %+v after %s, want a new session at once", waiter.session, took)
	}
	waiter.wantPut(nodes[1], http.StatusOK)
}

// ofTheDead is how long it takes until the holds of a node that says nothing may
// be taken: between two beats less and two more than its time to live.
const (
	ofTheDeadLeast = 9 * time.Second
	ofTheDeadMost  = 30 * time.Second
)

// takeOver waits at a node for a session that another node holds, which was
// silenced, and checks how long that takes.
func takeOver(t *testing.T, node *served, id string, silence func()) *guest {
	t.Helper()
	heir, opened := newGuest(t, id), make(chan error)
	go func() { opened <- heir.open(node, false) }()
	node.awaitMetric(t, "sessionbridge_waiters 1")
	began := time.Now()
	silence()
	must(t, <-opened)
	if took := time.Since(began); took < ofTheDeadLeast || took > ofTheDeadMost {
		t.Errorf("the session was free after %s, want it when its node has not beaten for 15 s", took)
	}
	return heir
}

func TestNodeThatIsKilledGivesItsSessionsUp(t *testing.T) {
	t.Parallel() // it waits
	nodes := startNodes(t, 2, "--get-hold-limit", "10m")
	id := begin(t, nodes[0])
	must(t, newGuest(t, id).open(nodes[0], false))
	heir := takeOver(t, nodes[1], id, func() { nodes[0].kill(t) })
	heir.set("2")
	heir.wantPut(nodes[1], http.StatusOK)
	wantVisits(t, nodes[1], id, "2")
}

func TestNodeThatWasPausedOverwritesNothing(t *testing.T) {
	t.Parallel() // it waits
	nodes := startNodes(t, 2, "--get-hold-limit", "10m")
	id := begin(t, nodes[0])
	slow := newGuest(t, id)
	must(t, slow.open(nodes[0], false))
	heir := takeOver(t, nodes[1], id, func() { nodes[0].signal(t, syscall.SIGSTOP) })
	heir.set("2")
	heir.wantPut(nodes[1], http.StatusOK)

	slow.set("7")
	var puts sync.WaitGroup
	puts.Go(func() { slow.wantPut(nodes[0], http.StatusBadRequest) }) // it is there when the node awakes
	nodes[0].signal(t, syscall.SIGCONT)
	puts.Wait()
	for _, node := range nodes {
		wantVisits(t, node, id, "2")
	}
}

// TestServeThatIsKilledLosesNothing: sessions are on disk by default.
func TestServeThatIsKilledLosesNothing(t *testing.T) {
	dir := t.TempDir()
	first := startServe(t, "--file-dir", dir)
	id := begin(t, first)
	g := newGuest(t, id)
	must(t, g.open(first, false))
	first.kill(t)
	second := startServe(t, "--file-dir", dir)
	wantVisits(t, second, id, "1")
	g.set("2")
	g.wantPut(second, http.StatusOK) // its GET was answered by the process that was killed
	wantVisits(t, second, id, "2")
	check, err := exec.Command("sessionbridge", "store", "check", dir).Output() // by the one that has it
	if must(t, err); !strings.HasPrefix(string(check), "1 sessions, ") {
		t.Errorf("the check says %s", check)
	}
}

// TestStoreThatHangsLeavesNothingBehind: whoever asks while Redis hangs is
// answered in time, and no goroutine stays for those who asked.
func TestStoreThatHangsLeavesNothingBehind(t *testing.T) {
	t.Parallel() // it waits
	redis := redistest.Start(t)
	node := startServe(t, "--store", "redis", "--redis-url", redis.URL())
	id := begin(t, node)
	before := node.goroutines(t)
	redis.Freeze(t)
	var guests sync.WaitGroup
	for i := range 40 {
		guests.Go(func() {
			g := newGuest(t, session.NewID()) // writers of one session would wait for each other first
			g.client.Transport.(*http.Transport).DisableKeepAlives = true
			began := time.Now()
			if err := g.open(node, i%2 == 0); err == nil || !strings.Contains(err.Error(), "503") || time.Since(began) > 30*time.Second {
				t.Errorf("a GET while Redis hangs: %v after %s, want 503 soon", err, time.Since(began))
			}
		})
	}
	guests.Wait()
	redis.Thaw(t)
	redistest.Eventually(t, "the goroutines of those who asked have ended", func() error {
		if now := node.goroutines(t); now > before+20 { // half of those who asked
			return fmt.Errorf("there are %d, and were %d before", now, before)
		}
		return nil
	})
	g := newGuest(t, id)
	must(t, g.open(node, false))
	g.wantPut(node, http.StatusOK)
}

// goroutines returns how many a node has.
func (s *served) goroutines(t *testing.T) (n int) {
	t.Helper()
	answer, err := http.Get(s.admin + "/metrics")
	must(t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	must(t, err)
	_, text, _ := strings.Cut(string(body), "\ngo_goroutines ")
	_, err = fmt.Sscan(text, &n)
	must(t, err)
	return n
}

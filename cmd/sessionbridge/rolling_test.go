// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

//go:build unix

package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/internal/dotnetpeer"
	"github.com/sessionbridge/session/internal/redistest"
	"github.com/sessionbridge/session/remoteapp"
)

// A farm is three nodes over one Redis, behind HAProxy as docs/haproxy.cfg has it.
type farm struct {
	nodes       []*served
	args        [][]string // of the nodes
	http, https string     // URLs of HAProxy
}

func startFarm(t *testing.T) *farm {
	t.Helper()
	redis := redistest.Start(t, "--appendonly", "yes", "--appendfsync", "no")
	f := &farm{}
	var sessions, admins []string
	for range 3 {
		at, admin := freeAddress(t), freeAddress(t)
		sessions, admins = append(sessions, at), append(admins, admin)
		f.args = append(f.args, []string{
			"serve", "--listen", at, "--admin-listen", admin, "--client", "{name: shop, key: " + shopKey + "}",
			"--store", "redis", "--redis-url", redis.URL(), "--shutdown-delay", "3s", "--read-wait", "2s",
		})
		f.nodes = append(f.nodes, nil)
		f.start(t, len(f.nodes)-1)
	}
	f.startProxy(t, sessions, admins)
	return f
}

// freeAddress is one that was free a moment ago: a node has to find its own again
// after a restart.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	return l.Addr().String()
}

func (f *farm) start(t *testing.T, node int) {
	t.Helper()
	f.nodes[node] = runServe(t, 1, f.args[node]...)
}

// startProxy starts HAProxy with the file of the documentation, but for its
// addresses.
func (f *farm) startProxy(t *testing.T, sessions, admins []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "haproxy.cfg"))
	must(t, err)
	dir := t.TempDir()
	cert, key, both := filepath.Join(dir, "cert"), filepath.Join(dir, "key"), filepath.Join(dir, "both")
	writeCertificate(t, cert, key)
	join(t, both, cert, key)
	plain, secure := freeAddress(t), freeAddress(t)
	config := replaceOnce(t, string(text), "bind :80\n", "bind "+plain+"\n", "bind :443 ", "bind "+secure+" ", "/etc/haproxy/sessions.pem", both)
	for i, host := range []string{"10.0.0.11", "10.0.0.12", "10.0.0.13"} {
		_, port, err := net.SplitHostPort(admins[i])
		must(t, err)
		config = replaceOnce(t, config, host+":7100 proto h2 check check-proto h1 port 7101", sessions[i]+" proto h2 check check-proto h1 port "+port)
	}
	file := filepath.Join(dir, "haproxy.cfg")
	must(t, os.WriteFile(file, []byte(config), 0o600))
	command := exec.Command(haproxy(t), "-db", "-f", file)
	command.Stdout, command.Stderr = t.Output(), t.Output()
	must(t, command.Start())
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	t.Cleanup(func() {
		command.Process.Kill()
		<-ended
	})
	f.http, f.https = "http://"+plain, "https://"+secure
	for {
		if conn, err := net.Dial("tcp", plain); err == nil {
			conn.Close()
			return
		}
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("HAProxy ended with %v", err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// join writes two files into one.
func join(t *testing.T, to string, from ...string) {
	t.Helper()
	var all []byte
	for _, name := range from {
		text, err := os.ReadFile(name)
		must(t, err)
		all = append(all, text...)
	}
	must(t, os.WriteFile(to, all, 0o600))
}

// haproxy is the path of the program. Without it the test is skipped, or fails
// where CI is set.
func haproxy(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"haproxy", "/usr/sbin/haproxy"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("CI") != "" {
		t.Fatal("haproxy is not installed (Debian: haproxy)")
	}
	t.Skip("haproxy is not installed (Debian: haproxy)")
	return ""
}

// restart ends one node after the other as operators do, and starts it again.
func (f *farm) restart(t *testing.T) {
	for i, node := range f.nodes {
		node.signal(t, syscall.SIGTERM)
		if err := node.command.Wait(); err != nil {
			t.Errorf("node %d ended with %v", i, err)
		}
		node.ended = true
		if line := node.log.line("the grace period is over"); line != "" {
			t.Errorf("node %d did not let its sessions finish: %s", i, line)
		}
		f.start(t, i)
		time.Sleep(2 * time.Second) // HAProxy looks every second whether it is there
	}
}

// A visitor is a browser that counts: add adds one to its session, and count
// tells what that has come to.
type visitor interface {
	add(ctx context.Context) error
	count(ctx context.Context) (int, error)
}

// A pageVisitor goes to an application on .NET.
type pageVisitor struct {
	url, id string
	user    *http.Client
}

func (v *pageVisitor) add(ctx context.Context) error {
	_, err := v.do(ctx, http.MethodPost, "/incr?k=visits")
	return err
}

func (v *pageVisitor) count(ctx context.Context) (n int, err error) {
	body, err := v.do(ctx, http.MethodGet, "/get?k=visits")
	if err == nil {
		_, err = fmt.Sscan(body, &n)
	}
	return n, err
}

func (v *pageVisitor) do(ctx context.Context, method, page string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, method, v.url+page, nil)
	if err != nil {
		return "", err
	}
	r.AddCookie(&http.Cookie{Name: "ASP.NET_SessionId", Value: v.id})
	answer, err := v.user.Do(r)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s: %s %s", method, page, answer.Status, body)
	}
	return string(body), err
}

// A clientVisitor goes to a Go program with our Client.
type clientVisitor struct {
	source session.Source
	id     string
}

func (v *clientVisitor) add(ctx context.Context) error {
	opened, err := v.source.Open(ctx, v.id, session.Writable)
	if err != nil {
		return err
	}
	defer opened.Release(context.WithoutCancel(ctx))
	visits := session.NewKey[int]("visits")
	n, err := visits.Get(opened.Session())
	if err != nil {
		return err
	}
	if err := visits.Set(opened.Session(), n+1); err != nil {
		return err
	}
	return opened.Commit(ctx)
}

func (v *clientVisitor) count(ctx context.Context) (int, error) {
	opened, err := v.source.Open(ctx, v.id, session.ReadOnly)
	if err != nil {
		return 0, err
	}
	return session.NewKey[int]("visits").Get(opened.Session())
}

// A crowd is the browsers that share one session.
type crowd struct {
	id       string
	visitors []visitor
	added    atomic.Int64 // what they were told that they added
	hidden   atomic.Int64 // reads that failed, and did not when they were tried again
}

// visit adds and reads until ctx is done.
func (c *crowd) visit(ctx context.Context, t *testing.T, v visitor) {
	for own := 1; ctx.Err() == nil; own++ {
		if err := v.add(t.Context()); err != nil {
			t.Errorf("an increment by a %T failed: %v", v, err)
			return
		}
		c.added.Add(1)
		n, err := v.count(t.Context())
		if err != nil {
			c.hidden.Add(1)
			n, err = v.count(t.Context())
		}
		if err != nil || n < own {
			t.Errorf("a %T reads %d after %d increments of its own: %v", v, n, own, err)
			return
		}
		time.Sleep(50 * time.Millisecond) // it reads the page
	}
}

// TestRollingRestartLosesNothing restarts three nodes one after the other while
// 40 browsers write and read, over each of the exchanges.
func TestRollingRestartLosesNothing(t *testing.T) {
	t.Parallel() // it waits
	f := startFarm(t)
	double := dotnetpeer.Start(t, "app", "--remote", f.http, "--key", shopKey)
	single := dotnetpeer.Start(t, "app", "--remote", f.https, "--key", shopKey, "--single")
	client := func(at string) *remoteapp.Client {
		c, err := remoteapp.NewClient(remoteapp.ClientOptions{
			RemoteAppURL: at, APIKey: shopKey, Logger: slog.New(slog.NewTextHandler(t.Output(), nil)),
			Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}},
		})
		must(t, err)
		t.Cleanup(c.Close)
		return c
	}
	inTwo, inOne := client(f.http), client(f.https)
	ctx, peace := context.WithCancel(t.Context())
	defer peace()
	var crowds []*crowd
	var all sync.WaitGroup
	for range 10 {
		id := begin(t, f.nodes[0])
		user := &http.Client{Transport: new(http.Transport), Timeout: time.Minute}
		t.Cleanup(user.CloseIdleConnections)
		c := &crowd{id: id, visitors: []visitor{
			&pageVisitor{double.URL, id, user}, &pageVisitor{single.URL, id, user}, &clientVisitor{inTwo, id}, &clientVisitor{inOne, id},
		}}
		crowds = append(crowds, c)
		for _, v := range c.visitors {
			all.Go(func() { c.visit(ctx, t, v) })
		}
	}
	f.restart(t)
	peace()
	all.Wait()
	if inTwo.Mode() != remoteapp.Double || inOne.Mode() != remoteapp.Single {
		t.Errorf("the clients write in the modes %s and %s", inTwo.Mode(), inOne.Mode())
	}
	if _, mode := (&site{t, single, http.DefaultClient}).try(http.MethodGet, "/mode"); mode != "single" {
		t.Errorf("the application that should write over one connection has the mode %s", mode)
	}
	var added, hidden int64
	for _, c := range crowds {
		for _, node := range f.nodes { // .NET answers the browser first
			node.awaitMetric(t, "sessionbridge_holds 0")
		}
		wantVisits(t, f.nodes[0], c.id, fmt.Sprint(1+c.added.Load()))
		added, hidden = added+c.added.Load(), hidden+c.hidden.Load()
	}
	t.Logf("%d increments, %d reads that were tried again", added, hidden)
	if added < 400 {
		t.Errorf("there were only %d increments", added)
	}
}

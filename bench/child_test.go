// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/memstore"
	"github.com/sessionbridge/session/pebblestore"
	"github.com/sessionbridge/session/redisstore"
)

// The environment of a process that a test starts.
const (
	envRole   = "BENCH_ROLE"   // "owner" or "page"
	envStored = "BENCH_STORED" // how many sessions an owner has at first
	envOwner  = "BENCH_OWNER"  // URL of a page's owner
	envDir    = "BENCH_DIR"    // of an owner's embedded store; "": it has none
	envRedis  = "BENCH_REDIS"  // URL of an owner's Redis; "": it has none
)

// A child is a server in a process of its own, so that its memory and its time
// are its own.
type child struct {
	address string
	cmd     *exec.Cmd
	stdin   io.Closer
}

// start starts this program anew as a server, which ends with the test.
func (m *meter) start(role string, env ...string) *child {
	m.Helper()
	program, err := os.Executable()
	must(m, err)
	c := &child{cmd: exec.Command(program)}
	c.cmd.Env = append(os.Environ(), append(env, envRole+"="+role, "GORACE=atexit_sleep_ms=0")...) // the race detector would sleep a second
	c.cmd.Stderr = os.Stderr
	stdin, err := c.cmd.StdinPipe()
	must(m, err)
	stdout, err := c.cmd.StdoutPipe()
	must(m, err)
	must(m, c.cmd.Start())
	c.stdin = stdin
	m.Cleanup(c.stop)
	ready, err := bufio.NewReader(stdout).ReadString('\n')
	must(m, err)
	c.address = strings.TrimSpace(ready)
	return c
}

// stop ends the server, which watches its standard input. A second call does
// nothing.
func (c *child) stop() {
	c.stdin.Close()
	c.cmd.Wait() // what it says of a second call, or of how the server ended, matters to nobody
}

// startOwner starts an owner of sessions, in memory unless env says otherwise.
func (m *meter) startOwner(stored int, env ...string) *child {
	m.Helper()
	return m.start("owner", append(env, fmt.Sprintf("%s=%d", envStored, stored))...)
}

// serveAs is what a started process does.
func serveAs(role string) (exitCode int) {
	if err := serveRole(role); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		return 1
	}
	return 0
}

func serveRole(role string) error {
	ctx := context.Background()
	var mux *http.ServeMux
	switch role {
	case "owner":
		stored, err := strconv.Atoi(os.Getenv(envStored))
		if err != nil {
			return err
		}
		store, err := openStore(ctx, stored)
		if err != nil {
			return err
		}
		defer store.Close()
		if err := fill(ctx, store, stored, sampleKeys); err != nil {
			return err
		}
		o, err := ownerOf(ctx, store, session.ManagerOptions{})
		if err != nil {
			return err
		}
		defer o.manager.Close()
		mux = o.routes()
		o.control(mux, stored)
	case "page":
		var err error
		if mux, err = newPages(os.Getenv(envOwner)); err != nil {
			return err
		}
	default:
		return fmt.Errorf("there is no role %q", role)
	}
	return serveUntilStdinEnds(mux)
}

// openStore opens the store that the environment names.
func openStore(ctx context.Context, stored int) (session.Store, error) {
	silent := slog.New(slog.DiscardHandler)
	if dir := os.Getenv(envDir); dir != "" {
		return pebblestore.Open(ctx, pebblestore.Options{Dir: dir, Logger: silent})
	}
	if url := os.Getenv(envRedis); url != "" {
		return redisstore.Open(ctx, redisstore.Options{URL: url, Logger: silent})
	}
	return memstore.New(memstore.Options{MaxBytes: 8 << 30, MaxItems: stored + 100_000})
}

func serveUntilStdinEnds(h http.Handler) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := newServer(h)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	fmt.Println(listener.Addr())
	io.Copy(io.Discard, os.Stdin)
	server.Close()
	<-served
	return nil
}

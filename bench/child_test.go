// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime/pprof"
	"strconv"
	"strings"

	"github.com/sessionbridge/session"
)

// The environment of a process that a test starts.
const (
	envRole   = "BENCH_ROLE"   // "owner" or "page"
	envStored = "BENCH_STORED" // how many sessions an owner has at first
	envOwner  = "BENCH_OWNER"  // URL of a page's owner
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

// startOwner starts an owner of sessions.
func (m *meter) startOwner(stored int) *child {
	m.Helper()
	return m.start("owner", fmt.Sprintf("%s=%d", envStored, stored))
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
		o, err := newOwner(ctx, stored, sampleKeys, session.ManagerOptions{})
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

func serveUntilStdinEnds(h http.Handler) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := newServer(h)
	if p := os.Getenv("BENCH_PROFILE"); p != "" {
		f, _ := os.Create(p + "." + os.Getenv(envRole))
		pprof.StartCPUProfile(f)
		defer f.Close()
		defer func() {
			g, _ := os.Create(p + "." + os.Getenv(envRole) + ".mem")
			pprof.Lookup("allocs").WriteTo(g, 0)
			g.Close()
		}()
		defer pprof.StopCPUProfile()
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	fmt.Println(listener.Addr())
	io.Copy(io.Discard, os.Stdin)
	server.Close()
	<-served
	return nil
}

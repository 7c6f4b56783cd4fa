// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package redistest

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// patience is how long a server may take to start or to change its role.
const patience = 20 * time.Second

// A Server is a running redis-server.
type Server struct {
	Port int

	dir   string
	first []string // arguments that come before all others
	args  []string
	log   *os.File
	cmd   *exec.Cmd
	tls   *Authority
}

// Start starts a server with these arguments, beside those for its port and
// directory, which end with the test.
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	return start(t, freePort(t), nil, args)
}

// start starts a server on a port.
func start(t testing.TB, port int, tls *Authority, args []string) *Server {
	t.Helper()
	return startWith(t, nil, port, tls, args)
}

func startWith(t testing.TB, first []string, port int, tls *Authority, args []string) *Server {
	t.Helper()
	s := &Server{Port: port, dir: directory(t), first: first, args: args, tls: tls}
	t.Cleanup(func() { s.Kill() })
	s.Run(t)
	return s
}

// directory is one that goes with the test. A unix socket could not have the
// long name of t.TempDir.
func directory(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "redistest")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// Run starts a server that was killed once more, on what it kept.
func (s *Server) Run(t testing.TB) {
	t.Helper()
	log, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	port := []string{"--port", strconv.Itoa(s.Port)}
	if s.tls != nil {
		port = []string{"--port", "0", "--tls-port", strconv.Itoa(s.Port)}
	}
	common := []string{"--bind", "127.0.0.1", "--dir", s.dir, "--daemonize", "no"}
	if s.first == nil { // a sentinel keeps nothing
		common = append(common, "--save", "")
	}
	s.log, s.cmd = log, exec.Command(binary(t), slices.Concat(s.first, port, common, s.args)...)
	s.cmd.Stdout, s.cmd.Stderr = log, log
	orphan(s.cmd)
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	Eventually(t, "redis-server answers", func() error {
		said, err := s.Try("PING")
		if err == nil && said != "PONG" && !strings.HasPrefix(said, "NOAUTH") {
			err = fmt.Errorf("it says %q; its log: %s", said, s.tail())
		}
		return err
	})
}

// Kill ends the server at once, as a crash does.
func (s *Server) Kill() {
	if s.cmd == nil || s.cmd.Process == nil {
		return
	}
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
	_ = s.log.Close()
	s.cmd = nil
}

// Addr is the server's address.
func (s *Server) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.Port)) }

// URL is how a client reaches the server.
func (s *Server) URL() string { return "redis://" + s.Addr() }

// tail is the end of the server's log.
func (s *Server) tail() string {
	text, _ := os.ReadFile(filepath.Join(s.dir, "log"))
	return string(text[max(0, len(text)-1000):])
}

// binary is the path of redis-server. Without it the test is skipped, or fails
// where CI is set.
func binary(t testing.TB) string {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	switch {
	case err == nil:
		return path
	case os.Getenv("CI") != "":
		t.Fatal("redis-server is not in the PATH (Debian: redis-server)")
	default:
		t.Skip("redis-server is not in the PATH (Debian: redis-server)")
	}
	return ""
}

// freePort is a port that was free a moment ago, and 10,000 below one that can be
// used: a cluster listens there too.
func freePort(t testing.TB) int {
	t.Helper()
	for range 100 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		port := l.Addr().(*net.TCPAddr).Port
		_ = l.Close()
		bus, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(busPort(port))))
		if err == nil {
			_ = bus.Close()
			return port
		}
	}
	t.Fatal("no free port")
	return 0
}

// busPort is where the servers of a cluster talk to each other.
func busPort(port int) int {
	if port > 40_000 {
		return port - 20_000
	}
	return port + 10_000
}

// Eventually waits until f returns no error.
func Eventually(t testing.TB, what string, f func() error) {
	t.Helper()
	var err error
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if err = f(); err == nil {
			return
		}
	}
	t.Fatalf("%s: not after %s: %v", what, patience, err)
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"sessionbridge": main,
		"fetch":         fetchCommand,
	})
}

// TestScripts runs the stories in testdata/script. Beside the commands of
// testscript they have
//
//	exits CODE COMMAND...   run a command that must end with the code
//	start NAME ARGUMENT...  run sessionbridge until it is ready; set URL and ADMIN
//	await URL PATTERN       ask until the answer matches
//	[!] finish NAME [SIGNAL] end it, by SIGTERM or a signal; write NAME.out, NAME.err
//	signal NAME [SIGNAL]    send it a signal, SIGTERM by default
//	takeport VARIABLE       occupy a port; set its address
//	fetch URL [KEY]         print the status and the body at a URL
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"),
		Setup: func(env *testscript.Env) error {
			env.Setenv("XDG_STATE_HOME", filepath.Join(env.WorkDir, "state"))
			env.Values[backgroundKey{}] = map[string]*background{}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": scriptExits, "start": scriptStart, "finish": scriptFinish, "takeport": scriptTakePort, "await": scriptAwait, "signal": scriptSignal,
		},
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
	})
}

// fetchCommand is the program fetch. A second argument is an API key.
func fetchCommand() {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, os.Args[1], http.NoBody)
	if err == nil {
		if len(os.Args) > 2 {
			r.Header.Set("X-SystemWebAdapter-RemoteAppAuthentication-Key", os.Args[2])
		}
		var answer *http.Response
		if answer, err = http.DefaultClient.Do(r); err == nil {
			defer answer.Body.Close()
			fmt.Println(answer.Status)
			_, err = io.Copy(os.Stdout, answer.Body)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "fetch:", err)
		os.Exit(1)
	}
}

func scriptExits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	var exit *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("the exit code is %d, want %d", got, want)
	}
}

type backgroundKey struct{}

// A background is a sessionbridge that runs beside the script.
type background struct {
	command  *exec.Cmd
	out, err watched
	end      chan error // of the process
}

func scriptStart(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: start NAME ARGUMENT...")
	}
	b := &background{command: exec.Command("sessionbridge", args[1:]...), end: make(chan error, 1)}
	b.out.ready = make(chan struct{})
	b.command.Dir = ts.MkAbs(".")
	for _, name := range []string{"SESSIONBRIDGE_KEY", "SESSIONBRIDGE_CONFIG", "SESSIONBRIDGE_SOMETHING", "SESSIONBRIDGE_SERVICE_HOST", "XDG_STATE_HOME"} {
		if value := ts.Getenv(name); value != "" {
			b.command.Env = append(b.command.Environ(), name+"="+value)
		}
	}
	b.command.Stdout, b.command.Stderr = &b.out, &b.err
	ts.Check(b.command.Start())
	go func() { b.end <- b.command.Wait() }()
	ts.Value(backgroundKey{}).(map[string]*background)[args[0]] = b
	ts.Defer(func() { b.kill() })
	select {
	case <-b.out.ready:
	case err := <-b.end:
		b.end <- err
		ts.Fatalf("it ended before it was ready: %v\n%s", err, b.err.text())
	case <-time.After(30 * time.Second):
		ts.Fatalf("it is not ready:\n%s", b.err.text())
	}
	ready := readyLines.FindStringSubmatch(b.out.text())
	ts.Setenv("URL", ready[1]+ready[3])
	ts.Setenv("ADMIN", ready[2])
}

// kill ends the process if it still runs, and waits for it.
func (b *background) kill() {
	b.command.Process.Kill() // an error means that it has ended
	b.end <- <-b.end
}

func scriptFinish(ts *testscript.TestScript, neg bool, args []string) {
	b := ts.Value(backgroundKey{}).(map[string]*background)[args[0]]
	if b == nil {
		ts.Fatalf("nothing was started as %s", args[0])
	}
	ts.Check(b.command.Process.Signal(signalNamed(args[1:])))
	var err error
	select {
	case err = <-b.end:
		b.end <- err
	case <-time.After(30 * time.Second):
		ts.Fatalf("it does not end:\n%s", b.err.text())
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]+".out"), []byte(b.out.text()), 0o600))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]+".err"), []byte(b.err.text()), 0o600))
	if (err != nil) != neg {
		ts.Fatalf("it ended with %v:\n%s", err, b.err.text())
	}
}

// scriptSignal sends a signal and does not wait.
func scriptSignal(ts *testscript.TestScript, _ bool, args []string) {
	b := ts.Value(backgroundKey{}).(map[string]*background)[args[0]]
	ts.Check(b.command.Process.Signal(signalNamed(args[1:])))
}

func signalNamed(name []string) os.Signal {
	switch {
	case len(name) > 0 && name[0] == "INT":
		return os.Interrupt
	case len(name) > 0 && name[0] == "HUP":
		return syscall.SIGHUP
	}
	return syscall.SIGTERM
}

// scriptAwait asks again and again: a process has no other way to say how far
// it is.
func scriptAwait(ts *testscript.TestScript, _ bool, args []string) {
	pattern := regexp.MustCompile(args[1])
	for deadline := time.Now().Add(30 * time.Second); ; {
		answer, err := http.Get(args[0])
		ts.Check(err)
		body, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		ts.Check(err)
		if pattern.Match(body) {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("no %s at %s:\n%s", args[1], args[0], body)
		}
	}
}

func scriptTakePort(ts *testscript.TestScript, _ bool, args []string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { l.Close() })
	ts.Setenv(args[0], l.Addr().String())
}

// watched is what a process writes.
type watched struct {
	ready chan struct{} // closed once the ready lines are there; nil: nobody waits for them

	mu   sync.Mutex
	buf  bytes.Buffer
	told bool // ready is closed
}

// readyLines match the first ready line of serve and that of its admin listener,
// which is the last; or the whole of what demo says.
var readyLines = regexp.MustCompile(`(?ms)\A^ready (\S+)$.*^ready (\S+) admin$|^    (http://\S+)$.*^Ctrl-C`)

func (w *watched) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.buf.Write(p)
	if w.ready != nil && !w.told && readyLines.Match(w.buf.Bytes()) {
		close(w.ready)
		w.told = true
	}
	return len(p), nil
}

func (w *watched) text() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.buf.String()
}

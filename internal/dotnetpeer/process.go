// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package dotnetpeer

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"
)

// stopWithin is how long a process may take to end after SIGTERM.
const stopWithin = 5 * time.Second

// errCleanExit tells of a process that ended by itself and without complaint.
var errCleanExit = errors.New("exit status 0")

// A process is one run of the program.
type process struct {
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stdout io.Reader
	log    logBuffer     // standard error, and the output that nobody took
	gone   chan struct{} // closed when the process has ended
	exit   error         // how it ended; not nil once gone is closed
}

// start runs the program. Each line of its standard output goes to take, which
// must not block and returns false for a line that it has no use for.
func start(tb testing.TB, args []string, take func(line string) bool) *process {
	tb.Helper()
	p, err := command(find(tb), args)
	if err == nil {
		err = p.run(take)
	}
	if err != nil {
		tb.Fatalf("dotnetpeer: %v", err)
	}
	tb.Cleanup(func() {
		p.stop()
		if tb.Failed() {
			tb.Logf("dotnet-peer %q said:\n%s", args, p.log.String())
		}
	})
	return p
}

func command(path string, args []string) (*process, error) {
	p := &process{cmd: exec.Command(path, args...), gone: make(chan struct{})}
	p.cmd.Stderr = &p.log
	dieWithParent(p.cmd)
	stdin, err := p.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.stdin, p.stdout = stdin, stdout
	return p, nil
}

// run starts the process and leaves a goroutine with it until it ends.
func (p *process) run(take func(line string) bool) error {
	started := make(chan error, 1)
	go func() {
		// Linux ends the child when the thread that started it ends.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.cmd.Start()
		started <- err
		if err == nil {
			p.attend(take)
		}
	}()
	return <-started
}

// attend hands out the lines of standard output, then waits for the exit.
func (p *process) attend(take func(line string) bool) {
	lines := bufio.NewReader(p.stdout)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			break
		}
		if line = line[:len(line)-1]; !take(line) {
			p.log.WriteString(line + "\n")
		}
	}
	p.exit = p.cmd.Wait()
	if p.exit == nil {
		p.exit = errCleanExit
	}
	close(p.gone)
}

// stop ends the process by SIGTERM and the end of its standard input, or by
// force where that is not enough.
func (p *process) stop() {
	p.stdin.Close()
	if p.cmd.Process.Signal(syscall.SIGTERM) != nil { // gone, or Windows
		p.kill()
		return
	}
	select {
	case <-p.gone:
	case <-time.After(stopWithin):
		p.kill()
	}
}

func (p *process) kill() {
	p.cmd.Process.Kill() // fails only where the process is gone already
	<-p.gone
}

// A logBuffer is a bytes.Buffer for several goroutines.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *logBuffer) WriteString(s string) { b.Write([]byte(s)) }

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

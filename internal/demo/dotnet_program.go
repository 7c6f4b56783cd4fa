// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"time"
)

// How long a .NET program may take to listen, and to end.
const (
	dotNetStart = 30 * time.Second
	dotNetEnd   = 5 * time.Second
)

// A dotNetProgram is a .NET program that runs as the old shop. It is started as
//
//	PATH legacy --listen URL --key KEY
//
// and writes a line "ready URL" to standard output once it listens.
type dotNetProgram struct {
	url     *url.URL
	command *exec.Cmd
	stop    context.CancelFunc
	gone    chan struct{} // closed when the process has ended
}

// startDotNet starts a program and returns when it listens.
func startDotNet(ctx context.Context, path, key string) (*dotNetProgram, error) {
	life, stop := context.WithCancel(context.WithoutCancel(ctx))
	p := &dotNetProgram{stop: stop, gone: make(chan struct{})}
	p.command = exec.CommandContext(life, path, "legacy", "--listen", "http://127.0.0.1:0", "--key", key)
	p.command.Cancel = func() error { return interrupt(p.command.Process) }
	p.command.WaitDelay = dotNetEnd
	p.command.Stderr = os.Stderr
	stdout, err := p.command.StdoutPipe()
	if err != nil {
		stop()
		return nil, err
	}
	if err := p.command.Start(); err != nil {
		stop()
		return nil, fmt.Errorf("the .NET program does not start: %w", err)
	}
	ready := make(chan string, 1)
	go func() {
		defer close(p.gone)
		attend(bufio.NewScanner(stdout), ready)
		p.command.Wait() // how it ended matters to nobody
	}()
	if err := p.await(ctx, ready); err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

// interrupt asks a process to end, or ends it where it can't be asked.
func interrupt(p *os.Process) error {
	if err := p.Signal(os.Interrupt); err == nil {
		return nil
	}
	return p.Kill()
}

// attend reads what a program writes, and hands out the URL in its line "ready".
func attend(lines *bufio.Scanner, ready chan string) {
	for lines.Scan() {
		if at, ok := strings.CutPrefix(lines.Text(), "ready "); ok {
			select {
			case ready <- at:
			default: // said before
			}
		}
	}
}

// await waits until the program listens.
func (p *dotNetProgram) await(ctx context.Context, ready chan string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, dotNetStart, errors.New("the .NET program does not say that it is ready"))
	defer cancel()
	select {
	case at := <-ready:
		u, err := url.Parse(strings.TrimSuffix(at, "/"))
		p.url = u
		return err
	case <-p.gone:
		return errors.New("the .NET program ended before it was ready")
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// close ends the program and waits for it.
func (p *dotNetProgram) close() {
	p.stop()
	<-p.gone
}

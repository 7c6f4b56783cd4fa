// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

//go:build unix

package torture

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/remoteapp"
)

// The environment of a process: its certificate and key, as PEM.
const (
	envCertificate = "TORTURE_CERTIFICATE"
	envKey         = "TORTURE_KEY"
)

// A Process is a node in a process of its own, that a [Network] leads to. Its
// methods are for one goroutine.
type Process struct {
	network *Network
	env     []string
	command *exec.Cmd
	stdin   io.Closer
}

// StartProcess starts this program anew with an environment in which it calls
// [ServeProcess].
func (n *Network) StartProcess(env ...string) (*Process, error) {
	p := &Process{network: n, env: env}
	return p, p.start()
}

// start starts the process, trying as often as it takes: its way to the store may
// break meanwhile.
func (p *Process) start() (err error) {
	for range 10 {
		if err = p.try(); err == nil {
			return nil
		}
	}
	return err
}

// try starts the process, and leads clients to it.
func (p *Process) try() error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	certificate, err := p.network.encoded()
	if err != nil {
		return err
	}
	p.command = exec.Command(program)
	p.command.Env = append(append(os.Environ(), certificate...), p.env...)
	said := new(strings.Builder)
	p.command.Stderr = said
	if p.stdin, err = p.command.StdinPipe(); err != nil {
		return err
	}
	stdout, err := p.command.StdoutPipe()
	if err != nil {
		return err
	}
	if err := p.command.Start(); err != nil {
		return err
	}
	var at addresses
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		return fmt.Errorf("a process that does not serve: %w: %s", p.wait(), said)
	}
	if _, err := fmt.Sscan(line, &at.plain, &at.secure); err != nil {
		return fmt.Errorf("a process that says %q: %w", line, err)
	}
	p.network.lead(p, at)
	return nil
}

// encoded returns the certificate of all servers, for an environment.
func (n *Network) encoded() ([]string, error) {
	key, err := x509.MarshalECPrivateKey(n.certificate.PrivateKey.(*ecdsa.PrivateKey))
	if err != nil {
		return nil, err
	}
	return []string{
		envCertificate + "=" + string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: n.certificate.Certificate[0]})),
		envKey + "=" + string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: key})),
	}, nil
}

// Restart kills the process, as kill -9 does, and starts it anew.
func (p *Process) Restart() error {
	if err := p.command.Process.Kill(); err != nil {
		return err
	}
	p.network.lead(p, addresses{})
	p.wait()
	p.network.Counts.Add("kills", 1)
	return p.start()
}

// Pause stops the process; it does not notice.
func (p *Process) Pause() error {
	p.network.Counts.Add("pauses", 1)
	return p.command.Process.Signal(syscall.SIGSTOP)
}

// Resume lets a process that was stopped go on.
func (p *Process) Resume() error { return p.command.Process.Signal(syscall.SIGCONT) }

// End lets the process end by itself.
func (p *Process) End() error {
	p.network.lead(p, addresses{})
	return p.wait()
}

func (p *Process) wait() error {
	p.stdin.Close()
	return p.command.Wait()
}

// ServeProcess is what a process does that [Network.StartProcess] has started: it
// serves the sessions of a store until its standard input ends.
func ServeProcess(ctx context.Context, store session.Store, o session.ManagerOptions, h remoteapp.HandlerOptions) error {
	certificate, err := tls.X509KeyPair([]byte(os.Getenv(envCertificate)), []byte(os.Getenv(envKey)))
	if err != nil {
		return err
	}
	manager, err := session.OpenManager(ctx, store, o)
	if err != nil {
		return err
	}
	defer manager.Close()
	server, err := Serve(&Node{Manager: manager}, forClients(h), certificate)
	if err != nil {
		return err
	}
	defer server.Close()
	if _, err := fmt.Println(server.Plain, server.TLS); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package attack

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// A Server is a sessionbridge serve that runs as a process of its own.
type Server struct {
	Plain string // host:port without TLS
	TLS   string // with TLS
	Admin string // URL of the health and the metrics

	command *exec.Cmd // of who started it
}

// Start runs serve on free ports of the loopback interface, with a certificate
// of its own that is written below dir. settings are the lines of its YAML file
// that say more than where to listen.
func Start(program, dir, settings string, log io.Writer) (*Server, error) {
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	if err := writeCertificate(cert, key); err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "sessionbridge.yaml")
	text := fmt.Sprintf("listen: [\"http://127.0.0.1:0\", \"https://127.0.0.1:0\"]\ntls: {cert: %q, key: %q}\nadmin: {listen: 127.0.0.1:0}\nstore: memory\n%s", cert, key, settings)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return nil, err
	}
	s := &Server{command: exec.Command(program, "serve", "--config", file)}
	s.command.Stderr = log
	stdout, err := s.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.command.Start(); err != nil {
		return nil, err
	}
	if err := s.hear(stdout); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

// hear learns from the lines "ready URL" where the server is.
func (s *Server) hear(stdout io.Reader) error {
	lines := bufio.NewScanner(stdout)
	for s.Admin == "" && lines.Scan() {
		at, ok := strings.CutPrefix(lines.Text(), "ready ")
		at, admin := strings.CutSuffix(at, " admin")
		u, err := url.Parse(at)
		switch {
		case !ok || err != nil:
			return fmt.Errorf("serve printed %q", lines.Text())
		case admin:
			s.Admin = at
		case u.Scheme == "https":
			s.TLS = u.Host
		default:
			s.Plain = u.Host
		}
	}
	if s.Plain == "" || s.TLS == "" || s.Admin == "" {
		return errors.New("serve ended before it was ready")
	}
	return nil
}

// Stop ends the server and returns an error unless it ends well.
func (s *Server) Stop() error {
	return errors.Join(s.command.Process.Signal(syscall.SIGTERM), s.command.Wait())
}

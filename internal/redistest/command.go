// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package redistest

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Do sends a command on a connection of its own and returns the answer: of an
// array its elements in lines. An error of Redis fails the test.
func (s *Server) Do(t testing.TB, command ...string) string {
	t.Helper()
	said, err := s.Try(command...)
	if err != nil {
		t.Fatalf("%s: %v", command[0], err)
	}
	if word, _, _ := strings.Cut(said, " "); word == "ERR" || word == "NOAUTH" || word == "CLUSTERDOWN" {
		t.Fatalf("%s: Redis says %s", command[0], said)
	}
	return said
}

// Try does what Do does, but returns the error.
func (s *Server) Try(command ...string) (string, error) {
	conn, err := net.DialTimeout("tcp", s.Addr(), time.Second)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if s.tls != nil {
		conn = tls.Client(conn, s.tls.Client())
	}
	_ = conn.SetDeadline(time.Now().Add(patience))
	var request strings.Builder
	fmt.Fprintf(&request, "*%d\r\n", len(command))
	for _, word := range command {
		fmt.Fprintf(&request, "$%d\r\n%s\r\n", len(word), word)
	}
	if _, err := io.WriteString(conn, request.String()); err != nil {
		return "", err
	}
	return readAnswer(bufio.NewReader(conn))
}

// readAnswer reads one answer in version 2 of the protocol.
func readAnswer(r *bufio.Reader) (string, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return "", err
	}
	kind, rest := line[0], strings.TrimSpace(line[1:])
	switch kind {
	case '$':
		return readBulk(r, rest)
	case '*':
		return readArray(r, rest)
	}
	return rest, nil
}

func readBulk(r io.Reader, length string) (string, error) {
	n, err := strconv.Atoi(length)
	if err != nil || n < 0 {
		return "", err
	}
	text := make([]byte, n+2)
	_, err = io.ReadFull(r, text)
	return string(text[:n]), err
}

func readArray(r *bufio.Reader, length string) (string, error) {
	n, err := strconv.Atoi(length)
	var all []string
	for range max(n, 0) {
		var one string
		if one, err = readAnswer(r); err != nil {
			return "", err
		}
		all = append(all, one)
	}
	return strings.Join(all, "\n"), err
}

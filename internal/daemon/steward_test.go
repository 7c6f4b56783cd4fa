// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"bufio"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/sessionbridge/session/pebblestore"
)

// TestStewardEnds asks a process that ends before it has answered, or amid that.
func TestStewardEnds(t *testing.T) {
	for _, answer := range []string{"", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"} {
		dir, err := os.MkdirTemp("", "steward") // whose name is short
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		l, err := net.Listen("unix", filepath.Join(dir, stewardName))
		if err != nil {
			t.Fatal(err)
		}
		served := make(chan error)
		go func() {
			c, err := l.Accept()
			if err == nil {
				_, err = bufio.NewReader(c).ReadString('\n')
				_, wrong := io.WriteString(c, answer)
				err = errors.Join(err, wrong, c.Close())
			}
			served <- errors.Join(err, l.Close())
		}()
		_, err = CheckInUse(t.Context(), dir, pebblestore.ErrInUse, func(int) {})
		if err == nil || !strings.Contains(err.Error(), "the process that has the store ended before it was done: ") {
			t.Errorf("after %q, the error is %v", answer, err)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
	}
}

// TestStewardIsNotThere asks a process that has a store but no steward, as a
// check or a backup of a stopped one: it is told which process that is.
func TestStewardIsNotThere(t *testing.T) {
	dir, err := os.MkdirTemp("", "steward") // whose name is short
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	o := pebblestore.Options{Dir: dir, Logger: slog.New(slog.DiscardHandler)}
	s, err := pebblestore.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	_, inUse := pebblestore.Check(t.Context(), o, nil)
	_, checked := CheckInUse(t.Context(), dir, inUse, func(int) {})
	saved := BackupInUse(t.Context(), dir, filepath.Join(dir, "..", "none"), inUse, func(int) {})
	for _, err := range []error{checked, saved} {
		if !errors.Is(err, pebblestore.ErrInUse) || !strings.Contains(err.Error(), strconv.Itoa(os.Getpid())) || !strings.Contains(err.Error(), "it can't be asked to: ") {
			t.Errorf("the error is %v", err)
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestStewardHasNoRoom(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("it has another error for that")
	}
	dir := filepath.Join(t.TempDir(), strings.Repeat("long", 40))
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	_, opened := openSteward(nil, dir, slog.New(slog.DiscardHandler))
	_, asked := CheckInUse(t.Context(), dir, pebblestore.ErrInUse, func(int) {})
	for _, err := range []error{opened, asked} {
		if err == nil || !strings.Contains(err.Error(), "use a shorter directory") {
			t.Errorf("the error is %v", err)
		}
	}
}

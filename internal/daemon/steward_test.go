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
	"strings"
	"testing"
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
		_, err = CheckInUse(t.Context(), dir, func(int) {})
		if err == nil || !strings.Contains(err.Error(), "the process that has the store ended before it was done: ") {
			t.Errorf("after %q, the error is %v", answer, err)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
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
	_, asked := CheckInUse(t.Context(), dir, func(int) {})
	for _, err := range []error{opened, asked} {
		if err == nil || !strings.Contains(err.Error(), "use a shorter directory") {
			t.Errorf("the error is %v", err)
		}
	}
}

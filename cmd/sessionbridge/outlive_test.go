// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

//go:build unix

package main

import (
	"bufio"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// TestServeOutlivesTheReadersOfItsOutput: a log collector that ends must not
// take the sessions with it.
func TestServeOutlivesTheReadersOfItsOutput(t *testing.T) {
	serve := exec.CommandContext(t.Context(), "sessionbridge", "serve", "--key", newKey(), "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--store", "memory")
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	serve.Stdout, serve.Stderr = write, write
	if err := serve.Start(); err != nil {
		t.Fatal(err)
	}
	write.Close()
	url, admin := "", ""
	for lines := bufio.NewScanner(read); admin == "" && lines.Scan(); {
		switch words := strings.Fields(lines.Text()); {
		case len(words) == 2 && words[0] == "ready":
			url = words[1]
		case len(words) == 3 && words[0] == "ready":
			admin = words[1]
		}
	}
	read.Close()
	for range 3 { // each is logged, or counts as one that was not
		if err := serve.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		answer, err := http.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, answer.Body)
		answer.Body.Close()
	}
	if err := serve.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := serve.Wait(); err != nil {
		t.Errorf("it ended with %v, want nothing wrong", err)
	}
}

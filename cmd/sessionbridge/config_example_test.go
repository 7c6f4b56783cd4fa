// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/sessionbridge/session/internal/redistest"
)

// TestConfigurationsOfThePagesStart starts what people copy.
func TestConfigurationsOfThePagesStart(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	must(t, err)
	_, text, _ := strings.Cut(string(readme), "```yaml\n# sessionbridge serve --config")
	text, _, _ = strings.Cut(text, "```")
	_, text, _ = strings.Cut(text, "\n")
	_, help, _ := strings.Cut((*serveCommand).Help(nil), "most people need:\n")
	help, _, _ = strings.Cut(help, "\n\nA client")
	for name, config := range map[string]string{"README": text, "help": help} {
		t.Run(name, func(t *testing.T) { startsAsWritten(t, config) })
		t.Run(name+" with Redis", func(t *testing.T) {
			startsAsWritten(t, replaceOnce(t, config, "# redis:", "redis:", "store: file", "store: redis"))
		})
	}
}

// startsAsWritten starts a configuration with the files that it names, but for
// addresses and directories.
func startsAsWritten(t *testing.T, config string) {
	t.Helper()
	dir := t.TempDir()
	write := func(name, text string) { must(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600)) }
	writeCertificate(t, filepath.Join(dir, "server.pem"), filepath.Join(dir, "server.key"))
	write("shop.key", shopKey+"\n")
	write("reports.key", "0b3a9c1e-7d24-4f60-8a19-c2d3e4f5a6b7\n")
	t.Setenv("REPORTS_KEY", "0b3a9c1e-7d24-4f60-8a19-c2d3e4f5a6b7")
	if strings.Contains(config, "store: redis") {
		write("redis.url", redistest.Start(t).URL()+"\n")
	}
	config = regexp.MustCompile(`(127\.0\.0\.1|0\.0\.0\.0):\d+`).ReplaceAllString(config, "127.0.0.1:0")
	write("sessionbridge.yaml", replaceOnce(t, config, "/var/lib/sessionbridge/sessions", filepath.Join(dir, "sessions")))
	runServe(t, 1, "serve", "--config", filepath.Join(dir, "sessionbridge.yaml"))
}

// replaceOnce replaces texts, of which each must be there once.
func replaceOnce(t *testing.T, text string, pairs ...string) string {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if n := strings.Count(text, pairs[i]); n != 1 {
			t.Fatalf("%q is there %d times, want it once in:\n%s", pairs[i], n, text)
		}
		text = strings.Replace(text, pairs[i], pairs[i+1], 1)
	}
	return text
}

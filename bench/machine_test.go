// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"
)

// machine returns what the figures were measured on.
func machine(t *testing.T) string {
	t.Helper()
	about := fmt.Sprintf("%s, %s/%s", runtime.Version(), runtime.GOOS, runtime.GOARCH)
	if cpuinfo, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		_, model, _ := strings.Cut(string(cpuinfo), "model name\t: ")
		model, _, _ = strings.Cut(model, "\n")
		about += fmt.Sprintf(", %d × %s", runtime.NumCPU(), strings.TrimSpace(model))
	}
	if kernel, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		about += ", Linux " + strings.TrimSpace(string(kernel))
	}
	if load, err := os.ReadFile("/proc/loadavg"); err == nil {
		about += ", load average " + strings.Fields(string(load))[0]
	}
	if version, _ := exec.Command("wrk", "--version").Output(); len(version) > 0 { // it exits with 1
		about += ", " + strings.Join(strings.Fields(string(version))[:2], " ")
	}
	if commit, err := exec.Command("git", "rev-parse", "--short=10", "HEAD").Output(); err == nil {
		about += ", commit " + strings.TrimSpace(string(commit))
	}
	return about + ", " + time.Now().UTC().Format(time.DateOnly)
}

// The table stands between these lines of README.md.
const (
	tableBegins = "<!-- make bench UPDATE=1 writes what follows -->\n\n"
	tableEnds   = "<!-- end of what it writes -->"
)

// readmeAround returns README.md before and after the table.
func readmeAround(t *testing.T) (before, after string) {
	t.Helper()
	readme, err := os.ReadFile("README.md")
	must(t, err)
	before, rest, ok := strings.Cut(string(readme), tableBegins)
	_, after, found := strings.Cut(rest, tableEnds)
	if !ok || !found {
		t.Fatal("README.md has no place for the table")
	}
	return before + tableBegins, tableEnds + after
}

func updateReadme(t *testing.T, table string) {
	t.Helper()
	before, after := readmeAround(t)
	must(t, os.WriteFile("README.md", []byte(before+table+"\n"+after), 0o644))
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package session_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestGuaranteesAreShownByTests checks that each promise names a test, and that
// the tests exist.
func TestGuaranteesAreShownByTests(t *testing.T) {
	page, err := os.ReadFile(filepath.FromSlash("docs/guarantees.md"))
	must(t, err)
	haveTests(t, promises(string(page)), 50)
}

// TestAnswersAreShownByTests checks the same of the answers to questions.
func TestAnswersAreShownByTests(t *testing.T) {
	page, err := os.ReadFile(filepath.FromSlash("docs/questions.md"))
	must(t, err)
	text := strings.ReplaceAll(string(page), "\r\n", "\n")
	answers := regexp.MustCompile(`(?m)^\*\*[^*]+\*\*\n(.+\n)+`).FindAllString(text, -1)
	haveTests(t, answers, 60)
	if questions := strings.Count(text, "\n**"); questions != len(answers) {
		t.Errorf("%d questions have %d answers", questions, len(answers))
	}
}

// haveTests checks that each claim names a test, and that there are as many
// tests as named.
func haveTests(t *testing.T, claims []string, least int) {
	t.Helper()
	named := regexp.MustCompile("`([a-z]+)\\.(Test[A-Za-z0-9]+)`")
	checked := 0
	for _, promise := range claims {
		tests := named.FindAllStringSubmatch(promise, -1)
		if len(tests) == 0 {
			t.Errorf("no test is named behind %q", promise)
		}
		for _, test := range tests {
			checked++
			if !hasTest(t, room(test[1]), test[2]) {
				t.Errorf("%s, which stands behind %q, is no test", test[0], promise)
			}
		}
	}
	if checked < least {
		t.Errorf("only %d tests were found on the page", checked)
	}
}

// room is the directory of a package.
func room(name string) string {
	switch name {
	case "session":
		return "."
	case "daemon":
		return filepath.FromSlash("internal/daemon")
	case "main":
		return filepath.FromSlash("cmd/sessionbridge")
	}
	return name
}

// promises returns the entries of the page's lists and the rows of its table,
// each in one line.
func promises(page string) []string {
	begins := regexp.MustCompile(`^(- |\d+\. |\| )`)
	var all []string
	open := false
	for line := range strings.Lines(page) {
		line = strings.TrimRight(line, "\r\n")
		switch {
		case strings.HasPrefix(line, "|---") || strings.HasPrefix(line, "| what happens"):
			open = false
		case begins.MatchString(line):
			all = append(all, line)
			open = true
		case open && strings.HasPrefix(line, " "):
			all[len(all)-1] += " " + strings.TrimSpace(line)
		default:
			open = false
		}
	}
	return all
}

// hasTest reports whether a test file of a directory declares the test.
func hasTest(t *testing.T, dir, name string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	must(t, err)
	for _, file := range files {
		source, err := os.ReadFile(file)
		must(t, err)
		if strings.Contains(string(source), "func "+name+"(") {
			return true
		}
	}
	return false
}

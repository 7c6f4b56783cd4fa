// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package examples_test

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestFirstPage does what docs/first-page.md tells to do, and compares what is
// printed. Its code must be that of the program.
func TestFirstPage(t *testing.T) {
	for _, tool := range []string{"bash", "curl", "grep"} {
		if _, err := exec.LookPath(tool); err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatalf("no %s: %v", tool, err)
			}
			t.Skipf("no %s: %v", tool, err)
		}
	}
	page := read(t, filepath.FromSlash("../docs/first-page.md"))
	program := read(t, filepath.FromSlash("firstpage/main.go"))
	w := &walk{t: t, dir: t.TempDir(), names: make(map[string]string)}
	commands := 0
	for _, b := range regexp.MustCompile("(?s)```([a-z]+)\n(.*?)```").FindAllStringSubmatch(page, -1) {
		switch kind, text := b[1], b[2]; kind {
		case "go":
			if !strings.Contains(program, text) {
				t.Errorf("firstpage does not have\n%s", text)
			}
		case "console":
			commands += w.block(text)
		}
	}
	if commands < 15 {
		t.Errorf("only %d commands were found", commands)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	must(t, err)
	return strings.ReplaceAll(string(text), "\r\n", "\n")
}

// A walk runs the commands of a page. Addresses and keys are others than there:
// names has what each is called now.
type walk struct {
	t     *testing.T
	dir   string
	names map[string]string
}

// block runs the commands of one terminal and returns how many there were.
func (w *walk) block(text string) int {
	exports, commands := "", strings.Split("\n"+text, "\n$ ")[1:]
	for _, c := range commands {
		command, want, _ := strings.Cut(strings.TrimSuffix(c, "\n")+"\n", "\n")
		switch {
		case strings.HasPrefix(command, "export "):
			exports += w.now(command) + "\n"
		case strings.Contains(command, "go build"):
			command = strings.ReplaceAll(command, "-o bin/", "-o "+filepath.Join(w.dir, "bin")+"/")
			w.compare(command, want, w.run("..", command))
		case strings.Contains(command, "LISTEN="), strings.HasSuffix(command, "demo"), strings.Contains(command, " serve "):
			w.serve(exports, command, want)
		default:
			w.compare(command, want, w.run(w.dir, exports+w.now(command)))
		}
	}
	return len(commands)
}

// placeholders are what is another on each machine.
var placeholders = regexp.MustCompile(`127\.0\.0\.1:\d+|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)

// now returns a command with what things are called now.
func (w *walk) now(command string) string {
	return placeholders.ReplaceAllStringFunc(command, func(name string) string {
		if known, ok := w.names[name]; ok {
			return known
		}
		return name
	})
}

// run runs a command that ends.
func (w *walk) run(dir, command string) string {
	w.t.Helper()
	c := exec.CommandContext(w.t.Context(), "bash", "-c", command)
	c.Dir = dir
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		w.t.Errorf("$ %s\n%v\n%s", command, err, stderr.String())
	}
	return string(out)
}

// serve starts a program that goes on until the test ends, and waits for what it
// prints. It may listen where it likes.
func (w *walk) serve(exports, command, want string) {
	w.t.Helper()
	here := regexp.MustCompile(`LISTEN=127\.0\.0\.1:\d+`).ReplaceAllString(command, "LISTEN=127.0.0.1:0")
	before, program, found := strings.Cut(here, "bin/")
	if !found {
		w.t.Fatalf("$ %s\nis not of bin/", command)
	}
	c := exec.Command("bash", "-c", exports+before+"exec bin/"+program)
	if before != "" { // bash has no exec behind a variable
		c = exec.Command("bash", "-c", exports+"export "+before+"\nexec bin/"+program)
	}
	c.Dir = w.dir
	c.Env = append(os.Environ(), "SESSIONBRIDGE_LISTEN=127.0.0.1:0", "SESSIONBRIDGE_ADMIN_LISTEN=127.0.0.1:0")
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.StdoutPipe()
	must(w.t, err)
	must(w.t, c.Start())
	late := time.AfterFunc(patience, func() { c.Process.Kill() })
	w.t.Cleanup(func() {
		c.Process.Kill()
		c.Wait() // says that it was killed
	})
	for _, name := range placeholders.FindAllString(want, -1) {
		delete(w.names, name)
	}
	got, lines := "", bufio.NewReader(out)
	for range strings.Count(want, "\n") {
		line, err := lines.ReadString('\n')
		got += line
		if err == io.EOF {
			break
		}
	}
	late.Stop()
	w.compare(command, want, got)
}

// compare compares what was printed with the page, and learns from it what
// things are called now.
func (w *walk) compare(command, want, got string) {
	w.t.Helper()
	var names []string
	pattern, end := "", 0
	for _, at := range placeholders.FindAllStringIndex(want, -1) {
		name := want[at[0]:at[1]]
		pattern += regexp.QuoteMeta(want[end:at[0]])
		if known, ok := w.names[name]; ok {
			pattern += regexp.QuoteMeta(known)
		} else {
			pattern += "(" + placeholders.String() + ")"
			names = append(names, name)
		}
		end = at[1]
	}
	m := regexp.MustCompile(`\A` + pattern + regexp.QuoteMeta(want[end:]) + `\z`).FindStringSubmatch(got)
	if m == nil {
		w.t.Fatalf("$ %s\nprints\n%s\nand not\n%s", command, got, want)
	}
	for i, name := range names {
		if known, ok := w.names[name]; ok && known != m[i+1] {
			w.t.Errorf("$ %s\n%s is %s and %s", command, name, known, m[i+1])
		}
		w.names[name] = m[i+1]
	}
}

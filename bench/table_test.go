// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

var flags = struct {
	rounds           *int
	row              *string
	markdown, update *bool
}{
	rounds:   flag.Int("rounds", 0, "measure, in so many rounds; 0 tries every row briefly"),
	row:      flag.String("row", "", "measure this row only"),
	markdown: flag.Bool("markdown", false, "print the table as Markdown"),
	update:   flag.Bool("update", false, "write the table into README.md"),
}

// TestMain is also where the processes begin that the tests start.
func TestMain(m *testing.M) {
	if role := os.Getenv(envRole); role != "" {
		os.Exit(serveAs(role))
	}
	os.Exit(m.Run())
}

// A row is one kind of work to measure.
type row struct {
	name    string
	absent  string // what a skipped row lacks
	measure func(m *meter) []line
}

// A line is one line of the table.
type line struct {
	work, baseline, ours, ratio, bar string
	verdict                          verdict
}

type verdict string

const (
	yes verdict = "yes"
	no  verdict = "NO"
	na  verdict = "-"
)

func holds(ok bool) verdict {
	if ok {
		return yes
	}
	return no
}

// rows are in the order of the table.
func rows() []row {
	return []row{
		{name: "read-handler", measure: readInHandler},
		{name: "read-wrk", absent: "no wrk", measure: readByWrk},
		{name: "write-cycle", measure: writeCycle},
		{name: "duplex-cycle", measure: duplexCycle},
		{name: "hand-off", measure: handOff},
		{name: "dotnet", absent: "no .NET peer", measure: readAfterLateCommit},
		{name: "held-get", absent: "no Linux", measure: heldByGet},
		{name: "held-duplex", absent: "no Linux", measure: heldByDuplex},
		{name: "growth", measure: growth},
		{name: "growth-disk", measure: growthOnDisk},
		{name: "growth-redis", absent: "no redis-server", measure: growthInRedis},
		{name: "page", measure: goPage},
		{name: "redis", absent: "no redis-server", measure: redisCycle},
		{name: "redis-hand-off", absent: "no redis-server", measure: redisHandOff},
		{name: "durable", measure: durable},
	}
}

// A meter is what a row measures with.
type meter struct {
	*testing.T
	rounds int
	window time.Duration // of one sample
	brief  bool          // it need only be seen to work
}

// scaled returns n, or the lesser number that is enough to see it work.
func (m *meter) scaled(n, brief int) int {
	if m.brief {
		return brief
	}
	return n
}

func TestTable(t *testing.T) {
	readmeAround(t) // or it would be missed after minutes of work
	began, lines := time.Now(), []line(nil)
	for _, r := range rows() {
		if *flags.row == "" || *flags.row == r.name {
			lines = append(lines, run(t, r)...)
		}
	}
	if len(lines) == 0 {
		t.Fatalf("there is no row %q", *flags.row)
	}
	if *flags.rounds == 0 {
		t.Log("tried, not measured:\n" + text(lines))
		return
	}
	about := fmt.Sprintf("%s; %d rounds, in %s", machine(t), *flags.rounds, time.Since(began).Round(time.Second))
	if *flags.update {
		updateReadme(t, about+"\n\n"+markdown(lines))
	}
	if *flags.markdown {
		fmt.Printf("%s\n\n%s", about, markdown(lines))
	} else {
		fmt.Printf("%s\n\n%s", about, text(lines))
	}
}

// run measures one row. One that ends early has a line all the same.
func run(t *testing.T, r row) (lines []line) {
	ended := line{work: r.name, ours: "FAILED", verdict: no}
	t.Run(r.name, func(t *testing.T) {
		defer func() {
			if t.Skipped() {
				ended.ours, ended.verdict = r.absent, na
			}
		}()
		m := &meter{T: t, rounds: *flags.rounds, window: time.Second}
		if m.rounds == 0 {
			m.rounds, m.window, m.brief = 1, 20*time.Millisecond, true
		} else {
			fmt.Fprintf(os.Stderr, "measuring %s\n", r.name)
		}
		lines = r.measure(m)
	})
	if len(lines) == 0 {
		lines = []line{ended}
	}
	return lines
}

var heads = []string{"row", "baseline", "ours", "ratio", "bar", "holds?"}

func (l line) cells() []string {
	return []string{l.work, l.baseline, l.ours, l.ratio, l.bar, string(l.verdict)}
}

func markdown(lines []line) string {
	var b strings.Builder
	fmt.Fprintf(&b, "| %s |\n|%s\n", strings.Join(heads, " | "), strings.Repeat("---|", len(heads)))
	for _, l := range lines {
		fmt.Fprintf(&b, "| %s |\n", strings.Join(l.cells(), " | "))
	}
	return b.String()
}

func text(lines []line) string {
	table := [][]string{heads}
	for _, l := range lines {
		table = append(table, l.cells())
	}
	width := make([]int, len(heads))
	for _, cells := range table {
		for i, cell := range cells {
			width[i] = max(width[i], len([]rune(cell)))
		}
	}
	var b strings.Builder
	for _, cells := range table {
		for i, cell := range cells {
			fmt.Fprintf(&b, "%-*s  ", width[i], cell)
		}
		b.WriteString("\n")
	}
	return b.String()
}

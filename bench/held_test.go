// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// heartbeat is how often a held GET is sent a newline by default.
const heartbeat = 15 * time.Second

// A holding is how clients keep requests open.
type holding struct {
	name       string
	null, ours string                                                   // paths
	beaten     string                                                   // path of the baseline that has heartbeats too, if ours has
	open       func(m *meter, address, path string, n int) (end func()) // n requests
	watch      time.Duration                                            // how long the time that it costs is measured
}

func heldByGet(m *meter) []line {
	return m.held(holding{name: "held by GET", null: pathHeld, ours: pathOurs, beaten: pathBeaten, open: openGets, watch: heartbeat})
}

func heldByDuplex(m *meter) []line {
	return m.held(holding{name: "held by duplex POST", null: pathDuplex, ours: pathOurs, beaten: pathDuplex, open: openPosts, watch: heartbeat / 3})
}

func (m *meter) held(h holding) (lines []line) {
	if runtime.GOOS != "linux" {
		m.Skip("what a process costs is read from Linux")
	}
	counts := []int{m.scaled(1000, 50), m.scaled(10_000, 100)}
	for _, n := range counts {
		lines = append(lines, m.heldMemory(h, n))
	}
	return append(lines, m.heldTime(h, counts[1]))
}

// heldMemory measures what n held requests add to a server's memory.
func (m *meter) heldMemory(h holding, n int) line {
	few := *m
	few.rounds = min(m.rounds, 3) // memory is not noisy
	resident := map[string]float64{}
	each := func(path string) func() float64 {
		return func() float64 {
			o := m.startOwner(n)
			defer o.stop()
			alive, all := m.ask(o, "/memory"), m.resident(o)
			defer h.open(m, o.address, path, n)()
			alive = m.ask(o, "/memory") - alive
			resident[path] = (m.resident(o) - all) / float64(n) / 1024
			return alive / float64(n) / 1024
		}
	}
	c := few.compareCold(each(h.null), each(h.ours))
	kb := func(samples []float64, path string) string {
		return fmt.Sprintf("%.1f KB each (RSS %.1f)", median(samples), resident[path])
	}
	return line{
		work: fmt.Sprintf("memory of %d sessions %s", n, h.name), baseline: kb(c.null, h.null), ours: kb(c.ours, h.ours),
		ratio: spread(c.ratio, "%.2f"), bar: "≤ 1.30", verdict: holds(median(c.ratio) <= 1.3),
	}
}

// heldTime measures the processor's time that n held requests take while nothing
// happens to them.
func (m *meter) heldTime(h holding, n int) line {
	watch := h.watch
	if m.brief {
		watch = 100 * time.Millisecond
	}
	share := func(path string) float64 {
		o := m.startOwner(n)
		defer o.stop()
		defer h.open(m, o.address, path, n)()
		m.ask(o, "/memory") // what opening them left to collect
		time.Sleep(watch / 15)
		before := m.processorTime(o)
		time.Sleep(watch)
		return 100 * (m.processorTime(o) - before).Seconds() / watch.Seconds()
	}
	null, ours := share(h.beaten), share(h.ours)
	bar := "the heartbeats' only: ≤ 1.3 × + 0.1"
	if h.beaten == h.null {
		bar = "none: ≤ 0.1 more"
		return line{
			work: fmt.Sprintf("processor time of %d sessions %s", n, h.name), baseline: fmt.Sprintf("%.2f %% of a core", null),
			ours: fmt.Sprintf("%.2f %% of a core", ours), ratio: "-", bar: bar, verdict: holds(ours <= null+0.1),
		}
	}
	return line{
		work: fmt.Sprintf("processor time of %d sessions %s", n, h.name), baseline: fmt.Sprintf("%.2f %% of a core, with heartbeats", null),
		ours: fmt.Sprintf("%.2f %% of a core", ours), ratio: fmt.Sprintf("%.2f", ours/null), bar: bar, verdict: holds(ours <= 1.3*null+0.1),
	}
}

// openGets holds by GET, each over a connection of its own.
func openGets(m *meter, address, path string, n int) (end func()) {
	var conns []*conn1
	get := getMessage(path, sessionID(0), false)
	for i := range n {
		c := dial1(m, address)
		must(m, c.hold(get.name(sessionID(i))))
		conns = append(conns, c)
	}
	return func() {
		for _, c := range conns {
			c.Close()
		}
	}
}

// openPosts holds by POST, up to a thousand over one connection.
func openPosts(m *meter, address, path string, n int) (end func()) {
	var conns []*conn2
	var open sync.WaitGroup
	for first := 0; first < n; first += 1000 {
		c := dial2(m, address)
		for i := first; i < min(n, first+1000); i++ {
			must(m, c.post(path, sessionID(i)))
			must(m, c.await(false))
		}
		conns = append(conns, c)
		open.Go(func() { c.await(true) }) // answers pings, until the connection is closed
	}
	return func() {
		for _, c := range conns {
			c.Close()
		}
		open.Wait()
	}
}

// processorTime returns how long a process has run (proc(5), utime and stime).
func (m *meter) processorTime(c *child) time.Duration {
	m.Helper()
	const tick = 10 * time.Millisecond // USER_HZ is 100 for whoever asks
	fields := m.proc(c, "stat")
	last := slices.IndexFunc(fields, func(s string) bool { return strings.HasSuffix(s, ")") })
	return time.Duration(m.number(fields[last+12])+m.number(fields[last+13])) * tick
}

// resident returns the bytes of a process that are in memory.
func (m *meter) resident(c *child) float64 {
	m.Helper()
	return m.number(m.proc(c, "statm")[1]) * float64(os.Getpagesize())
}

func (m *meter) proc(c *child, file string) []string {
	m.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", c.cmd.Process.Pid, file))
	must(m, err)
	return strings.Fields(string(b))
}

func (m *meter) number(s string) float64 {
	m.Helper()
	v, err := strconv.ParseFloat(s, 64)
	must(m, err)
	return v
}

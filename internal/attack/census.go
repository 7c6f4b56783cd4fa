// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package attack

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// A Census counts what a server has, as its metrics tell.
type Census struct {
	Holds, Waiters          int
	Goroutines, Descriptors int
	Heap                    int // bytes, with what no collection has found yet
	Collections             int // of garbage, so far
}

// Take takes the census of the server whose metrics are below admin. It uses a
// connection of its own each time, so that all counts have one such in them.
func Take(ctx context.Context, admin string) (Census, error) {
	all, err := metrics(ctx, admin)
	if err != nil {
		return Census{}, err
	}
	var c Census
	for name, to := range map[string]*int{
		"sessionbridge_holds": &c.Holds, "sessionbridge_waiters": &c.Waiters,
		"go_goroutines": &c.Goroutines, "process_open_fds": &c.Descriptors,
		"go_memstats_heap_alloc_bytes": &c.Heap, "go_gc_duration_seconds_count": &c.Collections,
	} {
		*to = int(all[name])
	}
	return c, nil
}

// Over returns how many exchanges of a client and a kind are over.
func Over(ctx context.Context, admin, client, kind string) (int, error) {
	all, err := metrics(ctx, admin)
	n := 0.0
	for name, value := range all {
		if strings.HasPrefix(name, fmt.Sprintf("sessionbridge_exchanges_total{client=%q,kind=%q,", client, kind)) {
			n += value
		}
	}
	return int(n), err
}

// metrics returns all figures of a server by their names with their labels.
func metrics(ctx context.Context, admin string) (map[string]float64, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, admin+"/metrics", nil)
	if err != nil {
		return nil, err
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	all := make(map[string]float64)
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() {
		name, value, ok := strings.Cut(lines.Text(), " ")
		if !ok || name == "#" {
			continue
		}
		if f, err := strconv.ParseFloat(value, 64); err == nil { // else a label has a space in it
			all[name] = f
		}
	}
	return all, lines.Err()
}

// Above returns what the census has more of than another one, allowing a few
// bytes of heap; "" if there is nothing.
func (c Census) Above(before Census, heap int) string {
	var more []string
	for _, is := range []struct {
		what               string
		now, before, allow int
	}{
		{"holds", c.Holds, before.Holds, 0}, {"waiters", c.Waiters, before.Waiters, 0},
		{"goroutines", c.Goroutines, before.Goroutines, 0}, {"descriptors", c.Descriptors, before.Descriptors, 0},
		{"bytes of heap", c.Heap, before.Heap, heap},
	} {
		if is.now > is.before+is.allow {
			more = append(more, fmt.Sprintf("%d %s, before %d", is.now, is.what, is.before))
		}
	}
	return strings.Join(more, "; ")
}

// Settle takes the census until the server has no more than before, or ctx is
// done: then it returns an error that tells what is left. churn makes the server
// allocate, so that it collects its garbage.
func Settle(ctx context.Context, admin string, before Census, heap int, churn func() error) (Census, error) {
	for {
		now, err := Take(ctx, admin)
		if err != nil {
			return now, err
		}
		left := now.Above(before, heap)
		if left == "" {
			return now, nil
		}
		if err := churn(); err != nil {
			return now, err
		}
		select {
		case <-ctx.Done():
			return now, fmt.Errorf("left on the server: %s", left)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

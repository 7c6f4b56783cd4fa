// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"fmt"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"
)

// performTimed runs a check by the real clock. A check that failed while the
// machine stalled has shown nothing, and runs again: what it waited for may have
// passed, or items expired, before it could look. One that failed in time has
// failed.
func (ch check) performTimed(t *testing.T, o Options) {
	const attempts = 5
	for attempt := 1; ; attempt++ {
		c, complaints := ch.record(t, o)
		if len(complaints) == 0 {
			return
		}
		if stalled := c.stalled(); c.mayHaveMissed(stalled) && attempt < attempts {
			t.Logf("once more, for the machine stalled for %s: %q", stalled, complaints)
			continue
		}
		for _, complaint := range complaints {
			t.Error(complaint)
		}
		return
	}
}

// record runs a check and returns what it has to say. It is in a goroutine of
// its own, which ends with the first complaint that is fatal.
func (ch check) record(t *testing.T, o Options) (c *trial, complaints []string) {
	var rec recorder
	done := make(chan struct{})
	go func() {
		defer close(done)
		c = newTrial(t, &rec, o)
		defer c.close()
		ch.run(c)
	}()
	<-done
	return c, rec.complaints
}

// mayHaveMissed reports whether a stall is long enough for what a check waited for
// to pass, or for items to expire in a check that waits for nothing.
func (c *trial) mayHaveMissed(stalled time.Duration) bool {
	return stalled > c.timeout/10 && c.waited > 0 || stalled > c.timeout/2
}

// stalled is how much longer a trial took than it meant to wait.
func (c *trial) stalled() time.Duration {
	return time.Since(c.begun) - c.waited
}

// A recorder takes down what would make a test fail.
type recorder struct {
	mu         sync.Mutex
	complaints []string
}

func (r *recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.complaints = append(r.complaints, where()+fmt.Sprintf(format, args...))
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}

// where is the line of the check that complains: the nearest one outside the
// files of the trial.
func where() string {
	for skip := 2; ; skip++ {
		_, path, line, ok := runtime.Caller(skip)
		if !ok {
			return ""
		}
		if file := filepath.Base(path); file != "trial.go" && file != "record.go" {
			return fmt.Sprintf("%s:%d: ", file, line)
		}
	}
}

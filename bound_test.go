// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

type key struct{}

func TestBoundOutlivesItsParentButNotForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		parent, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, "value"))
		b := within(parent, time.Second)
		cancel()
		child, stop := context.WithCancel(b)
		defer stop()
		if b.Err() != nil || child.Err() != nil || context.Cause(b) != nil {
			t.Errorf("it is done with its parent: %v, %v, %v", b.Err(), child.Err(), context.Cause(b))
		}
		if b.Value(key{}) != "value" {
			t.Error("it lacks its parent's values")
		}
		begun := time.Now()
		<-child.Done()
		if took := time.Since(begun); took != time.Second {
			t.Errorf("it was done after %s, want 1s", took)
		}
		if !errors.Is(b.Err(), context.DeadlineExceeded) || !errors.Is(child.Err(), context.DeadlineExceeded) {
			t.Errorf("got %v and %v, want DeadlineExceeded", b.Err(), child.Err())
		}
	})
}

func TestBoundThatIsEndedLetsGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, asked := range []bool{false, true} {
			b := within(t.Context(), time.Second)
			if asked {
				b.Done()
			}
			b.end()
			b.end()
			select {
			case <-b.Done():
			default:
				t.Error("it is not done")
			}
			if !errors.Is(b.Err(), context.Canceled) {
				t.Errorf("got %v, want Canceled", b.Err())
			}
			child, stop := context.WithCancel(b)
			stop()
			if !errors.Is(child.Err(), context.Canceled) {
				t.Errorf("its child got %v", child.Err())
			}
		}
	})
}

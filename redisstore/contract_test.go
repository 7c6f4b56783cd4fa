// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package redisstore_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/internal/redistest"
	"github.com/sessionbridge/session/redisstore"
	"github.com/sessionbridge/session/storetest"
)

// suite runs the contract's suite on stores at a URL, each with a prefix of its
// own.
func suite(t *testing.T, o redisstore.Options, timeout time.Duration) {
	var prefixes sync.Map // by store
	var opened atomic.Int64
	openAt := func(t *testing.T, prefix string) session.Store {
		o := o
		o.Prefix = prefix
		s := openUnclosed(t, o)
		prefixes.Store(s, prefix)
		return s
	}
	again := func(t *testing.T, other session.Store) session.Store {
		prefix, _ := prefixes.Load(other)
		return openAt(t, prefix.(string))
	}
	storetest.Test(t, storetest.Options{
		Timeout: timeout,
		New:     func(t *testing.T) session.Store { return openAt(t, fmt.Sprint("test", opened.Add(1))) },
		Second:  again,
		Reopen:  again,
	})
}

// TestStore runs the suite on one server and in a cluster at the same time: it
// does little but wait, and t.Parallel would take a processor for each.
func TestStore(t *testing.T) {
	t.Parallel()
	var wg sync.WaitGroup
	wg.Go(func() {
		t.Run("on one server", func(t *testing.T) {
			suite(t, redisstore.Options{URL: redistest.Start(t).URL()}, 3*time.Second)
		})
	})
	wg.Go(func() {
		t.Run("in a cluster", func(t *testing.T) { // seven servers, on a machine that may be busy
			suite(t, redisstore.Options{URL: redistest.StartCluster(t).Servers[0].URL()}, 4*time.Second)
		})
	})
	wg.Wait()
}

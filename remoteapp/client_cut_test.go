// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package remoteapp_test

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/internal/memhttp"
	"github.com/sessionbridge/session/remoteapp"
)

// A breakage is where the connections of a client break, counted in bytes of all of
// them one way.
type breakage struct {
	mu      sync.Mutex
	arrives bool // of what arrives; else of what is sent
	left    int
	done    bool
}

// take returns how many of n bytes may pass; less than n where it breaks.
func (c *breakage) take(arrives bool, n int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if arrives != c.arrives || c.done {
		return n
	}
	passed := min(n, c.left)
	c.left -= passed
	c.done = passed < n
	return passed
}

// A cutConn breaks where its breakage says.
type cutConn struct {
	*memhttp.Conn
	cut *breakage
}

var errCut = errors.New("the connection is cut")

func (c cutConn) Write(p []byte) (int, error) {
	if n := c.cut.take(false, len(p)); n < len(p) {
		c.Conn.Write(p[:n])
		c.Close()
		return n, errCut
	}
	return c.Conn.Write(p)
}

func (c cutConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if passed := c.cut.take(true, n); passed < n {
		c.Reset()
		return passed, errCut
	}
	return n, err
}

// What a client says of a commit is true, at whichever byte its connections break,
// and nothing stays held.
func TestConnectionThatBreaksAnywhere(t *testing.T) {
	for _, h2c := range []bool{false, true} {
		for _, arrives := range []bool{false, true} {
			for at := 0; !breaksAt(t, h2c, &breakage{arrives: arrives, left: at}); at++ {
			}
		}
	}
}

// breaksAt reports whether the exchange was over before that.
func breaksAt(t *testing.T, h2c bool, c *breakage) (over bool) {
	at := c.left
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, setup{})
		s.hold(call{id: testID, client: s.Client(memhttp.HTTP1)}).put(update(testID, "n", "1"))
		transport := s.Transport(memhttp.HTTP1)
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			conn, err := s.Dial(ctx)
			return cutConn{conn, c}, err
		}
		err := changeOnce(t, s.client(remoteapp.ClientOptions{H2C: h2c, Transport: transport}))
		synctest.Wait()
		s.nothingHeld()
		over = !c.done
		known := err == nil || errors.Is(err, remoteapp.ErrUnreachable) || errors.Is(err, session.ErrLockLost) || errors.Is(err, session.ErrCommitUnknown)
		stored := items(read(t, s.client(remoteapp.ClientOptions{}), testID)) == "n=2"
		if !known || !errors.Is(err, session.ErrCommitUnknown) && stored != (err == nil) || over && err != nil {
			t.Errorf("H2C %t, what arrives %t, cut at %d: %v; stored %t", h2c, c.arrives, at, err, stored)
		}
	})
	return over
}

func changeOnce(t *testing.T, c *remoteapp.Client) error {
	t.Helper()
	o, err := c.Open(t.Context(), testID, session.Writable)
	if err != nil {
		return err
	}
	set(t, o, "n", "2")
	return o.Commit(t.Context())
}

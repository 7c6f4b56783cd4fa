// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package session

import "sync"

// underway are the commits that this node is making, by the token of the hold that
// each began with. An exchange that ends meanwhile leaves its hold to them: the
// commit has arrived whole, whatever has become of the connection.
type underway struct {
	mu      sync.Mutex
	commits map[uint64]*committing
}

// A committing is what is known of the commits of one hold.
type committing struct {
	n    int  // how many; a client may send its commit twice
	left bool // the exchange has ended
}

func (u *underway) begin(token uint64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.commits == nil {
		u.commits = make(map[uint64]*committing)
	}
	if u.commits[token] == nil {
		u.commits[token] = new(committing)
	}
	u.commits[token].n++
}

// end reports whether the hold is now nobody's.
func (u *underway) end(token uint64) (left bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	c := u.commits[token]
	if c.n--; c.n > 0 {
		return false
	}
	delete(u.commits, token)
	return c.left
}

// leave leaves a hold to its commits. It reports false if there are none.
func (u *underway) leave(token uint64) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	c := u.commits[token]
	if c == nil {
		return false
	}
	c.left = true
	return true
}

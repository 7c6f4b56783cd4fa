// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package session

import "sync"

// underway are the commits that this node is making, by the hold that each began
// with. An exchange that ends meanwhile leaves its hold to them: the
// commit has arrived whole, whatever has become of the connection.
type underway struct {
	mu      sync.Mutex
	commits map[holdName]*committing
}

// A committing is what is known of the commits of one hold.
type committing struct {
	n    int  // how many; a client may send its commit twice
	left bool // the exchange has ended
}

func (u *underway) begin(name holdName) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.commits == nil {
		u.commits = make(map[holdName]*committing)
	}
	if u.commits[name] == nil {
		u.commits[name] = new(committing)
	}
	u.commits[name].n++
}

// end reports whether the hold is now nobody's.
func (u *underway) end(name holdName) (left bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	c := u.commits[name]
	if c.n--; c.n > 0 {
		return false
	}
	delete(u.commits, name)
	return c.left
}

// leave leaves a hold to its commits. It reports false if there are none.
func (u *underway) leave(name holdName) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	c := u.commits[name]
	if c == nil {
		return false
	}
	c.left = true
	return true
}

// has reports whether a hold has commits.
func (u *underway) has(name holdName) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.commits[name] != nil
}

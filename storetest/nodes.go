// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"slices"
	"strings"
	"time"

	"github.com/sessionbridge/session"
)

func nodeChecks() []check {
	return []check{
		{"Beat tells the nodes that are alive", beatTellsLive},
		{"a node is alive for as long as it said", beatEnds},
		{"Learn tells all keys of a client", learnTellsAll},
		{"keys compare without case", learnFolds},
		{"clients are apart", clientsAreApart},
	}
}

// beat keeps a node alive for a part of the idle timeout and checks who is.
func (c *trial) beat(s session.Store, node string, timeouts float64, want ...string) {
	c.Helper()
	live, err := s.Beat(c.ctx, node, time.Duration(timeouts*float64(c.timeout)))
	c.must(err)
	slices.Sort(live)
	slices.Sort(want)
	if !slices.Equal(live, want) {
		c.Errorf("the nodes %q are alive, want %q", live, want)
	}
}

func beatTellsLive(c *trial) {
	c.beat(c.s, "node 1", 10, "node 1")
	c.beat(c.other, "node 2", 10, "node 1", "node 2")
	c.beat(c.s, "node 1", 10, "node 1", "node 2")
	c.beat(c.other, "node 3", 10, "node 1", "node 2", "node 3")
}

func beatEnds(c *trial) {
	c.beat(c.s, "short", 1, "short")
	c.beat(c.s, "long", 10, "long", "short")
	c.beat(c.s, "beating", 1, "beating", "long", "short")
	c.wait(0.6)
	c.beat(c.other, "beating", 1, "beating", "long", "short")
	c.wait(0.6)
	c.beat(c.s, "long", 10, "beating", "long")
	c.wait(0.6)
	c.beat(c.other, "late", 10, "late", "long")
	c.beat(c.s, "short", 1, "late", "long", "short")
}

// learn teaches keys and returns all that the client is known to have sent.
func (c *trial) learn(client string, keys ...string) []string {
	c.Helper()
	all, err := c.s.Learn(c.ctx, client, keys)
	if err != nil {
		c.Fatalf("Learn: %v", err)
	}
	return all
}

// knows checks keys, without case.
func (c *trial) knows(when string, got []string, want ...string) {
	c.Helper()
	fold := func(keys []string) []string {
		folded := make([]string, len(keys))
		for i, key := range keys {
			folded[i] = strings.ToLower(key)
		}
		slices.Sort(folded)
		return folded
	}
	if !slices.Equal(fold(got), fold(want)) {
		c.Errorf("%s the keys %q are known, want %q", when, got, want)
	}
}

func learnTellsAll(c *trial) {
	c.knows("before anything is learned", c.learn("shop"))
	c.knows("at first", c.learn("shop", "cart"), "cart")
	c.knows("then", c.learn("shop", "user", "basket:*", "a b:\"ü\"\n"), "cart", "user", "basket:*", "a b:\"ü\"\n")
	c.knows("at last", c.learn("shop"), "cart", "user", "basket:*", "a b:\"ü\"\n")
	all, err := c.other.Learn(c.ctx, "shop", []string{"more"})
	c.must(err)
	c.knows("to another node", all, "cart", "user", "basket:*", "a b:\"ü\"\n", "more")
	all[0] = "changed by the caller"
	c.knows("after a caller has changed what it got", c.learn("shop"), "cart", "user", "basket:*", "a b:\"ü\"\n", "more")
}

func learnFolds(c *trial) {
	c.knows("in one call", c.learn("shop", "Cart", "cart", "CART", "user"), "cart", "user")
	c.knows("in another", c.learn("shop", "cArT", "USER", "Üser"), "cart", "user", "üser")
	c.knows("at last", c.learn("shop", "üser"), "cart", "user", "üser")
	apart := []string{"k", "\u212a", "s", "\u017f"} // the Kelvin sign and the long s, to .NET
	c.knows("that are one by other rules only", c.learn("lab", apart...), apart...)
}

func clientsAreApart(c *trial) {
	c.learn("shop", "cart")
	c.knows("of another client", c.learn("blog"))
	c.learn("blog", "draft")
	c.knows("of the one", c.learn("shop"), "cart")
	c.knows("of the other", c.learn("blog"), "draft")
}

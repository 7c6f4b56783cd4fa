// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package torture

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"

	"github.com/sessionbridge/session"
)

// Reach returns the one store as a node of this name reaches it, and is called
// for each node that starts. The node closes it when it ends.
type Reach func(ctx context.Context, node string) (session.Store, error)

// A Node is a Manager with its way to the store.
type Node struct {
	Name    string
	Manager *session.Manager
	Store   *Faulty
}

// Nodes are those that share a store. It is safe for concurrent use.
type Nodes struct {
	// Started is called when a node has started, and Died when it is cut off from
	// its store for ever and its Manager is closed; nil: nobody is told. Both are
	// set before the first node starts.
	Started func(*Node) error
	Died    func(*Node)

	reach   Reach
	options session.ManagerOptions
	witness *Witness
	rate    float64

	mu    sync.Mutex
	rand  *rand.Rand
	named int
	live  []*Node
	dead  []*Node
}

// NewNodes returns no nodes yet. rate is how many of their calls of the store get
// no answer.
func NewNodes(reach Reach, o session.ManagerOptions, w *Witness, r *rand.Rand, rate float64) *Nodes {
	return &Nodes{reach: reach, options: o, witness: w, rand: r, rate: rate}
}

// Start starts a node, trying as often as it takes.
func (n *Nodes) Start(ctx context.Context) (*Node, error) {
	n.mu.Lock()
	n.named++
	name, r := fmt.Sprint("node", n.named), rand.New(rand.NewPCG(n.rand.Uint64(), 0))
	n.mu.Unlock()
	store, err := n.reach(ctx, name)
	if err != nil {
		return nil, err
	}
	node := &Node{Name: name, Store: NewFaulty(n.witness.Watch(store, name), r, n.rate, n.witness.counts)}
	o := n.options
	o.Node = name
	for tries := 0; node.Manager == nil && tries < 10; tries++ {
		node.Manager, err = session.OpenManager(ctx, node.Store, o)
	}
	if err == nil && n.Started != nil {
		err = n.Started(node)
	}
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.live = append(n.live, node)
	return node, nil
}

// Kill ends a node as a crash does: it releases nothing.
func (n *Nodes) Kill(node *Node) {
	n.mu.Lock()
	n.live = slices.DeleteFunc(n.live, func(other *Node) bool { return other == node })
	n.dead = append(n.dead, node)
	n.mu.Unlock()
	n.witness.died(node.Name)
	n.witness.counts.Add("deaths", 1)
	n.end(node)
}

// end ends a node that is not used any more.
func (n *Nodes) end(node *Node) {
	node.Store.Die()
	node.Manager.Close()
	if n.Died != nil {
		n.Died(node)
	}
}

// Any returns one of the nodes that live. There must be one.
func (n *Nodes) Any(r *rand.Rand) *Node {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.live[r.IntN(len(n.live))]
}

// Close ends all nodes once nobody uses them any more.
func (n *Nodes) Close() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, node := range n.live {
		n.end(node)
	}
	var errs []error
	for _, node := range slices.Concat(n.live, n.dead) {
		errs = append(errs, node.Store.Close())
	}
	return errors.Join(errs...)
}

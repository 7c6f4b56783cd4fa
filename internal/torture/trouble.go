// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package torture

import (
	"context"
	"math/rand/v2"
	"time"
)

// A Trouble is what befalls nodes while pages run.
type Trouble struct {
	Every   time.Duration // how long there is peace at most
	Longest time.Duration // how long a node stalls at most
}

// Befall kills and stalls nodes until the context ends. There is always one that
// lives: for each that dies another one starts first.
func (t Trouble) Befall(ctx context.Context, n *Nodes, r *rand.Rand) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Duration(r.Int64N(int64(t.Every) + 1))):
		}
		node := n.Any(r)
		if r.IntN(3) > 0 {
			fault := []Fault{HeldRequest, HeldAnswer, LateRequest, Pause}[r.IntN(4)]
			node.Store.Stall(fault, time.Duration(r.Int64N(int64(t.Longest)+1)))
			continue
		}
		if _, err := n.Start(context.WithoutCancel(ctx)); err != nil {
			return err
		}
		n.Kill(node)
	}
}

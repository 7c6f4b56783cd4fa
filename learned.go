// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"context"
	"sync"

	"github.com/sessionbridge/session/wire"
)

// learnedKeys remembers which keys each client has ever sent, as the store
// knows it, so that a commit need not ask, unless its client leaves out a key that
// it is not known here to have sent.
type learnedKeys struct {
	mu       sync.Mutex
	byClient map[string]*sentKeys
}

// sentKeys are the keys that one client has ever sent.
type sentKeys struct {
	mu      sync.Mutex
	folded  map[string]bool
	spelled map[string]bool // as they were last sent: looked up without folding
}

// sent returns the keys that a client has ever sent, as far as this node knows,
// those of this update among them. Only a key that is new to this node costs a
// call of the store.
func (l *learnedKeys) sent(ctx context.Context, store Store, client string, update []byte) (*sentKeys, error) {
	keys := l.of(client)
	unseen := keys.unseen(update)
	if len(unseen) == 0 {
		return keys, nil
	}
	return keys, keys.learn(ctx, store, client, unseen)
}

// refresh asks the store what a client has ever sent, at any node, unless it has
// sent too many keys to be asked about.
func (l *learnedKeys) refresh(ctx context.Context, store Store, client string) error {
	keys := l.of(client)
	if keys.full() {
		return nil
	}
	return keys.learn(ctx, store, client, nil)
}

// learn adds what the store knows, and tells it of the keys that it may not know.
func (k *sentKeys) learn(ctx context.Context, store Store, client string, unseen []string) error {
	ask := within(ctx, storeTimeout)
	defer ask.end()
	all, err := store.Learn(ask, client, unseen)
	if err == nil {
		k.add(all, unseen)
	}
	return err
}

// of returns the keys of a client.
func (l *learnedKeys) of(client string) *sentKeys {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.byClient == nil {
		l.byClient = make(map[string]*sentKeys)
	}
	keys := l.byClient[client]
	if keys == nil {
		keys = &sentKeys{folded: make(map[string]bool), spelled: make(map[string]bool)}
		l.byClient[client] = keys
	}
	return keys
}

// mostSpelled bounds the spellings that are remembered of a client. One that has
// more, with an id in each key say, is not asked about any more: what it leaves
// out stays.
const mostSpelled = 10_000

// unseen returns the keys of an update that have not been seen on this node.
// A key without a value does not count: its client has no type for it, and will
// leave it out the next time without meaning to remove it.
func (k *sentKeys) unseen(update []byte) []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	var unseen []string
	for items := wire.Scan(update); items.Next() && len(k.spelled)+len(unseen) < mostSpelled; {
		if len(items.Value()) > 0 && !k.spelled[string(items.Key())] {
			unseen = append(unseen, string(items.Key()))
		}
	}
	return unseen
}

// add adds what the store knows, and the spellings that were asked about.
func (k *sentKeys) add(all, spelled []string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, key := range all {
		k.folded[wire.FoldKey(key)] = true
	}
	for _, key := range spelled {
		k.spelled[key] = true
	}
}

// full reports whether so many keys are known that the store learns no more.
func (k *sentKeys) full() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return max(len(k.folded), len(k.spelled)) >= mostSpelled
}

// has reports whether the client has ever sent the key.
func (k *sentKeys) has(key string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.folded[wire.FoldKey(key)]
}

// none reports whether the client has never sent any key.
func (k *sentKeys) none() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.folded) == 0
}

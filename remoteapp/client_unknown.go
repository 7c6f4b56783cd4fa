// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package remoteapp

import (
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/wire"
)

// unwritten returns the keys that the owner could not write: those without a
// value, and those that it lists as unknown only.
func unwritten(s wire.Session) []string {
	var keys []string
	seen := make(map[string]bool)
	add := func(key string, without bool) {
		folded := wire.FoldKey(key)
		if without && !seen[folded] {
			keys = append(keys, key)
		}
		seen[folded] = true
	}
	for _, item := range s.Items {
		add(item.Key, len(item.Value) == 0)
	}
	for _, key := range s.Unknown {
		add(key, true)
	}
	return keys
}

func quoted(keys []string) string {
	q := make([]string, len(keys))
	for i, key := range keys {
		q[i] = strconv.Quote(key)
	}
	return strings.Join(q, ", ")
}

// mostWarned bounds for how many keys it is remembered that they were warned of.
const mostWarned = 1000

// warned are the keys that the log has told of.
type warned struct {
	mu   sync.Mutex
	keys map[string]bool
}

// warn tells of keys that a commit may lose, once of each.
func (w *warned) warn(log *slog.Logger, id string, keys []string) {
	if keys = w.fresh(keys); len(keys) > 0 {
		log.Warn("the owner could not write some keys of a session; an original server forgets them with this commit. Register them with their types there",
			"session", session.HashID(id), "keys", keys)
	}
}

func (w *warned) fresh(keys []string) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	keys = slices.DeleteFunc(slices.Clone(keys), func(key string) bool { return w.keys[wire.FoldKey(key)] || len(w.keys) >= mostWarned })
	for _, key := range keys {
		if w.keys == nil {
			w.keys = make(map[string]bool)
		}
		w.keys[wire.FoldKey(key)] = true
	}
	return keys
}

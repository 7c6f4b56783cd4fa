// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package torture

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/wire"
)

// Values are the keys of a session with their raw values. They are read-only.
type Values map[string]string

// Decode returns the values of an item.
func Decode(item session.Item) (State, error) {
	if item.New {
		return State{}, nil
	}
	items, _, err := wire.DecodeItems(item.Data, wire.Limits{})
	return StateOf(false, items), err
}

// StateOf returns the state that an open session tells.
func StateOf(isNew bool, items []wire.Item) State {
	values := make(Values, len(items))
	for _, item := range items {
		values[item.Key] = string(item.Value)
	}
	return State{Stored: !isNew, Values: values}
}

// Encode returns the values in items form, in the order of their keys.
func (v Values) Encode() []byte {
	var items []wire.Item
	for _, key := range slices.Sorted(maps.Keys(v)) {
		items = append(items, wire.Item{Key: key, Value: []byte(v[key])})
	}
	return wire.AppendItems(nil, items, nil)
}

func (v Values) String() string {
	var pairs []string
	for _, key := range slices.Sorted(maps.Keys(v)) {
		pairs = append(pairs, key+"="+v[key])
	}
	return strings.Join(pairs, " ")
}

// A State is a whole session as it is at one point in time.
type State struct {
	Stored bool // else there is none, and no values
	Values Values
}

// equal leaves open whether a session without keys is stored: a page of a new
// one that changes nothing may store it, or not.
func (s State) equal(other State) bool { return maps.Equal(s.Values, other.Values) }

func (s State) String() string {
	if !s.Stored {
		return "none"
	}
	return "{" + s.Values.String() + "}"
}

// An Exchange is one page's use of one session, from when it is opened to when
// it is committed or given up.
type Exchange struct {
	Session string // its id
	Number  int    // unlike that of any other exchange of the history, more than 0
}

// Trace is the W3C trace id of an exchange, by which nodes and witnesses tell it
// from others.
func (x Exchange) Trace() string { return fmt.Sprintf("%032x", x.Number) }

type exchangeKey struct{}

// within returns a context that carries an exchange, for pages that have no
// trace: what a Manager asks of its store keeps the values of its caller's.
func (x Exchange) within(ctx context.Context) context.Context {
	return context.WithValue(ctx, exchangeKey{}, x.Trace())
}

// A Change is what a page sends back.
type Change struct {
	Values  Values // the whole session
	Abandon bool   // the session ends; the values are ignored
}

// changed returns the keys that a page changed: set, added or removed.
func changed(base, back Values) []string {
	var keys []string
	for key, value := range back {
		if was, ok := base[key]; !ok || was != value {
			keys = append(keys, key)
		}
	}
	for key := range base {
		if _, ok := back[key]; !ok {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

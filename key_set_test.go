// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package session_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sessionbridge/session"
)

var carts = session.NewPattern[int]("cart:*")

func TestPatternMakesKeys(t *testing.T) {
	s := newSession("Cart:A", "1", "other", "2", "cart:b", "3")
	if n, err := carts.Key("a").Get(s); n != 1 || err != nil {
		t.Errorf("got %d, %v, want 1", n, err)
	}
	must(t, carts.Key("new").Set(s, 4))
	if got, want := carts.Parts(s), []string{"A", "b", "new"}; !cmp.Equal(got, want) {
		t.Errorf("parts %q, want %q", got, want)
	}
	if got := carts.Key("x").Name(); got != "cart:x" {
		t.Errorf("the key is %q", got)
	}
	both := session.NewPattern[int]("a*a")
	longer := session.NewPattern[int]("Ⱥ*Ⱥ")
	if got := longer.Parts(newSession("ⱥ:xⱥ", "1", "ⱥ", "2", "Ⱥ", "3", "ⱥȺ", "4")); !cmp.Equal(got, []string{":x", ""}) {
		t.Errorf("parts %q of keys that have more bytes in lower case", got)
	}
	if got := both.Parts(newSession("a", "1", "aa", "2", "aXA", "3")); !cmp.Equal(got, []string{"", "X"}) {
		t.Errorf("parts %q, want an empty one and X", got)
	}
}

func TestPatternHasTheOptionsOfKeys(t *testing.T) {
	s := newSession("cart:a", "1")
	var size *session.SizeError
	if err := carts.WithLimit(2).Key("a").Set(s, 100); !errors.As(err, &size) {
		t.Errorf("limit: got %v", err)
	}
	goods := session.NewPattern[map[string]int]("goods:*").WithMutations(session.ReportMutations)
	g := map[string]int{}
	must(t, goods.Key("a").Set(s, g))
	g["bell"] = 1
	var report *session.MutationError
	if err := s.Settle(); !errors.As(err, &report) || !cmp.Equal(report.Keys, []string{"goods:a"}) {
		t.Errorf("mutations: got %v", err)
	}
	if _, err := carts.WithCodec(quoted{}).Key("a").Get(s); err == nil || !strings.Contains(err.Error(), "quoted") {
		t.Errorf("codec: got %v", err)
	}
}

// quoted is a codec that reads nothing.
type quoted struct{ session.JSON }

func (quoted) Unmarshal([]byte, any) error { return errors.New("quoted") }

func TestWrongPatternPanics(t *testing.T) {
	for _, pattern := range []string{"cart", "*:*"} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%q: no panic", pattern)
				}
			}()
			session.NewPattern[int](pattern)
		}()
	}
}

func newKeySet(t *testing.T) *session.KeySet {
	t.Helper()
	set, err := session.NewKeySet(carts, session.NewKey[string]("cart:name"), session.NewKey[string]("user"))
	must(t, err)
	return set
}

func TestKeySetNamesWhatWasDeclaredTwice(t *testing.T) {
	_, err := session.NewKeySet(carts, session.NewKey[int]("a"), session.NewKey[string]("A"), session.NewPattern[string]("CART:*"))
	if err == nil || !strings.Contains(err.Error(), `"A"`) || !strings.Contains(err.Error(), `"CART:*"`) {
		t.Errorf("got %v, want both", err)
	}
	if got := newKeySet(t).Names(); !slices.Contains(got, "cart:*") || len(got) != 3 {
		t.Errorf("names %q", got)
	}
}

func TestCheckNamesEachWrongValue(t *testing.T) {
	set := newKeySet(t)
	must(t, set.Check(newSession("User", `"ann"`, "cart:1", "1", "CART:NAME", `"first"`)))
	err := set.Check(newSession("user", "1", "foo", `{"a":1}`, "cart:1", `"x"`, "cart:2", "2", "bar", ""))
	for _, want := range []string{`"user": want string, found a number`, `"cart:1": want int, found a string`, `"foo" (an object (7 bytes))`, `"bar" (nothing)`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v\nwant it to have %s", err, want)
		}
	}
	if strings.Contains(err.Error(), "cart:2") {
		t.Errorf("%v\nnames a key that is right", err)
	}
}

func TestStrictSourceRefusesUnknownKeys(t *testing.T) {
	m := newManager(t, newStore(t), session.ManagerOptions{})
	strict := newKeySet(t).Strict(m)
	opened, err := strict.Open(t.Context(), testID, session.Writable)
	must(t, err)
	s := opened.Session()
	must(t, carts.Key("1").Set(s, 1))
	foo := session.NewKey[int]("foo")
	for name, err := range map[string]error{
		"SetRaw": s.SetRaw("foo", []byte("1")),
		"Set":    foo.Set(s, 1),
		"Update": foo.Update(s, func(n *int) error { *n = 1; return nil }),
	} {
		var unknown *session.UnknownKeysError
		if !errors.As(err, &unknown) || !unknown.Set || !cmp.Equal(unknown.Keys, []string{"foo"}) {
			t.Errorf("%s: got %v, want an UnknownKeysError", name, err)
		}
	}
	must(t, opened.Commit(t.Context()))
	if got := stored(t, m); got != "cart:1=1" {
		t.Errorf("stored %s", got)
	}

	lenient, err := m.Open(t.Context(), testID, session.Writable)
	must(t, err)
	must(t, lenient.Session().SetRaw("foo", []byte("1")))
	must(t, lenient.Commit(t.Context()))
	for _, mode := range []session.Mode{session.ReadOnly, session.Writable} {
		_, err := strict.Open(t.Context(), testID, mode)
		var unknown *session.UnknownKeysError
		if !errors.As(err, &unknown) || unknown.Set || !cmp.Equal(unknown.Keys, []string{"foo"}) {
			t.Errorf("got %v, want an UnknownKeysError", err)
		}
	}
	nothingHeld(t, m)
}

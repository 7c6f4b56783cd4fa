// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package session_test

import (
	"errors"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/wire"
)

func newSession(keysAndValues ...string) *session.Session {
	list, _, _ := wire.DecodeItems(items(keysAndValues...), wire.Limits{})
	return session.NewSession(session.State{ID: testID, Timeout: 20 * time.Minute, Items: list})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestKeysCompareWithoutCaseAndKeepSpellingAndPlace(t *testing.T) {
	s := newSession("Cart", "1", "user", `"ann"`)
	must(t, s.SetRaw("CART", []byte("2")))
	must(t, s.SetRaw("new", []byte("3")))
	if got, ok := s.Raw("cart"); !ok || string(got) != "2" {
		t.Errorf("cart is %q, %t, want 2", got, ok)
	}
	if got, want := s.Keys(), []string{"Cart", "user", "new"}; !cmp.Equal(got, want) {
		t.Errorf("keys %q, want %q", got, want)
	}
	must(t, s.Delete("cArT"))
	must(t, s.SetRaw("cart", []byte("4")))
	if got, want := s.Keys(), []string{"user", "new", "cart"}; !cmp.Equal(got, want) {
		t.Errorf("keys %q, want %q", got, want)
	}
}

func TestOfKeysThatStandTwiceTheLastCounts(t *testing.T) {
	s := newSession("a", "1", "b", "2", "A", "3")
	if got, _ := s.Raw("a"); string(got) != "3" || s.Len() != 2 {
		t.Errorf("a is %q of %d keys, want 3 of 2", got, s.Len())
	}
}

func TestChangesTellWhatARequestDid(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(s *session.Session) error
		want   session.Changes
		any    bool
	}{
		{"nothing", func(*session.Session) error { return nil }, session.Changes{}, false},
		{"a key set to what it was", func(s *session.Session) error { return s.SetRaw("A", []byte("1")) }, session.Changes{}, false},
		{"a key that is not there deleted", func(s *session.Session) error { return s.Delete("zzz") }, session.Changes{}, false},
		{"a key set", func(s *session.Session) error { return s.SetRaw("A", []byte("9")) }, session.Changes{Set: []string{"a"}}, true},
		{"a new key", func(s *session.Session) error { return s.SetRaw("c", []byte("9")) }, session.Changes{Set: []string{"c"}}, true},
		{"a key deleted", func(s *session.Session) error { return s.Delete("B") }, session.Changes{Removed: []string{"b"}}, true},
		{"a new key set and deleted", func(s *session.Session) error {
			return errors.Join(s.SetRaw("c", []byte("9")), s.Delete("c"))
		}, session.Changes{}, false},
		{"all cleared", func(s *session.Session) error { return s.Clear() }, session.Changes{Removed: []string{"a", "b"}, Cleared: true}, true},
		{"all cleared and one set as it was", func(s *session.Session) error {
			return errors.Join(s.Clear(), s.SetRaw("b", []byte("2")))
		}, session.Changes{Removed: []string{"a"}, Cleared: true}, true},
		{"the timeout", func(s *session.Session) error { return s.SetTimeout(time.Hour) }, session.Changes{Timeout: true}, true},
		{"the end", func(s *session.Session) error { return s.Abandon() }, session.Changes{Abandoned: true}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newSession("a", "1", "b", "2")
			must(t, test.change(s))
			got := s.Changes()
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("changes differ (-want +got):\n%s", diff)
			}
			if got.Any() != test.any {
				t.Errorf("anything changed: %t, want %t", got.Any(), test.any)
			}
		})
	}
}

func TestReadOnlySessionCannotBeChanged(t *testing.T) {
	s := session.NewSession(session.State{ID: testID, ReadOnly: true, Timeout: time.Minute, Items: []wire.Item{{Key: "a", Value: []byte("1")}}})
	for name, err := range map[string]error{
		"SetRaw": s.SetRaw("a", []byte("2")), "Delete": s.Delete("a"), "Clear": s.Clear(), "Abandon": s.Abandon(),
		"SetTimeout": s.SetTimeout(time.Hour), "Key.Set": session.NewKey[int]("a").Set(s, 2),
	} {
		if !errors.Is(err, session.ErrReadOnly) {
			t.Errorf("%s got %v, want ErrReadOnly", name, err)
		}
	}
	if got := s.Changes(); got.Any() {
		t.Errorf("it changed: %+v", got)
	}
}

func TestSessionRefusesWhatTheWireCannotCarry(t *testing.T) {
	s := newSession()
	if err := s.SetRaw("a", nil); err == nil {
		t.Error("a value of no bytes was set")
	}
	for _, timeout := range []time.Duration{0, 90 * time.Second, session.MaxTimeout + time.Minute} {
		if err := s.SetTimeout(timeout); err == nil {
			t.Errorf("a timeout of %s was set", timeout)
		}
	}
}

func TestSetRawCopiesTheValue(t *testing.T) {
	s, value := newSession(), []byte("1")
	must(t, s.SetRaw("a", value))
	value[0] = '2'
	if got, _ := s.Raw("a"); string(got) != "1" {
		t.Errorf("a is %q after the caller changed its slice, want 1", got)
	}
}

func TestSessionIsSafeForTheGoroutinesOfARequest(t *testing.T) {
	s, count := newSession(), session.NewKey[int]("count")
	var workers sync.WaitGroup
	for i := range 8 {
		workers.Go(func() {
			for range 100 {
				count.Set(s, i)
				count.Get(s)
				s.Keys()
				s.Changes()
				s.Delete("other")
				s.SetRaw("other", []byte("1"))
			}
		})
	}
	workers.Wait()
}

type cart struct {
	Owner string
	Lines []string
}

func TestKeyGivesTypedAccess(t *testing.T) {
	s := newSession("cart", `{"Owner":"ann","Lines":["a"]}`, "visits", "7", "bad", `"seven"`)
	carts, visits := session.NewKey[*cart]("Cart"), session.NewKey[int]("visits")
	got, err := carts.Get(s)
	must(t, err)
	if want := (&cart{"ann", []string{"a"}}); !cmp.Equal(got, want) {
		t.Errorf("cart %+v, want %+v", got, want)
	}
	if again, _ := carts.Get(s); again != got {
		t.Error("two Gets of a request returned two carts")
	}
	if n, ok, err := visits.Lookup(s); n != 7 || !ok || err != nil {
		t.Errorf("visits %d, %t, %v, want 7", n, ok, err)
	}
	if n, ok, err := session.NewKey[int]("none").Lookup(s); n != 0 || ok || err != nil {
		t.Errorf("a key that is not there is %d, %t, %v", n, ok, err)
	}
	must(t, visits.Set(s, 8))
	if raw, _ := s.Raw("visits"); string(raw) != "8" {
		t.Errorf("visits is %q, want 8", raw)
	}
	must(t, s.SetRaw("visits", []byte("9")))
	if n, _ := visits.Get(s); n != 9 {
		t.Errorf("visits is %d after its bytes were set, want 9", n)
	}
	must(t, visits.Delete(s))
	if _, ok := s.Raw("visits"); ok {
		t.Error("visits is still there")
	}
}

func TestKeyErrorsNameKeyTypeAndWhatWasFound(t *testing.T) {
	s := newSession("visits", `"seven"`, "unwritten", "")
	_, err := session.NewKey[int]("Visits").Get(s)
	for _, want := range []string{`"Visits"`, "int", "a string (7 bytes)"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: it does not name %s", err, want)
		}
	}
	if _, err := session.NewKey[int]("unwritten").Get(s); err == nil || !strings.Contains(err.Error(), "could not write") {
		t.Errorf("a value of no bytes got %v", err)
	}
	if err := session.NewKey[func()]("f").Set(s, func() {}); err == nil || !strings.Contains(err.Error(), `"f"`) {
		t.Errorf("a value that is no JSON got %v", err)
	}
}

func TestKeysCrossAsDotNetWritesThem(t *testing.T) {
	type order struct {
		ID     int `dotnet:"Id"`
		Note   *string
		Placed time.Time
		Delay  time.Duration
	}
	s, key := newSession(), session.NewKey[order]("order")
	must(t, key.Err())
	must(t, key.Set(s, order{ID: 7, Placed: time.Date(2024, 2, 29, 13, 45, 30, 0, time.UTC), Delay: 90 * time.Minute}))
	const want = `{"Id":7,"Note":null,"Placed":"2024-02-29T13:45:30Z","Delay":"01:30:00"}`
	if raw, _ := s.Raw("order"); string(raw) != want {
		t.Errorf("got  %s\nwant %s", raw, want)
	}
	must(t, session.NewKey[string]("name").Set(s, "<Zoë>"))
	if raw, _ := s.Raw("name"); string(raw) != `"\u003CZo\u00EB\u003E"` {
		t.Errorf("the name is %s", raw)
	}
}

func TestKeyOfATypeThatCannotCross(t *testing.T) {
	s, key := newSession(), session.NewKey[map[string]any]("bag")
	if _, err := key.Get(s); err == nil || key.Err() == nil || err.Error() != key.Err().Error() {
		t.Errorf("Get without a value says %v, Err %v", err, key.Err())
	}
	if err := key.Set(s, nil); err == nil || s.Len() != 0 {
		t.Errorf("Set says %v", err)
	}
	var wrong *session.KeyError
	if err := key.Err(); !errors.As(err, &wrong) || wrong.Key != "bag" || !strings.Contains(err.Error(), "is an interface") {
		t.Errorf("got %v", err)
	}
	free := key.WithCodec(session.JSON{})
	must(t, free.Err())
	must(t, free.Set(s, map[string]any{"a": "<"}))
	if raw, _ := s.Raw("bag"); string(raw) != `{"a":"<"}` {
		t.Errorf("JSON wrote %s", raw)
	}
}

func TestNullIsNoValue(t *testing.T) {
	s := newSession("cart", "null", "visits", " null\n")
	if v, ok, err := session.NewKey[cart]("cart").Lookup(s); ok || err != nil || v.Owner != "" {
		t.Errorf("cart: %v, %t, %v", v, ok, err)
	}
	if v, ok, err := session.NewKey[int]("visits").Lookup(s); ok || err != nil || v != 0 {
		t.Errorf("visits: %v, %t, %v", v, ok, err)
	}
	key := session.NewKey[*cart]("cart")
	must(t, key.Set(s, nil))
	if v, ok, err := key.Lookup(s); ok || err != nil || v != nil {
		t.Errorf("cart: %v, %t, %v after it was set to nil", v, ok, err)
	}
}

func TestKeyTakesAnotherCodec(t *testing.T) {
	s := newSession()
	k := session.NewKey[string]("k").WithCodec(plain{})
	must(t, k.Set(s, "hello"))
	if raw, _ := s.Raw("k"); string(raw) != "hello" {
		t.Errorf("the codec wrote %q", raw)
	}
}

type plain struct{}

func (plain) Marshal(v any) ([]byte, error)   { return []byte(v.(string)), nil }
func (plain) Unmarshal(b []byte, v any) error { *v.(*string) = string(b); return nil }

func TestNewIDsAreThoseOfASPNET(t *testing.T) {
	form, seen := regexp.MustCompile(`^[a-z0-5]{24}$`), map[string]bool{}
	for range 1000 {
		id := session.NewID()
		if !form.MatchString(id) || seen[id] {
			t.Fatalf("id %q is malformed or was made before", id)
		}
		seen[id] = true
	}
	if id := session.NewID(); strings.Contains(session.HashID(id), id) || len(session.HashID(id)) != 12 {
		t.Errorf("hash %q of %q", session.HashID(id), id)
	}
}

func TestSealedSessionCanOnlyBeRead(t *testing.T) {
	s := newSession("visits", "1")
	key := session.NewKey[int]("visits")
	sealed := errors.New("committed")
	s.Seal(sealed)
	s.Seal(errors.New("a second reason"))
	for name, change := range map[string]func() error{
		"Key.Set":    func() error { return key.Set(s, 2) },
		"SetRaw":     func() error { return s.SetRaw("a", []byte("2")) },
		"Delete":     func() error { return s.Delete("visits") },
		"Clear":      s.Clear,
		"Abandon":    s.Abandon,
		"SetTimeout": func() error { return s.SetTimeout(time.Hour) },
	} {
		if err := change(); err != sealed {
			t.Errorf("%s: got %v, want the first reason", name, err)
		}
	}
	if n, err := key.Get(s); n != 1 || err != nil || s.Changes().Any() {
		t.Errorf("visits are %d, %v, changes %+v, want 1 and none", n, err, s.Changes())
	}
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package session_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/dotnet"
)

type basket struct {
	Goods map[string]int
	Note  string `json:",omitempty"`
}

var basketKey = session.NewKey[basket]("basket").WithCodec(session.JSON{})

func TestUpdateChangesACopy(t *testing.T) {
	s := newSession("basket", `{"Goods":{"bell":1}}`)
	before, err := basketKey.Get(s)
	must(t, err)
	fail := errors.New("out of stock")
	err = basketKey.Update(s, func(b *basket) error {
		b.Goods["bell"] = 9
		return fail
	})
	if err != fail || s.Changes().Any() {
		t.Errorf("got %v and changes %v, want the error of the function and none", err, s.Changes())
	}
	must(t, basketKey.Update(s, func(b *basket) error {
		b.Goods["bell"]++
		return nil
	}))
	after, err := basketKey.Get(s)
	must(t, err)
	if before.Goods["bell"] != 1 || after.Goods["bell"] != 2 {
		t.Errorf("the value was %v and is %v, want 1 and 2", before, after)
	}
	if raw, _ := s.Raw("basket"); string(raw) != `{"Goods":{"bell":2}}` {
		t.Errorf("the bytes are %s", raw)
	}
}

func TestUpdateThatChangesNothingKeepsTheBytes(t *testing.T) {
	const foreign = `{ "Note": null, "Goods": { "bell": 1 } }`
	s := newSession("basket", foreign)
	must(t, basketKey.Update(s, func(b *basket) error { return nil }))
	if raw, _ := s.Raw("basket"); string(raw) != foreign || s.Changes().Any() {
		t.Errorf("the bytes are %s, want them as they came", raw)
	}
}

func TestUpdateOfWhatIsNotThereBeginsWithZero(t *testing.T) {
	s := newSession()
	n := session.NewKey[int]("n")
	must(t, n.Update(s, func(n *int) error {
		if *n != 0 {
			t.Errorf("it begins with %d", *n)
		}
		return nil
	}))
	if _, ok, err := n.Lookup(s); !ok || err != nil {
		t.Errorf("a zero that was set is there: %t, %v", ok, err)
	}
}

func TestUpdateWhereItCanNotBeIsNotCalled(t *testing.T) {
	called := func(*basket) error { t.Error("the function is called"); return nil }
	sealed := newSession()
	over := errors.New("over")
	sealed.Seal(over)
	if err := basketKey.Update(sealed, called); err != over {
		t.Errorf("sealed: got %v", err)
	}
	readOnly := session.NewSession(session.State{ReadOnly: true})
	if err := basketKey.Update(readOnly, called); !errors.Is(err, session.ErrReadOnly) {
		t.Errorf("read-only: got %v", err)
	}
	var bad *session.KeyError
	if err := basketKey.Update(newSession("basket", "7"), called); !errors.As(err, &bad) {
		t.Errorf("another type: got %v", err)
	}
}

func TestTwoGetsHaveOneValue(t *testing.T) {
	s := newSession("basket", `{"Goods":{"bell":1}}`)
	pointer := session.NewKey[*basket]("BASKET").WithCodec(session.JSON{})
	one, err := pointer.Get(s)
	must(t, err)
	if _, err := basketKey.Get(s); err != nil { // another type of the same key
		t.Error(err)
	}
	two, err := pointer.Get(s)
	must(t, err)
	if one != two {
		t.Error("two Gets have two values")
	}
	must(t, pointer.Set(s, &basket{}))
	if three, err := basketKey.Get(s); err != nil || three.Goods != nil {
		t.Errorf("after a Set by another type: got %v, %v", three, err)
	}
}

func TestUpdateOfNullBeginsWithZero(t *testing.T) {
	s := newSession("unread", " null ")
	must(t, addUnread(s))
	if n, ok, err := unread.Lookup(s); n != 1 || !ok || err != nil {
		t.Errorf("got %d, %t, %v, want 1", n, ok, err)
	}
}

// A key whose type can't cross fails wherever it is used, and calls nothing.
func TestUpdateOfATypeThatCanNotCross(t *testing.T) {
	k := session.NewKey[fmt.Stringer]("v")
	err := k.Update(newSession(), func(*fmt.Stringer) error { t.Error("the function is called"); return nil })
	if err == nil || err.Error() != k.Err().Error() {
		t.Errorf("got %v, want %v", err, k.Err())
	}
}

func TestKeyErrorTellsWhatIsWrong(t *testing.T) {
	s := newSession("n", `{"a":"secret"}`, "ok", "1", "lost", "")
	must(t, s.SetRaw("here", []byte(`"secret"`)))
	for _, test := range []struct{ key, found, writer string }{
		{"n", "an object (14 bytes)", "an earlier request, or another program"},
		{"lost", "nothing", "an earlier request, or another program"},
		{"here", "a string (8 bytes)", "this request"},
	} {
		_, err := session.NewKey[int](test.key).Get(s)
		var e *session.KeyError
		if !errors.As(err, &e) || e.Key != test.key || e.Type != "int" || e.Found != test.found || e.Writer != test.writer {
			t.Errorf("%s: got %#v", test.key, e)
			continue
		}
		for _, want := range []string{test.key, "int", test.found, test.writer} {
			if text := err.Error(); !strings.Contains(text, want) || strings.Contains(text, "secret") {
				t.Errorf("%s: %q does not have %q, or has the value", test.key, text, want)
			}
		}
	}
	if n, err := session.NewKey[int]("ok").Get(s); n != 1 || err != nil {
		t.Errorf("another key: got %d, %v", n, err)
	}
	if _, err := session.NewKey[fmt.Stringer]("n").WithCodec(session.JSON{}).Get(s); !strings.Contains(err.Error(), "want fmt.Stringer") {
		t.Errorf("the type is an interface: %v", err)
	}
}

func TestLimitOfAKey(t *testing.T) {
	name := session.NewKey[string]("name").WithLimit(5)
	s := newSession("name", `"longer than that"`)
	if _, err := name.Get(s); err != nil {
		t.Errorf("what is there can't be read: %v", err)
	}
	must(t, name.Set(s, "ann"))
	var size *session.SizeError
	err := name.Set(s, "anna")
	if !errors.As(err, &size) || *size != (session.SizeError{Size: 6, Limit: 5}) || !strings.Contains(err.Error(), `"name"`) {
		t.Errorf("got %v, want the key, 6 and 5", err)
	}
	if err := name.Update(s, func(v *string) error { *v += "a"; return nil }); !errors.As(err, &size) {
		t.Errorf("Update: got %v", err)
	}
	if v, err := name.Get(s); v != "ann" || err != nil {
		t.Errorf("the value is %q, %v, want it as it was", v, err)
	}
}

// What is too large and stays as it is, is no error: the page did not make it so.
func TestLimitOfAKeyIsForWhatChanges(t *testing.T) {
	const large = `{"Goods":{"bell":1}}`
	s := newSession("basket", large)
	k := basketKey.WithLimit(5).WithMutations(session.SaveMutations)
	_, err := k.Get(s)
	must(t, err)
	must(t, k.Update(s, func(*basket) error { return nil }))
	if err := s.Settle(); err != nil || s.Changes().Any() {
		t.Errorf("got %v and changes %v, want none", err, s.Changes())
	}
}

func TestMutationsInPlace(t *testing.T) {
	const stored = `{ "Goods": {"bell": 1} }`
	mutate := func(t *testing.T, k session.Key[basket], s *session.Session) {
		b, err := k.Get(s)
		must(t, err)
		b.Goods["bell"]++
	}
	for _, test := range []struct {
		name   string
		m      session.Mutations
		change func(t *testing.T, k session.Key[basket], s *session.Session)
		want   string
		report bool
	}{
		{"ignored", session.IgnoreMutations, mutate, stored, false},
		{"saved", session.SaveMutations, mutate, `{"Goods":{"bell":2}}`, false},
		{"reported", session.ReportMutations, mutate, stored, true},
		{"nothing to save", session.SaveMutations, func(t *testing.T, k session.Key[basket], s *session.Session) {
			_, err := k.Get(s)
			must(t, err)
		}, stored, false},
		{"set, then mutated", session.SaveMutations, func(t *testing.T, k session.Key[basket], s *session.Session) {
			b := basket{Goods: map[string]int{"lamp": 1}}
			must(t, k.Set(s, b))
			b.Goods["lamp"] = 7
		}, `{"Goods":{"lamp":7}}`, false},
		{"mutated, then set", session.ReportMutations, func(t *testing.T, k session.Key[basket], s *session.Session) {
			mutate(t, k, s)
			b, err := k.Get(s)
			must(t, err)
			must(t, k.Set(s, b))
		}, `{"Goods":{"bell":2}}`, false},
		{"mutated, then updated", session.SaveMutations, func(t *testing.T, k session.Key[basket], s *session.Session) {
			mutate(t, k, s)
			must(t, basketKey.Update(s, func(b *basket) error { b.Note = "gift"; return nil }))
		}, `{"Goods":{"bell":2},"Note":"gift"}`, false},
		{"mutated, then updated without a change", session.SaveMutations, func(t *testing.T, k session.Key[basket], s *session.Session) {
			mutate(t, k, s)
			must(t, k.Update(s, func(*basket) error { return nil }))
		}, `{"Goods":{"bell":2}}`, false},
		{"mutated, then not updated", session.ReportMutations, func(t *testing.T, k session.Key[basket], s *session.Session) {
			mutate(t, k, s)
			var report *session.MutationError
			if err := k.Update(s, func(*basket) error { return nil }); !errors.As(err, &report) {
				t.Errorf("Update: got %v, want a report", err)
			}
		}, stored, true},
		{"mutated, then deleted", session.ReportMutations, func(t *testing.T, k session.Key[basket], s *session.Session) {
			mutate(t, k, s)
			must(t, k.Delete(s))
		}, "", false},
		{"mutated, then abandoned", session.ReportMutations, func(t *testing.T, k session.Key[basket], s *session.Session) {
			mutate(t, k, s)
			must(t, s.Abandon())
		}, stored, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newSession("basket", stored)
			test.change(t, basketKey.WithMutations(test.m), s)
			s.Seal(errors.New("over"))
			for range 2 {
				err := s.Settle()
				var report *session.MutationError
				if errors.As(err, &report) != test.report || !test.report && err != nil {
					t.Errorf("got %v, want a report: %t", err, test.report)
				}
			}
			if raw, _ := s.Raw("basket"); string(raw) != test.want {
				t.Errorf("the bytes are %s, want %s", raw, test.want)
			}
		})
	}
}

func TestMutationThatCanNotBeSavedIsAnError(t *testing.T) {
	state := session.State{ID: testID, ReadOnly: true, Timeout: time.Minute, Items: newSession("basket", `{"Goods":{"bell":1}}`).Items()}
	s := session.NewSession(state)
	b, err := basketKey.WithMutations(session.SaveMutations).Get(s)
	must(t, err)
	must(t, s.Settle())
	b.Goods["bell"]++
	if err := s.Settle(); !errors.Is(err, session.ErrReadOnly) || !strings.Contains(err.Error(), "basket") {
		t.Errorf("read-only: got %v, want ErrReadOnly and the key", err)
	}
	writable := newSession("basket", `{"Goods":{"bell":1}}`, "other", "1")
	b, err = basketKey.WithMutations(session.SaveMutations).WithLimit(25).Get(writable)
	must(t, err)
	b.Goods["a longer name"] = 1
	var size *session.SizeError
	if err := writable.Settle(); !errors.As(err, &size) || writable.Changes().Any() {
		t.Errorf("too large: got %v, changes %v", err, writable.Changes())
	}
}

func TestMutationsAsTwoTypesAreAnError(t *testing.T) {
	const stored = `{"Goods":{"bell":1,"lamp":1}}`
	s := newSession("basket", stored)
	b, err := basketKey.WithMutations(session.SaveMutations).Get(s)
	must(t, err)
	m, err := session.NewKey[map[string]map[string]int]("basket").WithMutations(session.SaveMutations).Get(s)
	must(t, err)
	b.Goods["bell"], m["Goods"]["lamp"] = 7, 7
	var two *session.KeyError
	if err := s.Settle(); !errors.As(err, &two) || two.Key != "basket" {
		t.Errorf("got %v, want a KeyError of basket", err)
	}
	if raw, _ := s.Raw("basket"); string(raw) != stored {
		t.Errorf("the bytes are %s", raw)
	}
}

// TestManagerSettles commits a session whose value was changed in place.
func TestManagerSettles(t *testing.T) {
	m := newManager(t, newStore(t), session.ManagerOptions{})
	for round, key := range []session.Key[basket]{basketKey, basketKey.WithMutations(session.SaveMutations), basketKey.WithMutations(session.ReportMutations)} {
		opened, err := m.Open(t.Context(), testID, session.Writable)
		must(t, err)
		if round == 0 {
			must(t, key.Set(opened.Session(), basket{Goods: map[string]int{"bell": 1}}))
		} else {
			b, err := key.Get(opened.Session())
			must(t, err)
			b.Goods["bell"]++
		}
		err = opened.Commit(t.Context())
		if (err != nil) != (round == 2) {
			t.Errorf("round %d: %v", round, err)
		}
		if again := opened.Commit(t.Context()); again != err {
			t.Errorf("round %d: a second Commit: %v, want %v", round, again, err)
		}
	}
	nothingHeld(t, m)
	if got := stored(t, m); got != `basket={"Goods":{"bell":2}}` {
		t.Errorf("stored %s", got)
	}
	reader, err := m.Open(t.Context(), testID, session.ReadOnly)
	must(t, err)
	b, err := basketKey.WithMutations(session.SaveMutations).Get(reader.Session())
	must(t, err)
	b.Goods["bell"]++
	if err := reader.Commit(t.Context()); !errors.Is(err, session.ErrReadOnly) {
		t.Errorf("a reader: got %v, want ErrReadOnly", err)
	}
}

func TestUpdatesAtOnceLoseNothing(t *testing.T) {
	s := newSession("unread", "1")
	var others sync.WaitGroup
	begun, told := make(chan struct{}), make(chan struct{})
	others.Go(func() {
		<-begun
		must(t, addUnread(s))
		close(told)
	})
	calls := 0
	must(t, unread.Update(s, func(n *int) error {
		if calls++; calls == 1 {
			close(begun)
			<-told
		}
		*n++
		return nil
	}))
	others.Wait()
	if n, err := unread.Get(s); n != 3 || calls != 2 || err != nil {
		t.Errorf("got %d after %d calls, %v, want 3 after 2", n, calls, err)
	}
}

func TestUpdateTellsAValueThatIsNewOrGoneMeanwhile(t *testing.T) {
	for _, test := range []struct {
		name   string
		s      *session.Session
		change func(*session.Session) error
		want   int
	}{
		{"new", newSession(), func(s *session.Session) error { return s.SetRaw("unread", []byte("5")) }, 6},
		{"gone", newSession("unread", "5"), (*session.Session).Clear, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			first := true
			must(t, unread.Update(test.s, func(n *int) error {
				if first {
					must(t, test.change(test.s))
				}
				first = false
				*n++
				return nil
			}))
			if n, err := unread.Get(test.s); n != test.want || err != nil {
				t.Errorf("got %d, %v, want %d", n, err, test.want)
			}
		})
	}
}

func TestUpdateThatSetsItsOwnKeyEnds(t *testing.T) {
	s := newSession()
	i := 0
	err := unread.Update(s, func(n *int) error {
		i++
		*n = -1
		return unread.Set(s, i)
	})
	var bad *session.KeyError
	if !errors.As(err, &bad) || bad.Key != "unread" {
		t.Errorf("got %v, want a KeyError of unread", err)
	}
}

func TestUpdateOfWhatCanBeReadAndNotBeWritten(t *testing.T) {
	k := session.NewKey[float64]("price")
	err := k.Update(newSession("price", "1e400"), func(p *float64) error { *p = 0; return nil })
	var bad *session.KeyError
	if !errors.As(err, &bad) || bad.Key != "price" {
		t.Errorf("got %v, want a KeyError of price", err)
	}
}

func TestMutationsAreSavedWhoeverGotTheValueBefore(t *testing.T) {
	s := newSession("basket", `{"Goods":{"bell":1}}`)
	_, err := basketKey.Get(s)
	must(t, err)
	saving := basketKey.WithMutations(session.SaveMutations)
	b, err := saving.Get(s)
	must(t, err)
	b.Goods["bell"] = 7
	if again, err := basketKey.Get(s); err != nil || again.Goods["bell"] != 7 {
		t.Errorf("a later Get has %v, %v, want what is looked after", again, err)
	}
	must(t, s.Settle())
	if raw, _ := s.Raw("basket"); string(raw) != `{"Goods":{"bell":7}}` {
		t.Errorf("the bytes are %s", raw)
	}
}

// An uncomparable is a codec that == can't compare.
type uncomparable struct {
	session.JSON
	_ []int
}

// A scaled codec makes numbers so many times as large when it reads.
type scaled struct {
	session.JSON
	by int
}

func (c scaled) Unmarshal(data []byte, v any) error {
	err := c.JSON.Unmarshal(data, v)
	*v.(*int) *= c.by
	return err
}

// A mute codec writes nothing.
type mute struct{ session.JSON }

func (mute) Marshal(any) ([]byte, error) { return nil, nil }

// A value of no bytes stands on the wire for one that could not be written.
func TestCodecThatWritesNothingIsAnError(t *testing.T) {
	k := session.NewKey[int]("n").WithCodec(mute{})
	s := newSession()
	for name, err := range map[string]error{
		"Set":    k.Set(s, 1),
		"Update": k.Update(s, func(n *int) error { *n = 1; return nil }),
	} {
		var bad *session.KeyError
		if !errors.As(err, &bad) || bad.Key != "n" || s.Changes().Any() {
			t.Errorf("%s: got %v, changes %v, want a KeyError of n and none", name, err, s.Changes())
		}
	}
}

func TestKeysOfOtherCodecsHaveOtherValues(t *testing.T) {
	s := newSession("n", "1")
	for _, by := range []int{2, 3} {
		if n, err := session.NewKey[int]("n").WithCodec(scaled{by: by}).Get(s); n != by || err != nil {
			t.Errorf("got %d, %v, want %d", n, err, by)
		}
	}
	s = newSession()
	took := session.NewKey[time.Duration]("took")
	must(t, took.Set(s, time.Second))
	if took, err := took.WithCodec(session.JSON{}).Get(s); err == nil {
		t.Errorf("a key that can't read the bytes has %s", took)
	}
	s = newSession("n", "1")
	for name, keys := range map[string][2]session.Key[*int]{
		"dotnet":       {session.NewKey[*int]("n"), session.NewKey[*int]("n")},
		"comparable":   {session.NewKey[*int]("n").WithCodec(session.JSON{}), session.NewKey[*int]("n").WithCodec(session.JSON{})},
		"uncomparable": {session.NewKey[*int]("n").WithCodec(uncomparable{}), session.NewKey[*int]("n").WithCodec(uncomparable{})},
	} {
		one, err := keys[0].Get(s)
		must(t, err)
		two, err := keys[1].Get(s)
		must(t, err)
		if one != two {
			t.Errorf("%s: two keys of one codec have two values", name)
		}
	}
}

func TestStrictKeyRefusesWhatALenientOneHasRead(t *testing.T) {
	type known struct{ Note string }
	lenient := session.NewKey[known]("basket")
	strict := lenient.WithCodec(&dotnet.Codec{Strict: true})
	s := newSession("basket", `{"Note":"","Goods":{}}`)
	_, err := lenient.Get(s)
	must(t, err)
	var lacks *dotnet.ReadError
	if v, err := strict.Get(s); !errors.As(err, &lacks) || lacks.Path != "$.Goods" {
		t.Errorf("got %v, %v, want an error of what the struct lacks", v, err)
	}
}

func TestMutationsAfterTheCommitAreTold(t *testing.T) {
	for name, m := range map[string]session.Mutations{"saved": session.SaveMutations, "reported": session.ReportMutations} {
		t.Run(name, func(t *testing.T) {
			s := newSession("basket", `{"Goods":{"bell":1}}`)
			b, err := basketKey.WithMutations(m).Get(s)
			must(t, err)
			want := `{"Goods":{"bell":1}}`
			if m == session.SaveMutations {
				b.Goods["bell"] = 2
				want = `{"Goods":{"bell":2}}`
			}
			s.Seal(errors.New("committed"))
			must(t, s.Settle())
			must(t, s.Settle())
			b.Goods["bell"] = 3
			var late *session.MutationError
			if err := s.Settle(); !errors.As(err, &late) || !late.Late || len(late.Keys) != 1 || late.Keys[0] != "basket" {
				t.Errorf("got %v, want a late MutationError of basket", err)
			}
			if raw, _ := s.Raw("basket"); string(raw) != want {
				t.Errorf("the bytes are %s, want %s", raw, want)
			}
		})
	}
}

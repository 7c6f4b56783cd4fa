// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package redisstore

import (
	"errors"
	"testing"
	"time"

	"github.com/sessionbridge/session"
)

// FuzzHold: whatever a hash holds in the place of a hold, it is a hold or an error;
// and what we write, we read.
func FuzzHold(f *testing.F) {
	const now = 1_000_000
	for _, h := range []session.Hold{
		{Node: "a", Client: "shop", Trace: "t", Detached: true, Limit: time.Second},
		{Node: "a b", Client: "", Limit: 0},
	} {
		f.Add("7 999000 0 2 " + appendedHold(h))
	}
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		h, err := parseHold(text, now)
		if err != nil {
			if !errors.Is(err, errHold) {
				t.Fatalf("got %v, want errHold", err)
			}
			return
		}
		if h.Age < 0 {
			t.Fatalf("the age is %s", h.Age)
		}
		again, err := parseHold("7 999000 0 2 "+appendedHold(h), now)
		want := h
		want.Token, want.Age, want.Late, want.Losses = 7, time.Millisecond, 0, 2
		if err != nil || again != want {
			t.Errorf("got %+v, %v, want %+v", again, err, want)
		}
	})
}

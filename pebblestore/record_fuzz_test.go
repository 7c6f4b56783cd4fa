// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package pebblestore

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/sessionbridge/session"
)

// FuzzRecord: a record that is no record is an error, and one that is says the
// same when it is written again.
func FuzzRecord(f *testing.F) {
	held := &hold{Hold: session.Hold{Token: 7, Node: "a", Client: "shop", Trace: "t", Detached: true, Limit: time.Second, Late: 5, Losses: 2}, since: time.Minute}
	for _, it := range []*item{
		{timeout: time.Minute},
		{stored: true, timeout: time.Hour, slid: time.Second, look: 2 * time.Hour, losses: 3, version: 9, length: 100, hold: held, committed: held},
		{hold: held, lost: []lostHold{{hold: held, stored: true, timeout: time.Minute, version: 8, length: 5}, {hold: held}}},
	} {
		f.Add(appendItem(nil, it))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		it, err := decodeItem("id", b)
		if err != nil {
			if !errors.Is(err, errRecord) {
				t.Fatalf("got %v, want errRecord", err)
			}
			return
		}
		again, err := decodeItem("id", appendItem(nil, it))
		if err != nil {
			t.Fatalf("written again, it can't be read: %v", err)
		}
		all := cmp.AllowUnexported(item{}, hold{}, lostHold{})
		if diff := cmp.Diff(it, again, all); diff != "" {
			t.Error(diff)
		}
	})
}

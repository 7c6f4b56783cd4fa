// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package redisstore

import (
	"slices"
	"testing"
)

func TestAddresses(t *testing.T) {
	for url, want := range map[string][]string{
		"redis://a":                              {"a:6379"},
		"redis://a:1?addr=b&addr=c:3":            {"a:1", "b:6379", "c:3"},
		"redis://a:1?master_set=main&addr=b:":    {"a:1", "b:6379"},
		"redis://[::1]?addr=[::2]&addr=[::3]:26": {"[::1]:6379", "[::2]:6379", "[::3]:26"},
		"unix:///run/redis.sock":                 {"/run/redis.sock"},
	} {
		o, err := Options{URL: url}.clientOption()
		if err != nil || !slices.Equal(o.InitAddress, want) {
			t.Errorf("%s has the addresses %q, error %v; want %q", url, o.InitAddress, err, want)
		}
	}
	for _, url := range []string{"redis://a?addr=", "redis://a?addr=:1", "redis://a?addr=b:1:2", "redis://a?addr=b,c"} {
		if o, err := (Options{URL: url}).clientOption(); err == nil {
			t.Errorf("%s is no error, its addresses are %q", url, o.InitAddress)
		}
	}
}

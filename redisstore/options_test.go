// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package redisstore_test

import (
	"strings"
	"testing"

	"github.com/sessionbridge/session/redisstore"
)

func TestOptionsTellAllThatIsWrong(t *testing.T) {
	_, err := redisstore.Open(t.Context(), redisstore.Options{Prefix: "{a}"})
	if err == nil || !strings.Contains(err.Error(), "URL is missing") || !strings.Contains(err.Error(), "prefix is") {
		t.Errorf("got error %v", err)
	}
}

// TestURLErrorsTellNoSecret has URLs whose password is taken for something else.
func TestURLErrorsTellNoSecret(t *testing.T) {
	for _, url := range []string{
		"redis://user:sec/ret@127.0.0.1:6379",
		"redis://:1234/secret@127.0.0.1:6379",
		"redis://user:12?secret@127.0.0.1:6379",
		"redis://user:12#secret@127.0.0.1:6379",
		"redis://user:sec%zzret@127.0.0.1:6379",
		"redis://user:sec ret@[::1",
		"secret",
		"secret://127.0.0.1",
		"redis://127.0.0.1/secret",
		"redis://127.0.0.1?secret=1",
		"redis://127.0.0.1?skip_verify=1&password=secret",
		"rediss://",
	} {
		err := redisstore.Options{URL: url}.Check()
		if err == nil {
			t.Errorf("%s is no error", url)
			continue
		}
		for _, part := range []string{"secret", "sec", "ret@", "1234", "12"} {
			if strings.Contains(strings.ReplaceAll(err.Error(), "encoded", ""), part) {
				t.Errorf("the error for %s tells %q: %v", url, part, err)
			}
		}
	}
}

func TestURLs(t *testing.T) {
	for _, url := range []string{
		"redis://127.0.0.1", "redis://:p%2Fw@host:6380/3", "rediss://user:pw@host", "valkey://host", "valkeys://host:1",
		"redis://a:1?addr=b:2&addr=c:3", "redis://a?master_set=main&addr=b&sentinel_password=pw", "unix:///run/redis.sock?db=1", "unix://user:pw@/run/redis.sock",
	} {
		if err := (redisstore.Options{URL: url}).Check(); err != nil {
			t.Errorf("%s: %v", url, err)
		}
	}
}

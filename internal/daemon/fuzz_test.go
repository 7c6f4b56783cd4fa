// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"errors"
	"os"
	"testing"
)

// FuzzDocument reads any text as a configuration: it is one, or the complaint is
// one that an operator is told.
func FuzzDocument(f *testing.F) {
	for _, text := range []string{
		"listen: [\"http://127.0.0.1:0\", 'https://127.0.0.1:0']\ntls: {cert: a, key: b}\n",
		"clients:\n  - {name: shop, key: 5b3a9c1e-7d24-4f60-8a19-c2d3e4f5a6b7, keys: [\"cart*\"]}\n  - name:x\n",
		"session: {timeout: 20m, max_waiters: 5, strict_ids: yes}\nlimits: {session: 4MiB}\nlog: {level: debug}",
		"a: &a [*a]\n", "a: &a {b: *a}\nlisten: *a", "--- \n...\n---", "!!binary x", "\t", "{", "? [a]: b", "clients: &c\n- *c\n",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var c Config
		err := decode("f.yaml", text, &c)
		var known *ConfigError
		if err != nil && !errors.As(err, &known) {
			t.Errorf("an error that is no complaint: %v", err)
		}
	})
}

// FuzzAddress reads any text as an address: what is taken can be read again.
func FuzzAddress(f *testing.F) {
	for _, text := range []string{"127.0.0.1:0", "http://[::1]:80", "https://:443", "ftp://a:1", "a:99999", "://", ":"} {
		f.Add(text, true)
		f.Add(text, false)
	}
	f.Fuzz(func(t *testing.T, text string, certificate bool) {
		a, err := parseAddress(text, certificate)
		if err != nil {
			return
		}
		if again, err := parseAddress(a.text, a.tls); err != nil || again != a && a.tls {
			t.Errorf("%q is %+v, and that %+v, %v", text, a, again, err)
		}
	})
}

// FuzzValues reads sizes and durations: a value that is shown is the value that was read.
func FuzzValues(f *testing.F) {
	for _, text := range []string{"4096", "64KiB", " 1 GiB", "250ms", "1h30m", "-1", "0", "9223372036854775807", "1µs"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var size, sizeAgain Size
		if size.UnmarshalText([]byte(text)) == nil {
			if err := sizeAgain.UnmarshalText([]byte(size.String())); err != nil || sizeAgain != size || size < 0 {
				t.Errorf("%q is %s, and that %s, %v", text, size, sizeAgain, err)
			}
		}
		var d, dAgain Duration
		if d.UnmarshalText([]byte(text)) == nil {
			if err := dAgain.UnmarshalText([]byte(d.String())); err != nil || dAgain != d || d < 0 {
				t.Errorf("%q is %s, and that %s, %v", text, d, dAgain, err)
			}
		}
	})
}

// FuzzKeyFile reads any bytes as a file of keys: each is one line of it.
func FuzzKeyFile(f *testing.F) {
	f.Add([]byte("\ufeff5b3a9c1e-7d24-4f60-8a19-c2d3e4f5a6b7\r\n\n b \n"))
	f.Add([]byte("\x00\n\x80"))
	name := f.TempDir() + "/keys"
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
		keys, err := keysFromFile(name)
		if (err == nil) != (len(keys) > 0) {
			t.Errorf("%q: %q, %v", text, keys, err)
		}
	})
}

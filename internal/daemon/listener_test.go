// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// TestFailingListenerEndsTheDaemon closes a listener behind the daemon's back.
func TestFailingListenerEndsTheDaemon(t *testing.T) {
	for name, pick := range map[string]func(*Daemon) listener{
		"sessions": func(d *Daemon) listener { return d.listeners[0] },
		"admin":    func(d *Daemon) listener { return d.adminListeners[0] },
	} {
		t.Run(name, func(t *testing.T) {
			c, err := DefaultConfig()
			if err != nil {
				t.Fatal(err)
			}
			c.Listen, c.Admin.Listen = List{"127.0.0.1:0"}, "127.0.0.1:0"
			c.Key = List{"5b3a9c1e-7d24-4f60-8a19-c2d3e4f5a6b7"}
			d, err := Start(t.Context(), c, slog.New(slog.NewTextHandler(t.Output(), nil)))
			if err != nil {
				t.Fatal(err)
			}
			l := pick(d)
			l.Close()
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			err = d.Wait(ctx)
			if want := "the listener at " + l.url + " failed: "; err == nil || !strings.HasPrefix(err.Error(), want) {
				t.Errorf("Wait returned %v, want %s…", err, want)
			}
			var config *ConfigError
			if errors.As(err, &config) {
				t.Error("the error is one of the configuration")
			}
		})
	}
}

func TestAdminListenerGivesWayUnlessConfigured(t *testing.T) {
	for listen, want := range map[string]address{
		"":               {text: defaultAdmin, orFree: true},
		"127.0.0.1:9000": {text: "127.0.0.1:9000"},
		"off":            {},
	} {
		var say complaints
		if got := (Admin{Listen: listen}).address(&say); got != want || len(say) > 0 {
			t.Errorf("admin.listen %q is %+v with %q, want %+v", listen, got, say, want)
		}
	}
}

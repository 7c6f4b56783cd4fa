// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/memstore"
	"github.com/sessionbridge/session/remoteapp"
	"github.com/sessionbridge/session/wire"
)

// TestSettingsReachTheirPackages: each of the file's settings has a value that
// is nobody's default.
func TestSettingsReachTheirPackages(t *testing.T) {
	t.Setenv("JOBS_KEY", "2e9dd2c5-6b3e-4c65-9c4a-8c8a4b2cbf32, 3faee3d6-7c4f-4d76-8d5b-9d9b5c3dc043")
	c, err := DefaultConfig()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.read(filepath.FromSlash("testdata/good.yml")); err != nil {
		t.Fatal(err)
	}
	c.Redis.URLFile = "" // the store is memory
	c.TLS = WriteCertificate(t, t.TempDir(), "localhost")
	c.Clients[1].KeyFile = filepath.Join(t.TempDir(), "reports.key")
	if err := os.WriteFile(c.Clients[1].KeyFile, []byte("4abff4e7-8d50-4e87-9e6c-aeac6d4ed154\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := c.settings(slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if got.manager.Node == "" {
		t.Error("the node has no name")
	}
	got.manager.Node = ""
	limits := wire.Limits{Session: 8 << 20, Value: 65536, Keys: 100, Key: 512}
	lastWins, err := wire.ParseScope([]string{"seen", "stats*"})
	if err != nil {
		t.Fatal(err)
	}
	want := settings{
		listen: []address{{text: "127.0.0.1:0", tls: true}, {text: "127.0.0.1:0"}},
		path:   "/shop/systemweb-adapters/session",
		store:  keeping{store: "memory", memory: memstore.Options{MaxBytes: 512 << 20, MaxItems: 1000}},
		manager: session.ManagerOptions{
			Timeout: 30 * time.Minute, ReadWait: -1, LockWait: 45 * time.Second,
			MaxWaiters: 7, MaxHolds: 70, StrictIDs: true, RefuseLate: true, LastWins: lastWins, Limits: limits,
		},
		handler: remoteapp.HandlerOptions{
			Clients: []remoteapp.HandlerClient{
				{Name: "shop", Keys: []string{"5b3a9c1e-7d24-4f60-8a19-c2d3e4f5a6b7"}, Scope: []string{"user", "cart*"}},
				{Name: "reports", Keys: []string{"4abff4e7-8d50-4e87-9e6c-aeac6d4ed154"}, Replace: true},
				{Name: "jobs", Keys: []string{
					"0e7bb0a3-4f1c-4a43-9a2e-6a6e2f0a9d10", "1f8cc1b4-5a2d-4b54-8b3f-7b7f3a1bae21",
					"2e9dd2c5-6b3e-4c65-9c4a-8c8a4b2cbf32", "3faee3d6-7c4f-4d76-8d5b-9d9b5c3dc043",
				}},
			},
			KeyHeader: "X-Key",
			Cookie: remoteapp.Cookie{
				Name: "shop_session", Path: "/shop", Domain: "example.com", Secure: true, SameSite: http.SameSiteStrictMode,
			},
			DuplexHoldLimit: 11 * time.Second, GetHoldLimit: 51 * time.Second, Heartbeat: -1,
		},
		delay: 2 * time.Second, grace: 5 * time.Second,
	}
	diff := cmp.Diff(want, got, cmp.AllowUnexported(settings{}, address{}, keeping{}),
		cmpopts.IgnoreTypes(&certificate{}, &slog.Logger{}), cmpopts.EquateEmpty(),
		cmp.Comparer(func(a, b wire.Scope) bool { return a.String() == b.String() }))
	if diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if got.certificate == nil {
		t.Error("the certificate is missing")
	}
}

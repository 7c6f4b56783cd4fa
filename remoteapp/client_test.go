// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package remoteapp_test

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/remoteapp"
)

// newClient returns a client that logs to the test and is closed with it.
func newClient(t *testing.T, o remoteapp.ClientOptions) *remoteapp.Client {
	t.Helper()
	if o.APIKey == "" {
		o.APIKey = shopKey
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
	}
	c, err := remoteapp.NewClient(o)
	must(t, err)
	t.Cleanup(c.Close)
	return c
}

func open(t *testing.T, c *remoteapp.Client, id string, mode session.Mode) session.Opened {
	t.Helper()
	o, err := c.Open(t.Context(), id, mode)
	must(t, err)
	return o
}

// read returns a session as a page sees it that only reads.
func read(t *testing.T, c *remoteapp.Client, id string) *session.Session {
	t.Helper()
	return open(t, c, id, session.ReadOnly).Session()
}

// noSecrets fails if a text has what must not be written down.
func noSecrets(t *testing.T, err error) {
	t.Helper()
	for _, secret := range []string{testID, shopKey, legacyKey} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("%q has a secret in it", err)
		}
	}
}

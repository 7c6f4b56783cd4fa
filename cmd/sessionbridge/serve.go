// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"io"
	"os"

	"github.com/alecthomas/kong"

	"github.com/sessionbridge/session/internal/daemon"
)

type serveCommand struct {
	Config string        `name:"config" placeholder:"FILE" help:"YAML file with the settings. Flags go over the environment, that over the file."`
	Set    daemon.Config `embed:""`
}

// Help implements kong.HelpProvider.
func (*serveCommand) Help() string {
	return `Writes a line "ready URL" to standard output for each listener, once all of them accept connections, and "ready URL admin" for the one of health and metrics. The log goes to standard error. On SIGTERM, health says draining and, after shutdown.delay, no session is opened any more; those that are held may still be committed. A second one kills. SIGHUP is ignored: a certificate is read again when its files change, other settings when the program starts.

Exit codes: 0 stopped on request; 1 failed while running, or the store can not be opened; 2 can't start: a setting is wrong, a key missing, a port in use.

The file, with every setting that most people need:

    listen: 127.0.0.1:7100                 # or a list
    tls: {cert: server.pem, key: server.key}
    cookie: {name: ASP.NET_SessionId, path: /, secure: false, same_site: lax}
    store: file                            # or redis, for several nodes, or memory
    file: {dir: /var/lib/sessionbridge/sessions, sync: always}
    # redis: {url_file: redis.url, prefix: session}
    clients:
      - {name: shop, key_file: shop.key, keys: [user, "cart*"]}
      - {name: reports, key_env: REPORTS_KEY, unknown: replace}
    session: {timeout: 20m, lock_wait: 60s}
    admin: {listen: 127.0.0.1:7101}        # or off
    shutdown: {delay: 0s, grace: 30s}

A client has its API keys, GUIDs, in key (one or a list), in key_file (one a line) or in key_env (separated by commas); all of them are valid, so that one can replace another without a gap. keys are the session keys that it sees and may change, as patterns. They must not be an empty list. Without them it sees all, and unknown says what it means if it sends a session back without a key: preserve keeps the key unless this client has ever sent it, replace removes it. Files and directories are looked for beside the configuration file.

An environment variable without a value counts as not set. One that begins with SESSIONBRIDGE_ and is nearly a setting is an error; others are named in the log.`
}

// Run serves until ctx is done.
func (c *serveCommand) Run(ctx context.Context, parsed *kong.Context, stdout io.Writer, log logTo) error {
	if c.Config != "" {
		if err := c.Set.ReadFile(c.Config, parsed); err != nil {
			return err
		}
	}
	warnings, err := c.Set.CheckEnvironment(os.Environ(), parsed)
	if err != nil {
		return err
	}
	logger := c.Set.Log.Logger(log)
	for _, w := range warnings {
		logger.Warn(w)
	}
	defer outlive(logger)()
	return daemon.Run(ctx, c.Set, stdout, logger)
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/sessionbridge/session/internal/demo"
)

type demoCommand struct {
	DotNet string `name:"dotnet" placeholder:"PATH" help:"Let a .NET program be the old shop, in place of one in Go. It is started as PATH legacy --listen URL --key KEY."`
}

// Help implements kong.HelpProvider.
func (*demoCommand) Help() string {
	return "Needs no settings: it listens at 127.0.0.1:7100, or at a free port if that is taken, and keeps sessions in memory. Open the address that it prints in a browser. Ctrl-C ends it."
}

// Run serves until ctx is done.
func (c *demoCommand) Run(ctx context.Context, stdout io.Writer, log logTo) error {
	d, err := demo.Start(ctx, demo.Options{
		NewKey: newKey,
		DotNet: c.DotNet,
		Logger: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(stdout, demoText, d.URL()); err != nil {
		return errors.Join(err, d.Stop())
	}
	return d.Wait(ctx)
}

const demoText = `An old shop and a new one share a cart. Open in a browser:

    %[1]s

Connect an ASP.NET Core application of your own:  %[1]s/connect
Ctrl-C ends it.
`

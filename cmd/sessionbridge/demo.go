// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"text/template"

	"github.com/sessionbridge/session/internal/daemon"
)

type demoCommand struct{}

// Help implements kong.HelpProvider.
func (*demoCommand) Help() string {
	return "Takes no settings: it listens at 127.0.0.1:7100, or at a free port if that is taken, and keeps sessions in memory. Ctrl-C ends it."
}

// Run serves until ctx is done.
func (*demoCommand) Run(ctx context.Context, stdout io.Writer, log logTo) error {
	settings, err := daemon.DefaultConfig()
	if err != nil {
		return err
	}
	settings.Log.Level = daemon.Level(slog.LevelWarn)
	settings.FreePort = true
	settings.Key = daemon.List{newKey()}
	d, err := daemon.Start(ctx, settings, settings.Log.Logger(log))
	if err != nil {
		return err
	}
	if err := errors.Join(d.Announce(stdout), connectText(stdout, d.URLs()[0], d.AdminURL(), settings.Key[0])); err != nil {
		return errors.Join(err, d.Stop())
	}
	return d.Wait(ctx)
}

// connectText writes the lines that connect an application.
func connectText(w io.Writer, url, admin, key string) error {
	text, err := template.New("demo").Parse(demoText)
	if err != nil {
		return err
	}
	return text.Execute(w, struct{ URL, Admin, Key string }{url, admin, key})
}

const demoText = `
Sessions are served. To use them in an ASP.NET Core application:

    dotnet add package Microsoft.AspNetCore.SystemWebAdapters.CoreServices

and in its Program.cs:

    builder.Services.AddSystemWebAdapters()
        .AddJsonSessionSerializer(options =>
        {
            options.RegisterKey<string>("user");     // each session key and its type
            options.RegisterKey<int>("visits");
        })
        .AddRemoteAppClient(options =>
        {
            options.RemoteAppUrl = new("{{.URL}}");
            options.ApiKey = "{{.Key}}";
        })
        .AddSessionClient();

    var app = builder.Build();
    app.UseSystemWebAdapters();

    app.MapGet("/", (HttpContext context) =>
    {
        var session = ((System.Web.HttpContext)context).Session!;
        var visits = (int)(session["visits"] ?? 0) + 1;
        session["visits"] = visits;
        return $"visits: {visits}";
    }).RequireSystemWebAdapterSession();

See what happens:

    curl -s {{.Admin}}/metrics | grep ^sessionbridge_

Sessions are kept in memory and end with this program. Ctrl-C ends it.
`

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

// Command sessionbridge serves sessions to ASP.NET Core applications that use
// Microsoft's System.Web adapters, and to Go programs.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/sessionbridge/session/internal/daemon"
)

// Exit codes.
const (
	exitFailed = 1 // something failed while it ran
	exitUsage  = 2 // what was asked for can't be done: a flag, a setting, a port
)

// commands are the subcommands, one file each.
type commands struct {
	Serve   serveCommand   `cmd:"" help:"Serve sessions until SIGTERM."`
	Demo    demoCommand    `cmd:"" help:"Show two programs that share one live session, in the browser."`
	Store   storeCommand   `cmd:"" help:"Check or back up the sessions on disk."`
	Keygen  keygenCommand  `cmd:"" help:"Print a new API key."`
	Version versionCommand `cmd:"" help:"Print the version."`

	ShowVersion kong.VersionFlag `name:"version" env:"-" help:"Print the version."`
}

const description = "Session Bridge: the session server for applications that move from ASP.NET to ASP.NET Core and to Go."

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run runs one command and returns the exit code.
func run(args []string, stdout, stderr io.Writer) int {
	var c commands
	parser, err := kong.New(&c, kong.Name("sessionbridge"), kong.Description(description),
		kong.Writers(stdout, stderr), kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 120}),
		kong.Vars{"version": versionText()}, daemon.Groups(), daemon.Env(), kong.BindTo(stdout, (*io.Writer)(nil)), kong.Bind(logTo{stderr}))
	if err != nil {
		return report(stderr, err)
	}
	if len(args) == 0 {
		parser.Stdout = stderr
		return report(stderr, errors.Join(usage(parser), errNoCommand))
	}
	if err := daemon.DropEmptyVariables(); err != nil {
		return report(stderr, err)
	}
	parsed, err := parser.Parse(args)
	if err != nil {
		return report(stderr, err)
	}
	ctx, stop := untilSignal()
	defer stop()
	parsed.BindTo(ctx, (*context.Context)(nil))
	return report(stderr, parsed.Run())
}

// untilSignal returns a context that ends when the program is told to end. A second
// signal kills, from before anybody can see the first one's effect: hence not
// signal.NotifyContext, which takes the second for a while too.
func untilSignal() (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	told, over := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(told, os.Interrupt, syscall.SIGTERM)
	go func() {
		defer close(over)
		select {
		case <-told:
		case <-ctx.Done():
		}
		signal.Stop(told)
		cancel()
	}()
	return ctx, func() {
		cancel()
		<-over
	}
}

// logTo is where commands log to.
type logTo struct{ io.Writer }

var errNoCommand = &daemon.ConfigError{Complaints: []string{"no command: want serve, demo, store, keygen or version"}}

// usage prints the help of the whole program.
func usage(parser *kong.Kong) error {
	ctx, err := kong.Trace(parser, nil)
	if err != nil {
		return err
	}
	return ctx.PrintUsage(false)
}

// report prints an error in one line and returns the exit code that it stands
// for.
func report(stderr io.Writer, err error) int {
	if err == nil {
		return 0
	}
	fmt.Fprintln(stderr, "sessionbridge:", strings.ReplaceAll(err.Error(), "\n", "; "))
	var parse *kong.ParseError
	var config *daemon.ConfigError
	if errors.As(err, &parse) || errors.As(err, &config) {
		return exitUsage
	}
	return exitFailed
}

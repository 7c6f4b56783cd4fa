// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/sessionbridge/session/internal/daemon"
	"github.com/sessionbridge/session/internal/seldom"
	"github.com/sessionbridge/session/pebblestore"
)

type storeCommand struct {
	Check  storeCheckCommand  `cmd:"" help:"Read all sessions of a directory and tell what is wrong with them."`
	Backup storeBackupCommand `cmd:"" help:"Make a checked copy of a directory of sessions."`
}

type storeCheckCommand struct {
	Dir string `arg:"" help:"The directory that serve logs as dir."`
}

// Help implements kong.HelpProvider.
func (*storeCheckCommand) Help() string {
	return `Run it as the user of serve. Changes nothing. Tells its progress on standard error. While serve has the directory, it does the check itself, on what is there at the beginning, and serves on.

Exit codes: 0 all is well; 1 something is damaged, which is listed with hashes in the place of session ids, or the directory could not be read.`
}

type storeBackupCommand struct {
	Dir  string `arg:"" help:"The directory that serve logs as dir."`
	Dest string `arg:"" help:"Directory of the copy, which must not be there yet."`
}

// Help implements kong.HelpProvider.
func (*storeBackupCommand) Help() string {
	return `Run it as the user of serve. The copy is made beside DEST and checked before it gets its name; if that is killed, a directory DEST.partial-… is left, which can be removed. To restore it, put it in the place of the directory while serve is stopped. On the same file system it takes next to no room at first. Tells its progress on standard error. While serve has the directory, it makes the copy itself, of what is there at the beginning, and serves on: it must be able to write where the copy goes.`
}

// errDamage is the end of a check that has listed what it found.
var errDamage = errors.New("the store is damaged: restore a backup, or go on with what can be read")

// Run checks a store.
func (c *storeCheckCommand) Run(ctx context.Context, stdout io.Writer, log logTo) error {
	report, err := pebblestore.Check(ctx, storeOptions(c.Dir, log), progress(log, "read"))
	if errors.Is(err, pebblestore.ErrInUse) {
		report, err = daemon.CheckInUse(ctx, c.Dir, err, progress(log, "read"))
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "%d sessions, %d bytes, %d records\n", report.Items, report.Bytes, report.Records)
	for _, damage := range report.Damage {
		fmt.Fprintln(stdout, damage)
	}
	if report.Omitted > 0 {
		fmt.Fprintf(stdout, "and %d more\n", report.Omitted)
	}
	if len(report.Damage) > 0 {
		return errDamage
	}
	return nil
}

// Run backs a store up.
func (c *storeBackupCommand) Run(ctx context.Context, stdout io.Writer, log logTo) error {
	err := pebblestore.Backup(ctx, storeOptions(c.Dir, log), c.Dest, progress(log, "checked"))
	if errors.Is(err, pebblestore.ErrInUse) {
		err = daemon.BackupInUse(ctx, c.Dir, c.Dest, err, progress(log, "checked"))
	}
	if err != nil {
		return err
	}
	fmt.Fprintln(stdout, c.Dest)
	return nil
}

func storeOptions(dir string, log io.Writer) pebblestore.Options {
	return pebblestore.Options{Dir: dir, Logger: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelWarn}))}
}

// progress returns what writes, once a second at most, how many records were
// dealt with.
func progress(w io.Writer, did string) func(records int) {
	var gate seldom.Gate
	gate.Pass(time.Second) // what takes no second needs no progress
	return func(records int) {
		if say, _ := gate.Pass(time.Second); say {
			fmt.Fprintf(w, "%s %d records\n", did, records)
		}
	}
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// outlive lets a server live on when its terminal, or what reads its output,
// ends: the sessions are worth more than a line of the log. SIGHUP, by which
// others are told to read their configuration again, ends nothing either. The
// log says that it came. Windows has neither signal. It lasts until stop.
func outlive(log *slog.Logger) (stop func()) {
	signal.Ignore(syscall.SIGPIPE) // else a write to a broken standard output or error kills (package os/signal)
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	var noting sync.WaitGroup
	noting.Go(func() {
		for range hangups {
			log.Info("SIGHUP is ignored: a certificate is read again when its files change, other settings when the program starts")
		}
	})
	return func() {
		signal.Stop(hangups)
		close(hangups)
		noting.Wait()
	}
}

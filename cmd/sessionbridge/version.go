// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"

	"github.com/sessionbridge/session/internal/daemon"
)

type versionCommand struct{}

// Run prints the version.
func (*versionCommand) Run(stdout io.Writer) error {
	b := daemon.ReadBuild()
	changed := ""
	if b.Modified {
		changed = ", changed since"
	}
	_, err := fmt.Fprintf(stdout, "sessionbridge %s (revision %s%s, %s)\n", b.Version, b.Revision, changed, b.Go)
	return err
}

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
	_, err := fmt.Fprintln(stdout, versionText())
	return err
}

// versionText tells from what this program was built.
func versionText() string {
	b := daemon.ReadBuild()
	changed := ""
	if b.Modified {
		changed = ", changed since"
	}
	return fmt.Sprintf("sessionbridge %s (revision %s%s, %s)", b.Version, b.Revision, changed, b.Go)
}

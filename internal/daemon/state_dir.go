// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// stateDir returns where sessions are kept if nobody says otherwise: where
// systemd wants the state of a service, else where the XDG Base Directory
// Specification, or Windows, wants that of a user.
func stateDir(say *complaints) string {
	if dirs := filepath.SplitList(os.Getenv("STATE_DIRECTORY")); len(dirs) > 0 {
		return filepath.Join(dirs[0], "sessions")
	}
	base := os.Getenv("XDG_STATE_HOME")
	if runtime.GOOS == "windows" {
		base = os.Getenv("LocalAppData")
	}
	if home, err := os.UserHomeDir(); !filepath.IsAbs(base) && err == nil { // a relative one is to be ignored
		base = filepath.Join(home, ".local", "state")
	}
	if strings.TrimSpace(base) == "" {
		say.add("file.dir is not set, and this user has no directory for it: set file.dir, or store to redis or memory")
		return ""
	}
	return filepath.Join(base, "sessionbridge", "sessions")
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"cmp"
	"runtime"
	"runtime/debug"
)

// A Build says from what this program was built.
type Build struct {
	Version  string // of the module; "devel" if it was built in a checkout
	Revision string // of the source; "unknown" if it was not recorded
	Modified bool   // the source was changed since that revision
	Go       string
}

// ReadBuild returns the build of this program.
func ReadBuild() Build {
	b := Build{Version: "devel", Revision: "unknown", Go: runtime.Version()}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	if info.Main.Version != "(devel)" {
		b.Version = cmp.Or(info.Main.Version, b.Version)
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Revision = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	return b
}

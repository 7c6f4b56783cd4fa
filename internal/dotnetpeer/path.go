// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

// Package dotnetpeer runs the .NET peer for tests: dotnet-peer, a program that
// speaks the remote app session protocol from both ends on real .NET, and says
// what .NET makes of session bytes and values.
//
// It starts and ends processes and passes lines on. It knows nothing of
// sessions, and no HTTP: tests talk to [Peer.URL] themselves. A peer uses real
// sockets, so it does not belong in a synctest bubble.
//
// The program is not in this repository. The environment variable DOTNET_PEER
// says where it is; see [EnvPath].
package dotnetpeer

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

const (
	// EnvPath names the environment variable with the path of the program. A
	// relative path starts at the module root.
	EnvPath = "DOTNET_PEER"

	// defaultPath is where the program is sought without that variable.
	defaultPath = "../shared/peer/dotnet-peer"
)

// Path returns the program's path, for a test that runs it otherwise. Where there
// is none the test is skipped, or fails, as by [Start].
func Path(tb testing.TB) string {
	tb.Helper()
	return find(tb)
}

// find returns the program's path. Where there is none the test is skipped, or
// fails if the environment variable CI is "true".
func find(tb testing.TB) string {
	tb.Helper()
	path, err := locate()
	switch {
	case err == nil:
		return path
	case os.Getenv("CI") == "true":
		tb.Fatalf("NO .NET PEER: %v; set %s to the path of dotnet-peer (a skip is not allowed where CI=true)", err, EnvPath)
	default:
		tb.Skipf("NOT TESTED AGAINST .NET: %v; set %s to the path of dotnet-peer", err, EnvPath)
	}
	return ""
}

func locate() (string, error) {
	path := os.Getenv(EnvPath)
	if path == "" {
		path = filepath.FromSlash(defaultPath)
	}
	if !filepath.IsAbs(path) {
		root, err := moduleRoot()
		if err != nil {
			return "", err
		}
		path = filepath.Join(root, path)
	}
	_, err := os.Stat(path)
	return path, err
}

// moduleRoot returns the nearest folder, from the working directory upwards,
// that has a go.mod.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("no go.mod above the working directory")
		}
		dir = parent
	}
}

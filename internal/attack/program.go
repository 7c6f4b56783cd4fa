// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package attack

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
)

// Build builds the program from this module's source, below dir.
func Build(ctx context.Context, dir string) (program string, err error) {
	program = filepath.Join(dir, "sessionbridge")
	build := exec.CommandContext(ctx, "go", "build", "-o", program, "github.com/sessionbridge/session/cmd/sessionbridge")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return program, nil
}

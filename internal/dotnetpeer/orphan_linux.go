// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package dotnetpeer

import (
	"os/exec"
	"syscall"
)

// dieWithParent lets the kernel end the process when the test binary ends
// without cleaning up, as it does after a timeout.
func dieWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}

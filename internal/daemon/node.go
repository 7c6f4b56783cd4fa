// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"crypto/rand"
	"os"
	"strings"
)

// nodeName returns a name for this process that no other one has, nor had: a
// node that came back under the name of one that died would keep the holds of
// that alive. Its first part is for people who read logs.
func nodeName() string {
	host, err := os.Hostname()
	if err != nil || host == "" {
		host = "node"
	}
	host, _, _ = strings.Cut(host, ".")
	return host + "-" + strings.ToLower(rand.Text()[:10])
}

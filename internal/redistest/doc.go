// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

// Package redistest runs Redis servers to test against: one, one with TLS, or a
// cluster. They have free ports of the loopback and end with the test, by their
// process id. It knows nothing of what is kept in them.
package redistest

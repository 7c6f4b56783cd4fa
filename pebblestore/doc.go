// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

// Package pebblestore keeps items on the disk of one machine, in one directory,
// for one process at a time. A commit that was acknowledged outlives the process
// and the machine. It is the contract of a [session.Store] on Pebble, which does
// all that is storage: this package has no journal and no recovery of its own,
// and knows nothing of networks or of other nodes' disks.
package pebblestore

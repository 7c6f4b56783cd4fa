// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

// Package daemon is the program behind sessionbridge serve: it reads the
// configuration, joins store, manager, handler and listeners, and starts and
// stops them in order.
//
//	flags ▷ environment ▷ file ▷ defaults ──▶ Config ──▶ Start ──▶ Daemon ──▶ Wait
//
// What a session is, and what the protocol says, is the business of the
// packages that it joins.
package daemon

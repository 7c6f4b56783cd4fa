// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

// Package session holds the nouns of remote app session state and the rules
// about them: what a [Session] is, who may hold one and for how long, and what
// a commit means.
//
//	browser ──▶ Go page ── Source ──▶ Manager ──▶ Store
//	ASP.NET Core page ── remoteapp.Handler ──▶ Manager ──▶ Store
//
// A [Store] keeps items, grants holds and compares tokens. A [Manager] decides:
// it queues writers, bounds how long they wait and hold, takes sessions from
// holders that are overdue, and merges what comes back. A [Source] opens
// sessions for a program; the Manager is one, the client of package remoteapp
// is another.
//
// The package knows nothing of networks, files or net/http.
package session

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

// Package demo shows the product at work: an old shop that owns the sessions, a
// new shop in Go that uses them over HTTP, one origin in front of both as a
// migration has it, and a panel that shows live what crosses between them.
//
//	browser ──▶ front ─┬─ /old/ ──HTTP──▶ old shop ◀─────────────┐
//	                   ├─ /new/ ────────▶ new shop ──HTTP──▶ tap ┘
//	                   └─ /     the stage: both shops, buttons, panel
//
// The tap is a proxy that passes on what the new shop and the old one say to
// each other, and writes it into a journal; it knows the protocol only as far as
// one sees it from outside. The package knows nothing of stores, and serves
// nobody but its visitor.
package demo

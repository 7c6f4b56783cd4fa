// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

// Package httpsession gives each HTTP request its session: middleware over any
// [session.Source].
//
//	browser ──▶ Middleware ──▶ ReadOnly, Writable, Disabled ──▶ handler
//	                │                                              │ session.FromContext: opened on first use
//	                └──── Commit before the first byte ◀───────────┘
//
// A request that does not use its session costs nothing but the wrapping. One
// that does opens it at that moment, and it is committed before the first byte
// of the response leaves, whatever makes it leave: so neither a redirect nor a
// quick next click can outrun what was stored, and a commit that fails is
// answered with an error instead of the page. A handler that panics releases it.
//
// The package knows the cookie and the response. Where sessions are kept, who
// may have one and for how long is the Source's business.
package httpsession

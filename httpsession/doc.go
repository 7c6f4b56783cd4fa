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
// So what recovers panics belongs outside of the middleware: inside, the handler
// seems to have returned, and what it changed by half is stored. The same is true of
// [http.TimeoutHandler]: its answer would store what the handler, which goes on,
// has changed by then.
//
// The package knows the cookie and the response. Where sessions are kept, who
// may have one and for how long is the Source's business.
package httpsession

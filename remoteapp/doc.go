// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

// Package remoteapp speaks the HTTP protocol of remote app session state, as
// Microsoft's System.Web adapters do: a read-only GET, a writeable GET that stays
// open until a PUT commits, and one duplex POST over HTTP/2.
//
//	GET, read-only   ─▶ Manager.Read                         ─▶ bytes
//	GET, writeable   ─▶ Manager.Hold ─▶ bytes … heartbeats … ─▶ end, once it is committed
//	PUT              ─▶ Manager.Find ─▶ Manager.Commit       ─▶ 200, once it is stored
//	POST (HTTP/2)    ─▶ Manager.Hold ─▶ bytes … session comes back … Commit ─▶ {"s":true}
//
// [Handler] is the owner's end. It turns requests into calls of a
// [session.Manager] and its answers into statuses; who may have a session, and
// what a commit means, is not its business.
//
// [Client] is the other end, a [session.Source] of sessions that another program
// owns: a Handler, or an ASP.NET application with Microsoft's server. It sends
// whole sessions and never guesses: what came of a commit is known, or the error
// says that it is not.
//
//	Open, read-only  ─▶ GET                                  ─▶ Session
//	Open, writable   ─▶ POST (HTTP/2), or GET where that can't be
//	Commit           ─▶ rest of the POST, or PUT, then the end of the GET
//	Release          ─▶ the bytes as they came, or the end of the connection
package remoteapp

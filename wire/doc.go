// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

// Package wire turns sessions into bytes and back, in format version 1 of the
// System.Web adapters, and merges what a client sends back into what is stored.
//
//	byte      1                       ─┐
//	string    session id               │
//	byte      is new                   │ header
//	byte      is abandoned             │
//	byte      is read-only             │
//	7-bit int timeout in minutes      ─┘
//	7-bit int number of items         ─┐
//	  string    key                    │
//	  7-bit int length of the value    │ items form
//	  bytes     value                  │
//	7-bit int number of unknown keys   │
//	  string    key                   ─┘
//
// A string is its length in bytes as a 7-bit int, then UTF-8. A 7-bit int is
// an int32 in base 128, least significant digit first, whose bytes but the last
// have the high bit set: what .NET's BinaryWriter.Write7BitEncodedInt writes.
// The layout is that of the adapters' BinarySessionSerializer.
//
// Everything after the header is called the items form. It is what a store
// keeps, so that serving a session is [AppendHeader] plus the stored bytes, and
// accepting one is [DecodeHeader], [CheckItems] and [Merge].
//
// What .NET accepts is accepted, with the same meaning; what is written is
// well-formed. Values are bytes here, save that Merge compares them as JSON. The
// package reads and writes memory and streams; it knows nothing of HTTP, of
// stores, or of the types of values.
//
// All functions may be called concurrently. None keeps or changes the bytes
// that it is given, but several return parts of them, and say so.
package wire

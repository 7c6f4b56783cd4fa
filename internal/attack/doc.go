// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

// Package attack attacks a running sessionbridge serve, as strangers and broken
// peers would: it has the program to attack, a client that writes HTTP/2 frame by
// frame, a bystander who uses sessions meanwhile, and a census of what the server
// has afterwards. It does not know what serve is made of; its tests are the
// attacks.
package attack

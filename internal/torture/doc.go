// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

// Package torture finds out whether sessions keep their promise while writers
// meet, nodes die and connections break: it lets many pages use a few sessions
// through any number of doors, writes down what each was told, and has porcupine
// look for an order in which all of it could have happened one after the other.
// What the promise is stands in model.go. It knows nothing of how the nodes
// behind the doors store sessions; whoever runs it opens them.
package torture

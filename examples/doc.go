// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

// Package examples is programs to begin with: join, own and leave, one for each
// step of a migration, with the page in visits; and firstpage, which is moved in
// docs/first-page.md. The tests here run them beside an old and a new application
// on .NET, of which the programs know nothing.
package examples

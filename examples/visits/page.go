// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

// Package visits is the page of the examples. It doesn't know who owns the
// session.
package visits

import (
	"fmt"
	"net/http"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/httpsession"
)

// Key is all that the page knows of the session. The rest stays as it is.
var Key = session.NewKey[int]("visits")

// Page counts the visits of a user.
func Page(w http.ResponseWriter, r *http.Request) {
	var visits int
	s, err := session.FromContext(r.Context()) // opens it: other writers wait
	if err == nil {
		err = Key.Update(s, func(n *int) error { *n++; visits = *n; return nil })
	}
	if err != nil {
		httpsession.Error(w, r, err)
		return
	}
	fmt.Fprintln(w, "visits:", visits) // commits it first
}

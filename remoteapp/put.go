// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package remoteapp

import (
	"errors"
	"net/http"
	"os"
	"time"
)

// put serves the PUT that commits a session that a GET holds. The session is
// stored when it is answered. A body that can't be read leaves the hold as it
// is, so that a second try can succeed.
func (x *exchange) put() error {
	if x.id == "" {
		return refuseNoID(x.h.opts.Cookie.Name)
	}
	ctx, cancel := detached(x.r)
	defer cancel()
	item, err := x.h.manager.Find(ctx, x.id, traceID(x.r.Header), x.client.Name)
	if err != nil {
		return err
	}
	body, err := x.wholeBody()
	x.seen.Got = len(body)
	if err != nil {
		return err
	}
	update, err := x.update(item.ID, body)
	if err != nil {
		return err
	}
	if err := x.h.manager.Commit(ctx, item, update); err != nil {
		return err
	}
	x.begun, x.seen.Outcome = true, outcomeCommitted
	x.w.Header()["Content-Length"] = []string{"0"}
	x.w.WriteHeader(http.StatusOK)
	return nil
}

// wholeBody reads the body of a PUT, within bodyTimeout.
func (x *exchange) wholeBody() ([]byte, error) {
	rc := http.NewResponseController(x.w)
	if err := rc.SetReadDeadline(time.Now().Add(bodyTimeout)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return nil, err
	}
	body, err := readBody(x.r.Body, x.h.opts.Limits.Session)
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return body, refuseSlowBody(err)
	case err != nil:
		return body, refuseBody(err)
	}
	return body, nil
}

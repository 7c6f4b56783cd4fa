// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package remoteapp

import (
	"errors"
	"net/http"
	"os"
	"time"

	"github.com/sessionbridge/session"
)

// put serves the PUT that commits a session that a GET holds. The session is
// stored when it is answered. A body that can't be read leaves the hold as it
// is, so that a second try can succeed.
func (x *exchange) put() error {
	if x.id == "" {
		return refuseNoID(x.h.opts.Cookie.Name)
	}
	item, err := x.h.manager.Find(x.r.Context(), x.id, traceID(x.r.Header), x.client.Name)
	if err != nil {
		return err
	}
	body, err := x.wholeBody(len(item.Data))
	x.seen.Got = len(body)
	if err != nil {
		return err
	}
	update, err := x.update(item.ID, body)
	if err != nil {
		return err
	}
	if err := x.h.manager.Commit(x.commitContext(), item, update); err != nil {
		return err
	}
	x.begun, x.seen.Outcome = true, outcomeCommitted
	x.w.Header()["Content-Length"] = []string{"0"}
	x.w.WriteHeader(http.StatusOK)
	return nil
}

// wholeBody reads the body of a PUT, within bodyTimeout.
func (x *exchange) wholeBody(expected int) ([]byte, error) {
	most := x.h.manager.Limits().Session
	if x.r.ContentLength > int64(most) {
		return nil, refuseBody(&tooLargeError{most})
	}
	rc := http.NewResponseController(x.w)
	if err := rc.SetReadDeadline(time.Now().Add(bodyTimeout)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return nil, err
	}
	stop := x.whenBroken(func() { rc.SetReadDeadline(time.Unix(1, 0)) })
	body, err := readBody(x.r.Body, expected, most)
	stop()
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded) && x.h.broken.Err() != nil:
		return body, session.ErrClosed
	case errors.Is(err, os.ErrDeadlineExceeded):
		return body, refuseSlowBody(err)
	case err != nil:
		return body, refuseBody(err)
	}
	return body, nil
}

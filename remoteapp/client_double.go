// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package remoteapp

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/sessionbridge/session"
)

// A double is a session that a GET holds until a PUT commits it.
type double struct{ *reply }

// release closes the GET: its owner notices.
func (d *double) release(context.Context) error {
	d.close()
	return nil
}

// commit sends the session, and waits for the end of the GET: the original
// stores the session when it ends that, after it has answered the PUT.
func (d *double) commit(ctx context.Context, body []byte) error {
	defer d.close()
	if err := d.put(ctx, body); err != nil {
		return err
	}
	if _, err := d.rest(ctx, 0); err != nil {
		e := d.visit.unknown(http.MethodGet, err)
		e.Reason = "the owner took the PUT, but the GET that held the session did not end as it should"
		return e
	}
	return nil
}

// put sends the session back. After any error but ErrCommitUnknown it was not
// stored.
func (d *double) put(ctx context.Context, body []byte) error {
	v := d.visit
	req := v.request(ctx, http.MethodPut, d.session.ID)
	up := newUpload(0)
	up.send(body)
	up.attach(req)
	res, err := v.c.via.double.RoundTrip(req)
	if err != nil {
		return v.unsent(http.MethodPut, ErrUnreachable, orCause(ctx, err), up)
	}
	defer res.Body.Close()
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return d.refusedPut(res)
	}
	io.Copy(io.Discard, io.LimitReader(res.Body, mostError)) // the status says it all; the connection can be used again
	return nil
}

// unsent returns the error of a commit whose request failed: it is not known
// what came of it only if all of it was sent.
func (v *visit) unsent(method string, kind, err error, up *upload) *Error {
	if up.whole.Load() {
		return v.unknown(method, err)
	}
	e := v.fail(method, kind, "not all of the session could be sent, so the owner has stored nothing")
	e.Err, e.Remedy = err, remedyOf(err)
	return e
}

// unknown returns the error of a commit that was sent and not answered.
func (v *visit) unknown(method string, err error) *Error {
	e := v.fail(method, session.ErrCommitUnknown, "the session was sent, but the owner did not say that it was stored")
	e.Err = err
	e.Remedy = "read the session again to see what came of it; the owner's log may tell why"
	return e
}

// refusedPut returns the error of a PUT that was answered, but not with success.
func (d *double) refusedPut(res *http.Response) *Error {
	e := d.visit.refused(http.MethodPut, res)
	switch {
	case e.Status == http.StatusBadRequest && (isLost(e.Reason) || e.Reason == "" && d.cut()):
		e.Kind, e.Remedy = session.ErrLockLost, remedyLost
	case e.Status == http.StatusBadRequest:
		e.Kind, e.Remedy = ErrRefused, "the owner could not read the session, or has ended the exchange that held it; its log tells more"
	case failedMidway(e):
		e.Kind, e.Remedy = session.ErrCommitUnknown, "the owner failed while it had the session: read it again to see what came of it"
	case e.Status == http.StatusServiceUnavailable:
		e.Kind, e.Remedy = ErrRefused, "try the page again later"
	}
	return e
}

// failedMidway reports whether an answer leaves open what came of a PUT.
func failedMidway(e *Error) bool {
	if e.problem != "" { // our own server says of all others that nothing has changed
		return e.problem == problemInternal || e.problem == problemUnknown
	}
	switch e.Status {
	case http.StatusNotImplemented, http.StatusServiceUnavailable: // nobody has taken it
		return false
	}
	return e.Status >= http.StatusInternalServerError // those of proxies too, such as 520 to 524 of Cloudflare
}

const remedyLost = "nothing was stored: let the user try again; if it happens often, pages hold their session for too long, or the owner restarts"

// isLost reports whether the owner says that nobody holds the session for this
// commit any more.
func isLost(reason string) bool {
	return strings.HasPrefix(reason, reasonUpdated) || strings.HasPrefix(reason, reasonNoHold)
}

// cut reports whether the GET has broken off, as it does when its owner stops.
// The original does not always give a reason to a PUT that comes after that.
func (d *double) cut() bool {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_, err := d.rest(ctx, 0)
	return err != nil && !errors.Is(err, context.DeadlineExceeded)
}

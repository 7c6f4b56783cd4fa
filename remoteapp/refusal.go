// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package remoteapp

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/wire"
)

// A refusal is an answer that is no success: a status, the reason phrase that a
// .NET developer sees, and what an operator needs to know.
type refusal struct {
	status int
	code   string // last part of the problem's type
	reason string // reason phrase and title
	detail string // what happened, and the remedy
	retry  time.Duration
	err    error // the cause, for the log only
}

func (e *refusal) Error() string {
	if e.err != nil {
		return fmt.Sprintf("%s: %v", e.reason, e.err)
	}
	return e.reason + ": " + e.detail
}

func (e *refusal) Unwrap() error { return e.err }

// The reason phrases of Microsoft's server for a PUT. Its client puts them into
// the exception that a developer sees.
const (
	reasonNoID    = "No session ID found"
	reasonNoHold  = "Could not find session"
	reasonBadBody = "Failed to deserialize session state"
	reasonUpdated = "Session has already been updated"
	reasonNoBody  = "No session data was supplied for commit"
)

// reasonUnknown is ours: Microsoft's server has nothing that fails while it
// stores.
const reasonUnknown = "Session may or may not have been stored"

func refuseKey(header string) *refusal {
	return &refusal{status: http.StatusUnauthorized, code: "unauthorized", reason: "Unauthorized",
		detail: "The header " + header + " is missing, or its value is the API key of no client of this server. Configure the same key on both ends."}
}

func refuseMethod(r *http.Request) *refusal {
	detail := "Sessions are read with GET, held with GET or POST, and committed with PUT; this was another verb."
	if strings.EqualFold(r.Method, http.MethodPost) {
		detail = "A session is held over one connection by POST over HTTP/2; this was " + r.Proto + ". Use GET and PUT, or let HTTP/2 through."
	}
	return &refusal{status: http.StatusMethodNotAllowed, code: "method-not-allowed", reason: "Method Not Allowed", detail: detail}
}

func refuseGetBody() *refusal {
	return &refusal{status: http.StatusBadRequest, code: "body-in-get", reason: "Bad Request",
		detail: "A session is read and held by GET requests without a body; this one announced one."}
}

func refuseNoID(cookie string) *refusal {
	return &refusal{status: http.StatusBadRequest, code: "no-session-id", reason: reasonNoID,
		detail: "The request has no cookie " + cookie + " with a session id of 24 letters and digits, so it can't be told which session it updates."}
}

func refuseBody(err error) *refusal {
	return &refusal{status: http.StatusBadRequest, code: "bad-session", reason: reasonBadBody,
		detail: "The body is no update of this session: " + err.Error() + ". Nothing was changed.", err: err}
}

func refuseSlowBody(err error) *refusal {
	return &refusal{status: http.StatusRequestTimeout, code: "slow-body", reason: "Request Timeout",
		detail: fmt.Sprintf("The body did not arrive within %s. Nothing was changed.", bodyTimeout), err: err}
}

// refuse turns an error of the Manager into an answer: the one table of them.
func refuse(err error) *refusal {
	var (
		known    *refusal
		busy     *session.BusyError
		several  *session.AmbiguousError
		form     *wire.FormatError
		conflict *session.ConflictError
	)
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &busy):
		return &refusal{status: http.StatusServiceUnavailable, code: "busy", reason: "Service Unavailable", retry: time.Second, err: err,
			detail: "The session could not be had: " + busy.Reason + ". Nothing was changed; the request may be made again."}
	case errors.Is(err, session.ErrClosed):
		return &refusal{status: http.StatusServiceUnavailable, code: "shutting-down", reason: "Service Unavailable", retry: time.Second, err: err,
			detail: "This server is shutting down and opens no more sessions. Try again, at another node or once it has started."}
	case errors.As(err, &several):
		return &refusal{status: http.StatusBadRequest, code: "ambiguous", reason: reasonNoHold, err: err, detail: "This commit was not stored: " + several.Error() + ". " +
			"A session that is held by POST over HTTP/2 needs no trace id. Nothing was changed."}
	case errors.Is(err, session.ErrNoHold):
		return &refusal{status: http.StatusBadRequest, code: "no-open-session", reason: reasonNoHold, err: err,
			detail: "No GET of this client and trace holds this session: it has ended, or its connection was lost. Nothing was changed."}
	case errors.As(err, &conflict):
		return &refusal{status: http.StatusBadRequest, code: "conflict", reason: reasonUpdated, err: err,
			detail: fmt.Sprintf("This exchange had lost its hold to another writer, and both changed %q. Nothing was changed. "+
				"Keys for which the last writer may win can be listed in last_wins.", conflict.Keys)}
	case errors.Is(err, session.ErrLockLost):
		return &refusal{status: http.StatusBadRequest, code: "already-updated", reason: reasonUpdated, err: err,
			detail: "The hold of this exchange has ended: it has committed before, the session has ended since, or another writer took it over and late commits are refused or too many others have lost it since. Nothing was changed."}
	case errors.As(err, &form): // what it would be together with the keys of others
		return refuseBody(err)
	case errors.Is(err, session.ErrFull):
		return &refusal{status: http.StatusInsufficientStorage, code: "store-full", reason: "Insufficient Storage", err: err,
			detail: "The session was not stored: " + err.Error() + ". Nothing was changed."}
	case errors.Is(err, session.ErrCommitUnknown):
		return &refusal{status: http.StatusServiceUnavailable, code: "commit-unknown", reason: reasonUnknown, retry: 5 * time.Second, err: err,
			detail: "The session store did not say what came of it; the server's log tells more. A second try never does it twice."}
	case errors.Is(err, session.ErrDamaged):
		return &refusal{status: http.StatusInternalServerError, code: "store-damaged", reason: "Internal Server Error", err: err,
			detail: "What is stored of this session can't be read; the server's log tells more. Nothing was changed, and another try will find the same."}
	default:
		return &refusal{status: http.StatusServiceUnavailable, code: "store-failed", reason: "Service Unavailable", retry: 5 * time.Second, err: err,
			detail: "The session store does not answer as it should; the server's log tells more. Nothing was changed."}
	}
}

// body returns the refusal as problem details (RFC 9457).
func (e *refusal) body() []byte {
	b, err := json.Marshal(struct {
		Type   string `json:"type"`
		Title  string `json:"title"`
		Status int    `json:"status"`
		Detail string `json:"detail"`
	}{"urn:sessionbridge:problem:" + e.code, e.reason, e.status, e.detail})
	if err != nil {
		panic(err) // strings and an int
	}
	return b
}

// header sets the headers of the answer.
func (e *refusal) header(h http.Header, length int) {
	h.Set("Content-Type", problemType)
	h.Set("Content-Length", strconv.Itoa(length))
	if e.retry > 0 {
		h.Set("Retry-After", strconv.Itoa(int(e.retry.Seconds())))
	}
	if e.status == http.StatusMethodNotAllowed {
		h.Set("Allow", "GET, PUT, POST")
	}
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package remoteapp

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/wire"
)

// How much of a body that was not expected is read, and shown.
const (
	mostError  = 16 << 10
	mostBody   = 200
	mostReason = 600 // of what is meant to be read
)

// fail returns an error of this visit.
func (v *visit) fail(method string, kind error, reason string) *Error {
	return &Error{Op: v.op, Method: method, URL: v.c.url.String(), Kind: kind, Reason: reason}
}

// noAnswer returns the error of an exchange that ended before its session was
// here. connected tells that the owner was reached.
func (v *visit) noAnswer(method string, err error, connected bool) *Error {
	e := v.fail(method, ErrUnreachable, "no answer from the owner")
	e.Err = err
	switch {
	case errors.Is(err, context.Canceled):
		e.Kind, e.Reason = nil, "given up, as this program asked for"
	case errors.Is(err, errOpenTimeout), errors.Is(err, context.DeadlineExceeded):
		v.late(e, connected)
	default:
		e.Remedy = remedyOf(err)
	}
	return e
}

// late makes e the error of an exchange whose time was up.
func (v *visit) late(e *Error, connected bool) {
	waited := time.Since(v.began)
	if errors.Is(e.Err, errOpenTimeout) {
		e.Err = nil // the reason says it
	}
	e.Reason = fmt.Sprintf("no answer from the owner within %s", waited.Round(time.Millisecond))
	if !connected {
		e.Remedy = "no connection was made: look at RemoteAppURL, firewalls and proxies"
		return
	}
	e.Kind = &session.BusyError{Reason: fmt.Sprintf("its owner gave no turn within %s", waited.Round(time.Millisecond)), Waited: waited}
	e.Remedy = "another page holds the session, or the owner hangs"
}

// remedyOf says what to do about a failed connection.
func remedyOf(err error) string {
	var (
		certificate *tls.CertificateVerificationError
		record      tls.RecordHeaderError
	)
	switch {
	case errors.Is(err, errNoHTTP2), isNoProtocol(err):
		return "one connection needs HTTP/2: let it through, or use mode auto or double"
	case errors.As(err, &certificate):
		return "trust its certificate: SSL_CERT_FILE, or TLSClientConfig of an http.Transport in the option Transport"
	case errors.As(err, &record):
		return "it does not speak TLS there: https in RemoteAppURL may have to be http, or its port another"
	}
	return "is it running, and is RemoteAppURL right?"
}

// A problem is what our own server says of a refusal (RFC 9457).
type problem struct{ Type, Title, Detail string }

// refused returns the error of an answer that is no success. It reads the body,
// but leaves it to be closed.
func (v *visit) refused(method string, res *http.Response) *Error {
	e := v.fail(method, nil, v.clean(reasonPhrase(res), mostReason))
	e.Status = res.StatusCode
	body, _ := io.ReadAll(io.LimitReader(res.Body, mostError))
	var p problem
	if mediaType(res) == problemType && json.Unmarshal(body, &p) == nil {
		e.Reason = v.clean(strings.TrimPrefix(p.Title+": "+p.Detail, http.StatusText(e.Status)+": "), mostReason)
	} else {
		e.Body = v.clean(string(body), mostBody)
	}
	e.problem = p.Type
	v.classify(e, res, p)
	if location := res.Header.Get("Location"); e.Status/100 == 3 && location != "" {
		e.Body = "" // says it again, with the query
		e.Reason = "it redirects to " + strconv.Quote(v.clean(withoutQuery(location), mostReason))
	}
	return e
}

// classify tells what a status means for a session.
func (v *visit) classify(e *Error, res *http.Response, p problem) {
	switch {
	case e.Status == http.StatusUnauthorized:
		e.Kind, e.Remedy = ErrUnauthorized, "configure the same API key, and the same header for it, on both ends"
	case e.Status == http.StatusNotFound:
		e.Kind, e.Remedy = ErrNotThere, "look at RemoteAppURL and SessionEndpointPath: no sessions are served there"
	case e.Status/100 == 3:
		e.Kind, e.Remedy = ErrNotThere, "redirects are not followed: set RemoteAppURL to where the sessions are served, or except their path from what redirects"
	case e.Status == http.StatusServiceUnavailable && (p.Type == problemBusy || res.Header.Get("Retry-After") != ""):
		e.Kind = &session.BusyError{Reason: cmp.Or(v.clean(p.Detail, mostReason), "its owner asks to come back later"), Waited: time.Since(v.began)}
		e.Remedy = "try again later"
	case e.Status == http.StatusBadGateway, e.Status == http.StatusServiceUnavailable, e.Status == http.StatusGatewayTimeout:
		e.Kind, e.Remedy = ErrUnreachable, "something before the owner says that it is down"
	default:
		e.Kind, e.Remedy = ErrRefused, "the owner's log tells more"
	}
}

// Types of the problem details that our own server sends.
const (
	problemBusy     = "urn:sessionbridge:problem:busy"
	problemInternal = "urn:sessionbridge:problem:internal"
	problemUnknown  = "urn:sessionbridge:problem:commit-unknown"
)

// noSession returns the error of a body that is none, as it begins.
func (v *visit) noSession(r *reply, begin []byte) *Error {
	e := v.fail(r.method, ErrWrongFormat, fmt.Sprintf("the body is no session of format version %d: its first byte says %d", wire.Version, begin[0]))
	e.Status, e.Body = r.res.StatusCode, v.clean(string(begin), mostBody)
	e.Remedy = "does RemoteAppURL lead to the endpoint of the sessions, or to a page?"
	if coding := r.res.Header.Get("Content-Encoding"); coding != "" {
		e.Remedy = "its Content-Encoding is " + coding + ", which nobody asked for: switch compression off for this path"
	}
	return e
}

// badSession returns the error of a session that can't be read to its end.
func (v *visit) badSession(r *reply, err error) *Error {
	e := v.fail(r.method, ErrWrongFormat, "its session can't be read")
	e.Status, e.Err = r.res.StatusCode, err
	switch short := errors.Unwrap(err) != nil; {
	case short && r.arrived.broke():
		e.Kind, e.Remedy = ErrUnreachable, remedyCut
	case short:
		e.Remedy = remedyCut
	default:
		e.Remedy = "if a limit is exceeded, raise it in the option Limits; else the owner is no session server of this format"
	}
	return e
}

const remedyCut = "the answer was cut short, by the owner or by something before it"

// reasonPhrase returns the reason of an HTTP/1 answer, if it says more than its
// status.
func reasonPhrase(res *http.Response) string {
	_, phrase, _ := strings.Cut(res.Status, " ")
	if phrase == http.StatusText(res.StatusCode) || len(phrase) > mostBody || !isPrintable(phrase) {
		return ""
	}
	return phrase
}

func mediaType(res *http.Response) string {
	media, _, err := mime.ParseMediaType(res.Header.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return media
}

// withoutQuery returns where a redirect leads, without what its query may tell of
// somebody.
func withoutQuery(location string) string {
	path, _, _ := strings.Cut(location, "?")
	path, _, _ = strings.Cut(path, "#")
	return path
}

// clean returns the start of a text that somebody sent, without what must not be
// written down.
func (v *visit) clean(s string, most int) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	s = strings.ReplaceAll(s, v.c.opts.APIKey, "[API key]")
	for _, id := range []string{v.id, v.named} {
		if id != "" {
			s = strings.ReplaceAll(s, id, "[session id]")
		}
	}
	s = strings.TrimSpace(s)
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}

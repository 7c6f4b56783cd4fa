// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package remoteapp

import (
	"errors"
	"net/http"
	"strings"
)

// errNothingHeard: a POST was given up because nothing came back for as long as
// patience says.
var errNothingHeard = errors.New("nothing was heard of the POST for " + patience.String())

// errRetriedEnough: a POST that had not begun to be processed was sent again,
// and failed again in a way that asks for one more try.
var errRetriedEnough = errors.New("the POST was turned away twice before it was answered")

// fallbackSign returns what an error of a POST that got no session says against
// the use of one connection, or "" if it says nothing about that.
func fallbackSign(err error) string {
	var e *Error
	if !errors.As(err, &e) {
		return ""
	}
	switch {
	case e.Status == http.StatusMethodNotAllowed, e.Status == http.StatusNotFound, e.Status == http.StatusNotImplemented, e.Status == http.StatusBadRequest:
		return "POST is answered with " + http.StatusText(e.Status)
	case errors.Is(err, errNoHTTP2), isNoProtocol(e.Err):
		return "HTTP/2 is not offered"
	case errors.Is(err, errNothingHeard):
		return "POST is not answered: something before the owner waits for its whole body maybe"
	case errors.Is(err, errRetriedEnough):
		return "POST is turned away before it is answered"
	case e.Status == 0 && isReset(e.Err):
		return "POST is reset before it is answered"
	case e.Status == 0 && isErrorGoAway(e.Err):
		return "the connection of a POST is ended with an error"
	case e.Status == 0 && isBadHTTP2(e.Err):
		return "what answers does not speak HTTP/2"
	}
	return ""
}

// The errors of net/http's HTTP/2 and of crypto/tls that follow have no types
// that can be named here. Each function has a test that provokes what it knows.

// isNoProtocol reports whether a TLS server has refused all protocols that it
// was offered, by alert 120 or by choosing another.
func isNoProtocol(err error) bool {
	return errorHas(err, "tls: no application protocol") || errorHas(err, "tls: server selected unadvertised ALPN protocol")
}

// An http2Reset has the shape of net/http's http2StreamError, which lets
// errors.As convert it to a type like this.
type http2Reset struct {
	StreamID uint32
	Code     uint32
	Cause    error
}

func (e http2Reset) Error() string { return "HTTP/2 stream reset" }

// isReset reports whether a stream ended with RST_STREAM, whoever sent it.
func isReset(err error) bool {
	var reset http2Reset
	return errors.As(err, &reset)
}

// isErrorGoAway reports whether a connection ended with a GOAWAY other than
// NO_ERROR: net/http's (*http2ClientConn).setGoAway or http2GoAwayError.
func isErrorGoAway(err error) bool {
	return errorHas(err, "http2: Transport received GOAWAY from server ErrCode:") ||
		errorHas(err, "http2: server sent GOAWAY and closed the connection;") && !errorHas(err, "ErrCode=NO_ERROR,")
}

// isBadHTTP2 reports whether what came was no HTTP/2: net/http's
// http2ConnectionError or http2ErrFrameTooLarge.
func isBadHTTP2(err error) bool {
	return errorHas(err, "connection error: ") || errorHas(err, "http2: frame too large")
}

func errorHas(err error, text string) bool {
	return err != nil && strings.Contains(err.Error(), text)
}

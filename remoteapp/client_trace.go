// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package remoteapp

import (
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"strings"

	"github.com/sessionbridge/session"
)

// mostTraceState bounds what is handed on of tracestate and baggage.
const mostTraceState = 8 << 10

// A trace is the W3C trace context of the requests of one exchange.
type trace struct{ id, flags, state, baggage string }

// newTrace continues the trace of a request, or begins one: owners tell by its
// id which PUT belongs to which GET.
func newTrace(t session.Trace) trace {
	tr := trace{baggage: fit(t.Baggage)}
	var ok bool
	if tr.id, tr.flags, ok = parseTraceParent(t.Parent); ok {
		tr.state = fit(t.State)
		return tr
	}
	tr.id, tr.flags = randomHex(16), "00"
	return tr
}

func parseTraceParent(value string) (id, flags string, ok bool) {
	id = traceID(http.Header{"Traceparent": {value}})
	if id == "" {
		return "", "", false
	}
	flags = strings.Split(value, "-")[3] // traceID has counted them
	if len(flags) != 2 || !isHex(flags) {
		return "", "", false
	}
	return id, flags, true
}

// fit returns a header that came from a browser, or "" if it can't be sent.
func fit(value string) string {
	if len(value) > mostTraceState || !isPrintable(value) {
		return ""
	}
	return value
}

// set sets the headers of one request, which is a span of its own.
func (t trace) set(h http.Header) {
	h.Set("Traceparent", "00-"+t.id+"-"+randomHex(8)+"-"+t.flags)
	if t.state != "" {
		h.Set("Tracestate", t.state)
	}
	if t.baggage != "" {
		h.Set("Baggage", t.baggage)
	}
}

func randomHex(n int) string {
	b := make([]byte, n)
	rand.Read(b) // never fails: crypto/rand ends the program instead
	return hex.EncodeToString(b)
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package remoteapp

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// drainTimeout is how long what is left of a refused request's body is read
// before its connection is closed: a client that is still writing would else see
// a reset instead of the answer.
const drainTimeout = 5 * time.Second

// sayReason answers a PUT over HTTP/1 with a reason phrase of ours, which is the
// one text that Microsoft's client shows to a developer, and lets a client that
// is still writing read it. net/http does neither, so it takes the connection
// over and closes it after the answer. It reports false, with nothing sent, where
// the server does not let it.
func (x *exchange) sayReason(e *refusal, body []byte) bool {
	if !strings.EqualFold(x.r.Method, http.MethodPut) || x.r.ProtoMajor != 1 || e.status != http.StatusBadRequest && e.status != http.StatusRequestTimeout {
		return false
	}
	conn, rw, err := http.NewResponseController(x.w).Hijack()
	if err != nil {
		return false
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(drainTimeout))
	defer x.whenBroken(func() { conn.SetDeadline(time.Unix(1, 0)) })()
	e.header(x.w.Header(), len(body))
	x.w.Header().Set("Connection", "close")
	x.w.Header().Set("Date", time.Now().UTC().Format(http.TimeFormat))
	if err := writeAnswer(rw.Writer, x.r.Proto, e, x.w.Header(), body); err != nil {
		return true
	}
	if half, ok := conn.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil {
		io.Copy(io.Discard, rw.Reader)
	}
	return true
}

// writeAnswer writes a whole HTTP/1 response.
func writeAnswer(w *bufio.Writer, proto string, e *refusal, header http.Header, body []byte) error {
	fmt.Fprintf(w, "%s %d %s\r\n", proto, e.status, e.reason)
	header.Write(w)
	w.WriteString("\r\n")
	w.Write(body)
	return w.Flush() // remembers the first error
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package httpsession

import (
	"bufio"
	"io"
	"net"
	"net/http"
)

// A writer is the ResponseWriter of a handler. Whatever makes a byte of the
// response leave commits the session first; if that fails it returns the error,
// for another response is given in place of the handler's.
//
// It has all methods that a ResponseWriter of net/http may have. One that the
// writer below lacks says so with an error that is http.ErrNotSupported.
type writer struct{ x *exchange }

var (
	_ http.Flusher    = (*writer)(nil)
	_ http.Hijacker   = (*writer)(nil)
	_ http.Pusher     = (*writer)(nil)
	_ io.ReaderFrom   = (*writer)(nil)
	_ io.StringWriter = (*writer)(nil)
)

func (w *writer) Header() http.Header { return w.x.w.Header() }

// WriteHeader commits also for a status of 100 to 199, which the client sees
// before the response.
func (w *writer) WriteHeader(status int) {
	var err error
	if 100 <= status && status <= 199 && status != http.StatusSwitchingProtocols {
		err = w.x.inform()
	} else {
		err = w.x.begin()
	}
	if err == nil {
		w.x.w.WriteHeader(status)
	}
}

func (w *writer) Write(p []byte) (int, error) {
	if err := w.x.begin(); err != nil {
		return 0, err
	}
	return w.x.w.Write(p)
}

func (w *writer) WriteString(s string) (int, error) {
	if err := w.x.begin(); err != nil {
		return 0, err
	}
	return io.WriteString(w.x.w, s)
}

// ReadFrom leaves it to the writer below how to send a file.
func (w *writer) ReadFrom(src io.Reader) (int64, error) {
	if err := w.x.begin(); err != nil {
		return 0, err
	}
	return io.Copy(w.x.w, src)
}

func (w *writer) Flush() { _ = w.FlushError() }

// FlushError is for [http.ResponseController].
func (w *writer) FlushError() error {
	if err := w.x.begin(); err != nil {
		return err
	}
	return http.NewResponseController(w.x.w).Flush()
}

// Hijack leaves the response to the caller, its headers too. A cookie for a new
// session is among them, if the caller writes them.
func (w *writer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if err := w.x.begin(); err != nil {
		return nil, nil, err
	}
	return http.NewResponseController(w.x.w).Hijack()
}

// Push lets the client see a promise, whose own request may need the session.
func (w *writer) Push(target string, o *http.PushOptions) error {
	if err := w.x.begin(); err != nil {
		return err
	}
	if p, ok := w.x.w.(http.Pusher); ok {
		return p.Push(target, o)
	}
	return http.ErrNotSupported
}

// Unwrap is for [http.ResponseController], whose other methods send nothing.
func (w *writer) Unwrap() http.ResponseWriter { return w.x.w }

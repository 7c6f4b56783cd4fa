// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package attack

import (
	"fmt"
	"strings"

	"golang.org/x/net/http2/hpack"

	"github.com/sessionbridge/session/wire"
)

// What requests of the protocol are made of.
const (
	Path           = "/systemweb-adapters/session"
	KeyHeader      = "X-SystemWebAdapter-RemoteAppAuthentication-Key"
	ReadOnlyHeader = "X-SystemWebAdapter-RemoteAppSession-ReadOnly"
	CookieName     = "ASP.NET_SessionId"
)

// A Request is a request of the protocol, or what an attacker has made of it.
type Request struct {
	Method   string
	Path     string // "": the one that is served
	Key      string // "": no such header
	ID       string // of the session; "": no cookie
	Trace    string // hex digits of the trace id; "": no such header
	ReadOnly bool
	More     [][2]string // headers
}

// headers returns the headers of the request.
func (r Request) headers() [][2]string {
	var h [][2]string
	if r.Key != "" {
		h = append(h, [2]string{KeyHeader, r.Key})
	}
	if r.ID != "" {
		h = append(h, [2]string{"Cookie", CookieName + "=" + r.ID})
	}
	if r.Trace != "" {
		h = append(h, [2]string{"Traceparent", "00-" + strings.Repeat("0", 32-len(r.Trace)) + r.Trace + "-b7ad6b7169203331-01"})
	}
	if r.ReadOnly {
		h = append(h, [2]string{ReadOnlyHeader, "True"})
	}
	return append(h, r.More...)
}

// path returns where the request goes.
func (r Request) path() string {
	if r.Path == "" {
		return Path
	}
	return r.Path
}

// HTTP1 returns the head of the request as HTTP/1.1 has it (RFC 9112).
func (r Request) HTTP1() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\n", r.Method, r.path())
	for _, h := range r.headers() {
		fmt.Fprintf(&b, "%s: %s\r\n", h[0], h[1])
	}
	b.WriteString("\r\n")
	return b.String()
}

// fields returns the head of the request as HTTP/2 has it (RFC 9113, 8.3.1).
func (r Request) fields() []hpack.HeaderField {
	fields := []hpack.HeaderField{
		{Name: ":method", Value: r.Method}, {Name: ":scheme", Value: "http"},
		{Name: ":authority", Value: "127.0.0.1"}, {Name: ":path", Value: r.path()},
	}
	for _, h := range r.headers() {
		fields = append(fields, hpack.HeaderField{Name: strings.ToLower(h[0]), Value: h[1]})
	}
	return fields
}

// Update returns the bytes of a session with one key, as a client commits it.
func Update(id string, timeout int32, key, value string) []byte {
	return wire.Append(nil, &wire.Session{
		Header: wire.Header{ID: id, Timeout: timeout},
		Items:  []wire.Item{{Key: key, Value: []byte(value)}},
	})
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package remoteapp

import (
	"fmt"
	"net/url"

	"github.com/sessionbridge/session"
)

// A Client is a [session.Source] of sessions that another program owns: an
// ASP.NET application with Microsoft's System.Web adapters, or a [Handler]. It is
// safe for concurrent use, and meant to be made once.
type Client struct {
	opts   ClientOptions
	url    *url.URL
	via    transports
	memory memory
	warned warned
}

var _ session.Source = (*Client)(nil)

// NewClient returns a Client. The error names all that is wrong with the
// options; the owner is asked nothing yet.
func NewClient(o ClientOptions) (*Client, error) {
	if err := o.Check(); err != nil {
		return nil, fmt.Errorf("remote app client: %w", err)
	}
	o = o.withDefaults()
	u, err := o.endpoint()
	if err != nil {
		return nil, err
	}
	if o.Mode == Auto && u.Scheme == "http" && !o.H2C {
		o.Mode = Double // as in Microsoft's client
	}
	c := &Client{opts: o, url: u, via: newTransports(o, u)}
	c.memory = memory{log: o.Logger.With("owner", u.String()), now: Auto}
	return c, nil
}

// Mode returns over how many connections sessions are written now: Single,
// Double, or Auto as long as none was opened to be written.
func (c *Client) Mode() ClientMode {
	if c.opts.Mode != Auto {
		return c.opts.Mode
	}
	return c.memory.known()
}

// Close closes the connections that nobody uses. Sessions that are open can
// still be committed. A transport that is not an [*http.Transport] is left to
// whoever made it.
func (c *Client) Close() { c.via.close() }

// mostCookie bounds the cookie that is sent to an owner.
const mostCookie = 256

// isCookieValue reports whether an id can be sent in a cookie (RFC 6265,
// cookie-octet).
func isCookieValue(id string) bool {
	if id == "" || len(id) > mostCookie {
		return false
	}
	for i := range len(id) {
		if c := id[i]; c <= ' ' || c >= 0x7f || c == '"' || c == ',' || c == ';' || c == '\\' {
			return false
		}
	}
	return true
}

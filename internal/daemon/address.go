// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
)

// An address is where to listen.
type address struct {
	text   string // host:port
	tls    bool
	orFree bool // have a free port if this one is taken
}

// parseAddress reads HOST:PORT, http://HOST:PORT or https://HOST:PORT. Without
// a scheme it is https if there is a certificate.
func parseAddress(entry string, certificate bool) (address, error) {
	scheme, rest, ok := strings.Cut(entry, "://")
	if !ok {
		scheme, rest = "", entry
	}
	switch {
	case scheme == "https" && !certificate:
		return address{}, fmt.Errorf("%q needs a certificate: set tls.cert and tls.key", entry)
	case scheme != "" && scheme != "http" && scheme != "https":
		return address{}, fmt.Errorf("%q: the scheme is %q, want http or https", entry, scheme)
	}
	host, port, err := net.SplitHostPort(rest)
	if err != nil || ok && scheme == "" || strings.ContainsAny(host, "/[]") {
		return address{}, fmt.Errorf("%q is no address such as 127.0.0.1:7100", entry)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return address{}, fmt.Errorf("%q: the port is %q, want 0 to 65535", entry, port)
	}
	return address{text: rest, tls: scheme == "https" || scheme == "" && certificate}, nil
}

// A listener is one that is open, with the URL under which it can be reached.
type listener struct {
	net.Listener
	url   string
	tls   bool
	moved error // why it is at a free port; nil: it is where it was to be
}

// open listens. An error is a *ConfigError: nothing but another address, or
// the end of another program, would help.
func (a address) open(ctx context.Context, setting string) (listener, error) {
	// A peer that vanished without a word is found after a minute, if nothing was
	// sent to it meanwhile: see remoteapp.PrepareServer.
	config := net.ListenConfig{KeepAliveConfig: net.KeepAliveConfig{
		Enable: true, Idle: 15 * time.Second, Interval: 15 * time.Second, Count: 3,
	}}
	var moved error
	l, err := config.Listen(ctx, "tcp", a.text)
	if err != nil && a.orFree {
		moved = cause(err)
		l, err = config.Listen(ctx, "tcp", "127.0.0.1:0")
	}
	if err != nil {
		return listener{}, &ConfigError{Complaints: []string{fmt.Sprintf("%s: %s: %v", setting, a.text, cause(err))}}
	}
	return listener{Listener: l, url: a.url(l.Addr()), tls: a.tls, moved: moved}, nil
}

// cause returns the reason in an error of package net, without the address.
func cause(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		err = op.Err
	}
	var call *os.SyscallError
	if errors.As(err, &call) {
		err = call.Err
	}
	return err
}

// url returns the origin for an address that is listened on. One of all
// interfaces is named localhost: 0.0.0.0 is no host to connect to.
func (a address) url(at net.Addr) string {
	scheme := "http"
	if a.tls {
		scheme = "https"
	}
	host, port, err := net.SplitHostPort(at.String())
	if err != nil {
		return scheme + "://" + at.String()
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}

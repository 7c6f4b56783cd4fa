// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package redisstore

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/redis/rueidis"
)

// Options say where Redis is and how to use it. Only the URL is required.
type Options struct {
	// URL is redis://user:password@host:port/db, or rediss:// for TLS; valkey and
	// valkeys are the same, and unix:///path is a socket. Without a port it is
	// 6379. More addresses of a cluster follow as ?addr=host:port&addr=host:port.
	// With ?master_set=name the addresses are those of sentinels, who may want
	// sentinel_username and sentinel_password.
	URL string

	Prefix        string        // what all keys begin with, in braces; "" means "session"
	TLS           *tls.Config   // for a certificate of your own authority, say; nil means TLS 1.2 with the system's authorities if the URL says rediss
	Patience      time.Duration // how long a call is tried again that was certainly not done, as while a replica takes over; 0 means 3 s, less than 0 not at all
	AllowEviction bool          // open also if Redis may evict sessions to make room
	Logger        *slog.Logger  // nil means slog.Default()
}

// mostSilence is for how long a server that is asked whether it is there may say
// nothing. Nothing else tells that a server hangs whose replica has taken over: the
// calls that wait for it end by their contexts.
const mostSilence = 4 * time.Second

// mostRedirections is how often a call is sent on by the servers of a cluster at
// once. If two of them each say that the other one has a slot, it would not end.
const mostRedirections = 3

// errURL says nothing of the URL: what is wrong in it may be the password.
var errURL = errors.New("the URL is not of the form redis://user:password@host:port/db?addr=host:port (or rediss, valkey, valkeys, unix); characters such as / ? # @ : in user or password have to be percent-encoded")

// Check returns all that is wrong with the options, or nil.
func (o Options) Check() error {
	var wrong []error
	if _, err := o.clientOption(); err != nil {
		wrong = append(wrong, err)
	}
	if strings.ContainsAny(o.Prefix, "{}*?[]\\ \r\n\x00") || len(o.Prefix) > 100 {
		wrong = append(wrong, fmt.Errorf("the prefix is %q; it must be 100 bytes at most, without spaces and any of {}*?[]\\", o.Prefix))
	}
	return errors.Join(wrong...)
}

// withDefaults returns the options with every zero field filled in.
func (o Options) withDefaults() Options {
	o.Prefix = cmp.Or(o.Prefix, "session")
	o.Patience = max(cmp.Or(o.Patience, 3*time.Second), 0)
	o.Logger = cmp.Or(o.Logger, slog.Default())
	return o
}

// clientOption is what the URL says, as the client wants it.
func (o Options) clientOption() (rueidis.ClientOption, error) {
	if o.URL == "" {
		return rueidis.ClientOption{}, errors.New("the URL is missing; it is redis://host:port, say")
	}
	u, err := url.Parse(o.URL)
	if err != nil {
		return rueidis.ClientOption{}, errURL
	}
	query := u.Query()
	for name := range query {
		switch name {
		case "addr", "db", "master_set", "sentinel_username", "sentinel_password":
		default:
			return rueidis.ClientOption{}, errURL
		}
	}
	option, err := rueidis.ParseURL(o.URL)
	if err != nil || u.Fragment != "" || (u.Host == "" && u.Scheme != "unix") {
		return rueidis.ClientOption{}, errURL
	}
	// The client takes the first host where it finds no port.
	for i, addr := range query["addr"] {
		if option.InitAddress[1+i], err = withPort(addr); err != nil {
			return rueidis.ClientOption{}, err
		}
	}
	if o.TLS != nil {
		own := o.TLS.Clone()
		if option.TLSConfig != nil {
			own.ServerName = cmp.Or(own.ServerName, option.TLSConfig.ServerName)
		}
		option.TLSConfig = own
	}
	option.Sentinel.Username, option.Sentinel.Password = query.Get("sentinel_username"), query.Get("sentinel_password")
	option.Sentinel.TLSConfig = option.TLSConfig
	option.ClientName = "sessionbridge"
	option.ClientSetInfo = rueidis.DisableClientSetInfo // one permission less

	// A Lock or a Put that is sent twice may be done twice. What was certainly
	// not done, call tries again.
	option.DisableRetry = true
	option.DisableCache = true // items of others change all the time; and RESP3 without tracking needs no permission for it
	option.ReadBufferEachConn, option.WriteBufferEachConn = 64<<10, 64<<10
	option.AlwaysPipelining = true // else a context that ends takes the connection with it
	option.ConnWriteTimeout = mostSilence
	option.ClusterOption.MaxMovedRedirections = mostRedirections
	return option, nil
}

// withPort returns an address with its port, which is 6379 if there is none.
func withPort(addr string) (string, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		host, port, err = net.SplitHostPort(addr + ":")
	}
	if err != nil || host == "" || strings.Contains(host, ",") {
		return "", errURL
	}
	return net.JoinHostPort(host, cmp.Or(port, "6379")), nil
}

// earsOption is that of the client which hears of changes. It has connections of
// its own: Redis cuts one with a subscription when too much is on its way.
func earsOption(option rueidis.ClientOption) rueidis.ClientOption {
	option.PipelineMultiplex = -1
	option.RingScaleEachConn = 8
	option.ReadBufferEachConn, option.WriteBufferEachConn = 32<<10, 4<<10
	return option
}

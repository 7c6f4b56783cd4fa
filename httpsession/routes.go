// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package httpsession

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
)

// Routes say by patterns, as [http.ServeMux] takes them, what requests need of
// the session. Of several patterns that match the most specific one counts, as
// there. They are a table beside the application's own router, whichever that
// is: the path that counts is the one that the middleware sees.
type Routes struct {
	// Writable routes may change their session; see [Writable].
	Writable []string

	// ReadOnly routes only read it; see [ReadOnly].
	ReadOnly []string

	// Disabled routes have none, and the middleware leaves their requests alone:
	// no mark inside it changes that.
	Disabled []string
}

// A routeTable is what is said of routes, the most specific pattern first. It
// does not ask a ServeMux for each request because that allocates.
type routeTable []routePattern

// table returns the routes as a table, or all that is wrong with them.
func (o Routes) table() (routeTable, error) {
	var table routeTable
	var errs []error
	judge := http.NewServeMux()
	for _, list := range []struct {
		as       route
		patterns []string
	}{{writable, o.Writable}, {readOnly, o.ReadOnly}, {disabled, o.Disabled}} {
		for _, pattern := range list.patterns {
			if err := checkPattern(judge, pattern); err != nil {
				errs = append(errs, err)
				continue
			}
			table = append(table, parsePattern(pattern, list.as))
		}
	}
	slices.SortStableFunc(table, routePattern.compare)
	return table, errors.Join(errs...)
}

// checkPattern lets a ServeMux judge a pattern: it panics over one that is wrong,
// or that conflicts with another.
func checkPattern(judge *http.ServeMux, pattern string) (err error) {
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("route %q: %v", pattern, fault)
		}
	}()
	judge.Handle(pattern, http.NotFoundHandler())
	return nil
}

// find returns what is said of a request.
func (t routeTable) find(r *http.Request) route {
	if len(t) == 0 {
		return unmarked
	}
	host, path := hostOf(r), r.URL.EscapedPath()
	for i := range t {
		if t[i].matches(r.Method, host, path) {
			return t[i].as
		}
	}
	return unmarked
}

// hostOf returns the host of a request without its port.
func hostOf(r *http.Request) string {
	if strings.Contains(r.Host, ":") {
		if host, _, err := net.SplitHostPort(r.Host); err == nil {
			return host
		}
	}
	return r.Host
}

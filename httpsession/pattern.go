// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package httpsession

import (
	"cmp"
	"net/url"
	"strings"
)

// A routePattern is a pattern of [http.ServeMux], and what is said of the
// requests that it matches.
type routePattern struct {
	as           route
	method, host string    // "" for any
	segments     []segment // of the path
	end          pathEnd
}

// A segment is a part of a path between slashes.
type segment struct {
	any  bool   // {name}
	text string // else; unescaped
}

// A pathEnd says how the path of a pattern ends.
type pathEnd int

const (
	endsThere  pathEnd = iota
	endsSlash          // {$}: with a slash
	endsAnyhow         // a slash, or {name...}: with a slash and anything
)

// parsePattern reads a pattern that a ServeMux has taken.
func parsePattern(pattern string, as route) routePattern {
	p := routePattern{as: as}
	rest := pattern
	if at := strings.IndexAny(pattern, " \t"); at >= 0 {
		p.method, rest = pattern[:at], strings.TrimLeft(pattern[at:], " \t")
	}
	at := strings.IndexByte(rest, '/')
	p.host = rest[:at]
	for _, text := range strings.Split(rest[at+1:], "/") {
		switch {
		case text == "" || strings.HasSuffix(text, "...}"):
			p.end = endsAnyhow
		case text == "{$}":
			p.end = endsSlash
		default:
			p.segments = append(p.segments, segment{any: text[0] == '{', text: unescape(text)})
		}
	}
	return p
}

// matches reports whether the pattern matches a request.
func (p *routePattern) matches(method, host, path string) bool {
	if p.method != "" && p.method != method && (p.method != "GET" || method != "HEAD") || p.host != "" && p.host != host {
		return false
	}
	for _, want := range p.segments {
		after, ok := strings.CutPrefix(path, "/")
		if !ok || after == "" {
			return false
		}
		end := strings.IndexByte(after, '/')
		if end < 0 {
			end = len(after)
		}
		if !want.any && want.text != unescape(after[:end]) {
			return false
		}
		path = after[end:]
	}
	switch p.end {
	case endsSlash:
		return path == "/"
	case endsAnyhow:
		return strings.HasPrefix(path, "/")
	}
	return path == ""
}

// unescape returns a segment as it is meant, as far as it can be told.
func unescape(segment string) string {
	if text, err := url.PathUnescape(segment); err == nil {
		return text
	}
	return segment
}

// compare puts the more specific of two patterns first that match one request.
// There always is one: a ServeMux refuses the others.
func (p routePattern) compare(q routePattern) int {
	if c := cmp.Compare(len(q.host), len(p.host)); c != 0 {
		return c
	}
	for i := range max(len(p.segments), len(q.segments)) + 1 {
		if c := cmp.Compare(p.breadth(i), q.breadth(i)); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(q.method), len(p.method)) // HEAD before GET before any
}

// breadth says how much a place of the path matches.
func (p routePattern) breadth(i int) int {
	switch {
	case i < len(p.segments) && !p.segments[i].any:
		return 0
	case i < len(p.segments):
		return 1
	case p.end == endsAnyhow:
		return 2
	}
	return 0
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package remoteapp

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// DefaultPath is where Microsoft's client looks for the session of an
// application at the root of its host (RemoteAppSessionStateClientOptions).
const DefaultPath = "/systemweb-adapters/session"

// The headers and the cookie of Microsoft's client, by their default names; the
// header that is looked up in every request is in net/http's canonical form.
const (
	defaultKeyHeader = "X-SystemWebAdapter-RemoteAppAuthentication-Key"
	readOnlyHeader   = "X-Systemwebadapter-Remoteappsession-Readonly"
	defaultCookie    = "ASP.NET_SessionId"

	readOnlyHeaderName = "X-SystemWebAdapter-RemoteAppSession-ReadOnly" // as Microsoft's client spells it
)

// Content types as Microsoft's server sends them, although both are followed by
// bytes of the session format.
const (
	readOnlyType = "application/json; charset=utf-8"
	heldType     = "text/event-stream"
	problemType  = "application/problem+json"
)

// wantsReadOnly reads the read-only header as .NET parses a bool: any case,
// white space and NULs around it. Missing, repeated or anything else is
// writeable.
func wantsReadOnly(h http.Header) bool {
	value := strings.Join(h[readOnlyHeader], ",")
	return strings.EqualFold(strings.Trim(value, " \t\n\v\f\r\u0085\u00a0\x00"), "true")
}

// traceID returns the trace id of a W3C traceparent header, or "" if there is
// no valid one. The GET and the PUT of one exchange share it.
func traceID(h http.Header) string {
	values := h["Traceparent"]
	if len(values) != 1 {
		return ""
	}
	parts := strings.Split(values[0], "-")
	if len(parts) < 4 || len(parts[0]) != 2 || parts[0] == "ff" || !isHex(parts[0]) {
		return ""
	}
	id := parts[1]
	if len(id) != 32 || !isHex(id) || strings.Trim(id, "0") == "" {
		return ""
	}
	return id
}

func isHex(s string) bool {
	for i := range len(s) {
		if !isHexDigit(s[i]) || 'A' <= s[i] && s[i] <= 'F' {
			return false
		}
	}
	return true
}

func isHexDigit(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

// CheckKey returns an error if an API key is not one that both ends accept: a
// GUID (32 hex digits; hyphens, braces or parentheses optional) that is not all
// zeros, as RemoteAppClientOptions of Microsoft's client validates it. Nor may it
// be any other single digit.
func CheckKey(key string) error {
	digits := key
	for _, pair := range []string{"{}", "()"} {
		if inner, ok := strings.CutPrefix(digits, pair[:1]); ok && strings.HasSuffix(inner, pair[1:]) && strings.Contains(inner, "-") {
			digits = strings.TrimSuffix(inner, pair[1:])
		}
	}
	if len(digits) == 36 && digits[8] == '-' && digits[13] == '-' && digits[18] == '-' && digits[23] == '-' {
		digits = digits[:8] + digits[9:13] + digits[14:18] + digits[19:23] + digits[24:]
	}
	if len(digits) != 32 {
		unit := "characters"
		if len(key) == 1 {
			unit = "character"
		}
		return fmt.Errorf("API key has %d %s, want a GUID such as 32 hex digits with or without hyphens", len(key), unit)
	}
	for i := range len(digits) {
		if !isHexDigit(digits[i]) {
			return errors.New("API key is no GUID: it has characters that are no hex digits")
		}
	}
	if strings.Trim(digits, "0") == "" {
		return errors.New("API key is the GUID of zeros, which both ends refuse")
	}
	if strings.Trim(digits, digits[:1]) == "" {
		return errors.New("API key is one digit 32 times, which anybody can guess")
	}
	return nil
}

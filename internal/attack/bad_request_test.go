// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package attack_test

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/sessionbridge/session/internal/attack"
)

// Reason phrases of Microsoft's server, which HTTP/1.1 carries to its client.
const (
	noID    = "400 No session ID found"
	noHold  = "400 Could not find session"
	badBody = "400 Failed to deserialize session state"
	updated = "400 Session has already been updated"
	noKey   = "401 Unauthorized"
	noVerb  = "405 Method Not Allowed"
	noPath  = "404 Not Found"
)

// badRequests are requests that are answered at once, whoever holds what.
var badRequests = []struct {
	name string
	r    attack.Request
	want string
}{
	{"no key", attack.Request{Method: "GET"}, noKey},
	{"no key, another verb", attack.Request{Method: "DELETE"}, noKey},
	{"a wrong key", attack.Request{Method: "GET", Key: strangerKey}, noKey},
	{"the key in capitals", attack.Request{Method: "GET", Key: strings.ToUpper(attackerKey)}, noKey},
	{"the key twice", attack.Request{Method: "GET", Key: attackerKey, More: [][2]string{{attack.KeyHeader, attackerKey}}}, noKey},
	{"PUT without a key", attack.Request{Method: "PUT", ID: victimID}, noKey},
	{"DELETE", attack.Request{Method: "DELETE", Key: attackerKey}, noVerb},
	{"OPTIONS", attack.Request{Method: "OPTIONS", Key: attackerKey}, noVerb},
	{"a verb that nobody knows", attack.Request{Method: "BREW", Key: attackerKey}, noVerb},
	{"another path", attack.Request{Method: "GET", Path: "/", Key: attackerKey}, noPath},
	{"a slash too many", attack.Request{Method: "GET", Path: attack.Path + "/", Key: attackerKey}, noPath},
	{"dots in the path", attack.Request{Method: "GET", Path: "/x/.." + attack.Path, Key: attackerKey}, noPath},
	{"the path in capitals", attack.Request{Method: "GET", Path: strings.ToUpper(attack.Path), Key: attackerKey}, noPath},
	{"PUT without a cookie", attack.Request{Method: "PUT", Key: attackerKey}, noID},
	{"PUT with a cookie that is no id", attack.Request{Method: "PUT", Key: attackerKey, ID: "../../etc/passwd"}, noID},
	{"PUT with a cookie of 10,000 bytes", attack.Request{Method: "PUT", Key: attackerKey, ID: strings.Repeat("a", 10_000)}, noID},
	{"PUT without a GET", attack.Request{Method: "PUT", Key: attackerKey, ID: otherID}, noHold},
	{"a reader with a cookie of 10,000 bytes", attack.Request{Method: "GET", Key: attackerKey, ReadOnly: true, ID: strings.Repeat("a", 10_000)}, "200 OK"},
	{"a reader with a bad traceparent", attack.Request{Method: "GET", Key: attackerKey, ReadOnly: true, ID: otherID, More: [][2]string{{"Traceparent", "00-zz-\x80-"}}}, "200 OK"},
	{"a reader with a bad cookie", attack.Request{Method: "GET", Key: attackerKey, ReadOnly: true, More: [][2]string{{"Cookie", ";;=\"\\\x80;ASP.NET_SessionId"}}}, "200 OK"},
}

// malformed are requests that are malformed as HTTP/1.1, with the beginning of
// the answer.
var malformed = []struct{ name, text, want string }{
	{"control characters in a cookie", attack.Request{Method: "GET", Key: attackerKey, ReadOnly: true, ID: "a\x01\x00\x7fb"}.HTTP1(), "400"},
	{"a line break in a header", attack.Request{Method: "GET", Key: attackerKey, ReadOnly: true, More: [][2]string{{"A", "b\rc"}}}.HTTP1(), "400"},
	{"a space in a header's name", attack.Request{Method: "GET", Key: attackerKey, ReadOnly: true, More: [][2]string{{"A b", "c"}}}.HTTP1(), "400"},
	{"two lengths", attack.Request{Method: "PUT", Key: attackerKey, More: [][2]string{{"Content-Length", "1"}, {"Content-Length", "2"}}}.HTTP1(), "400"},
	{"a length below 0", attack.Request{Method: "PUT", Key: attackerKey, More: [][2]string{{"Content-Length", "-1"}}}.HTTP1(), "400"},
	{"an unknown coding", attack.Request{Method: "PUT", Key: attackerKey, More: [][2]string{{"Transfer-Encoding", "gzip"}}}.HTTP1(), "501"},
	{"a GET with a body", attack.Request{Method: "GET", Key: attackerKey, ID: otherID, More: [][2]string{{"Content-Length", "5"}}}.HTTP1(), "400"},
	{"POST over HTTP/1.1", attack.Request{Method: "POST", Key: attackerKey, ID: otherID, More: [][2]string{{"Transfer-Encoding", "chunked"}}}.HTTP1(), noVerb},
	{"no HTTP at all", "\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03\r\n\r\n", "400"},
	{"headers of 100 KiB", attack.Request{Method: "GET", Key: attackerKey, More: [][2]string{{"A", strings.Repeat("a", 100<<10)}}}.HTTP1(), "431"},
	{"10,000 headers", attack.Request{Method: "GET", Key: attackerKey, More: many(10_000)}.HTTP1(), "431"},
}

// many returns many small headers.
func many(n int) [][2]string {
	headers := make([][2]string, n)
	for i := range headers {
		headers[i] = [2]string{fmt.Sprint("X-", i), "1"}
	}
	return headers
}

// sendBadRequests sends each bad request over HTTP/1.1 and over HTTP/2.
func sendBadRequests(ctx context.Context, a *arena) (string, error) {
	for _, bad := range badRequests {
		if bad.r.Method == "PUT" {
			bad.r.More = append(bad.r.More, [2]string{"Content-Length", "0"})
		}
		got, err := a.once(ctx, bad.r, nil)
		if err != nil || got != bad.want {
			return "", fmt.Errorf("%w: %s: %q, %v, want %q", errWrong, bad.name, got, err, bad.want)
		}
		time.Sleep(time.Millisecond)
	}
	if err := badRequestsOverHTTP2(ctx, a); err != nil {
		return "", err
	}
	return fmt.Sprintf("each of %d its status", 2*len(badRequests)), nil
}

// badRequestsOverHTTP2 sends each bad request on one connection.
func badRequestsOverHTTP2(ctx context.Context, a *arena) error {
	c, err := a.http2(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	for _, bad := range badRequests {
		s, err := c.Open(bad.r, true)
		if err != nil {
			return err
		}
		if got := s.Wait(ctx); got.Err != nil || !strings.HasPrefix(bad.want, fmt.Sprint(got.Status)) {
			return fmt.Errorf("%w: %s over HTTP/2: %d, %v, want %q", errWrong, bad.name, got.Status, got.Err, bad.want)
		}
		time.Sleep(time.Millisecond)
	}
	return nil
}

// sendMalformed sends each malformed request. What follows the status line may
// be lost: the server closes a connection on which it has not read everything.
func sendMalformed(ctx context.Context, a *arena) (string, error) {
	for _, bad := range malformed {
		p, err := a.send(ctx, bad.text)
		if err != nil {
			return "", err
		}
		line, err := p.in.ReadString('\n')
		p.Close()
		if err != nil || !strings.HasPrefix(line, "HTTP/1.1 "+bad.want) {
			return "", fmt.Errorf("%w: %s: %q, %v, want %q", errWrong, bad.name, line, err, bad.want)
		}
		time.Sleep(2 * time.Millisecond)
	}
	return "400, 405, 431 or 501", nil
}

// badUpdates are bodies of a PUT that a GET waits for.
func badUpdates() []struct {
	name string
	r    attack.Request
	body []byte
	want string
} {
	put := attack.Request{Method: "PUT", Key: attackerKey, ID: victimID, Trace: "1"}
	with := func(change func(*attack.Request)) attack.Request { r := put; change(&r); return r }
	good := attack.Update(victimID, 20, "n", "1")
	list := []struct {
		name string
		r    attack.Request
		body []byte
		want string
	}{
		{"of another trace", with(func(r *attack.Request) { r.Trace = "2" }), good, noHold},
		{"with the key of another client", with(func(r *attack.Request) { r.Key = accompliceKey }), good, noHold},
		{"with the cookie of another session", with(func(r *attack.Request) { r.ID = otherID }), good, noHold},
		{"of the bytes of another session", put, attack.Update(otherID, 20, "n", "1"), badBody},
		{"of a page", put, []byte("<html>login</html>"), badBody},
		{"with a timeout of 0", put, attack.Update(victimID, 0, "n", "1"), badBody},
		{"with a timeout below 0", put, attack.Update(victimID, -20, "n", "1"), badBody},
		{"with a timeout of more than a year", put, attack.Update(victimID, 525_601, "n", "1"), badBody},
		{"of a value of more than 1 MiB", put, attack.Update(victimID, 20, "n", strings.Repeat("1", 1<<20+1)), badBody},
	}
	for n := 0; n < len(good); n += 5 {
		list = append(list, list[0])
		last := &list[len(list)-1]
		last.name, last.r, last.body, last.want = fmt.Sprintf("cut to %d bytes", n), put, good[:n], badBody
	}
	return list
}

// putBadly holds a session, commits to it what is no update of it, then what is,
// and that again.
func putBadly(ctx context.Context, a *arena) (string, error) {
	h, err := a.hold(ctx, attack.Request{Method: "GET", Key: attackerKey, ID: victimID, Trace: "1"})
	if err != nil {
		return "", err
	}
	defer h.Close()
	for _, bad := range badUpdates() {
		if err := a.expect(ctx, bad.r, bad.body, bad.want); err != nil {
			return "", fmt.Errorf("PUT %s: %w", bad.name, err)
		}
		time.Sleep(2 * time.Millisecond)
	}
	put, good := attack.Request{Method: "PUT", Key: attackerKey, ID: victimID, Trace: "1"}, attack.Update(victimID, 20, "n", "1")
	if err := a.mustPut(ctx, put, good); err != nil {
		return "", fmt.Errorf("the hold was not kept: %w", err)
	}
	if err := a.expect(ctx, put, good, updated); err != nil {
		return "", fmt.Errorf("PUT twice: %w", err)
	}
	return "400 and its reason; the hold is kept", nil
}

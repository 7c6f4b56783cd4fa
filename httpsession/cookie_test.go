// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package httpsession_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/httpsession"
	"github.com/sessionbridge/session/internal/memhttp"
)

const otherID = "aaaaaaaaaaaaaaaaaaaaaaaa"

func TestWhichCookieCounts(t *testing.T) {
	for _, test := range []struct {
		name   string
		cookie string // of the options
		lines  []string
		want   string
	}{
		{"none", "", nil, ""},
		{"one", "", []string{"ASP.NET_SessionId=" + testID}, testID},
		{"the name in another case", "", []string{"asp.net_sessionid=" + testID}, testID},
		{"the id in capitals", "", []string{"ASP.NET_SessionId=" + strings.ToUpper(testID)}, strings.ToUpper(testID)},
		{"among others", "", []string{"a=1; ASP.NET_SessionId=" + testID + " ;b=2"}, testID},
		{"two, of which the last counts", "", []string{"ASP.NET_SessionId=" + otherID + "; ASP.NET_SessionId=" + testID}, testID},
		{"two that differ in case", "", []string{"ASP.NET_SessionId=" + otherID + "; asp.net_SessionID=" + testID}, testID},
		{"two in two lines", "", []string{"ASP.NET_SessionId=" + otherID, "a=1; ASP.NET_SessionId=" + testID}, testID},
		{"two, and the last is empty", "", []string{"ASP.NET_SessionId=" + otherID + "; ASP.NET_SessionId="}, ""},
		{"one that looks odd", "", []string{"ASP.NET_SessionId=an-Owner-knows-it"}, "an-Owner-knows-it"},
		{"too long", "", []string{"ASP.NET_SessionId=" + strings.Repeat("a", 10_000)}, ""},
		{"a name of one's own", "shop", []string{"ASP.NET_SessionId=" + otherID + "; shop=" + testID}, testID},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := &probe{Source: newManager(t, session.ManagerOptions{})}
			o := httpsession.Options{Cookie: httpsession.Cookie{Name: test.cookie}}
			r := newRequest(t, "GET", "/")
			r.Header["Cookie"] = test.lines
			res := serve(wrap(t, p, o, count(t)), r)
			if p.id != test.want {
				t.Errorf("opened %q, want %q", p.id, test.want)
			}
			_, adopted := session.ParseID(test.want) // by the Manager
			if issued := !adopted; issued != (len(res.Cookies()) == 1) {
				t.Errorf("cookies %v; the id is new: %t", res.Cookies(), issued)
			}
		})
	}
}

func TestCookieOfANewSession(t *testing.T) {
	m := newManager(t, session.ManagerOptions{})
	for _, test := range []struct {
		cookie httpsession.Cookie
		want   string
	}{
		{httpsession.Cookie{}, "ASP.NET_SessionId=*; Path=/; HttpOnly; SameSite=Lax"},
		{httpsession.Cookie{SameSite: http.SameSiteDefaultMode}, "ASP.NET_SessionId=*; Path=/; HttpOnly; SameSite=Lax"},
		{
			httpsession.Cookie{Name: "id", Path: "/shop", Domain: "shop.example", Secure: true, SameSite: http.SameSiteNoneMode, Partitioned: true},
			"id=*; Path=/shop; Domain=shop.example; HttpOnly; Secure; SameSite=None; Partitioned",
		},
		{httpsession.Cookie{Name: "__Host-id", Secure: true, SameSite: http.SameSiteStrictMode}, "__Host-id=*; Path=/; HttpOnly; Secure; SameSite=Strict"},
	} {
		r := newRequest(t, "GET", "/")
		r.Header.Del("Cookie")
		id := ""
		res := serve(wrap(t, m, httpsession.Options{Cookie: test.cookie}, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Add("Set-Cookie", "flash=1")
			w.Header().Set("Cache-Control", "max-age=60")
			s, err := session.FromContext(r.Context())
			must(t, err)
			id = s.ID()
		}), r)
		got := res.Header["Set-Cookie"]
		if want := strings.Replace(test.want, "*", id, 1); len(got) != 2 || got[0] != "flash=1" || got[1] != want {
			t.Errorf("got %q, want flash=1 and %q", got, want)
		}
		if got := strings.Join(res.Header["Cache-Control"], ", "); got != `max-age=60, no-cache="Set-Cookie"` {
			t.Errorf("Cache-Control is %q: a cache may give the cookie to others", got)
		}
	}
}

// httputil.ReverseProxy clears the headers of a 1xx, of 100 Continue too.
func TestCookieComesWithTheResponseItself(t *testing.T) {
	for _, proto := range protocols {
		t.Run(proto.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := memhttp.New(t, wrap(t, newManager(t, session.ManagerOptions{}), httpsession.Options{}, func(w http.ResponseWriter, r *http.Request) {
					addVisit(t, r)
					w.WriteHeader(http.StatusEarlyHints)
					clear(w.Header())
					io.WriteString(w, "page")
				}))
				r := newRequest(t, "GET", proto.url(server))
				r.Header.Del("Cookie")
				informed := func(_ int, h textproto.MIMEHeader) error {
					if len(h) > 0 {
						t.Errorf("the 103 has headers %v", h)
					}
					return nil
				}
				r = r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{Got1xxResponse: informed}))
				res, _ := do(t, server.Client(proto.p), r)
				if len(res.Cookies()) != 1 || res.Header.Get("Cache-Control") == "" {
					t.Errorf("headers %v, want one cookie", res.Header)
				}
			})
		})
	}
}

func TestNoCookieWithoutANewSession(t *testing.T) {
	for _, test := range []struct {
		name    string
		handler http.HandlerFunc
		cookie  string
	}{
		{"an id that the browser brought and nobody knows is adopted", count(t), "ASP.NET_SessionId=" + testID},
		{"a session that only was to be read", func(w http.ResponseWriter, r *http.Request) {
			httpsession.ReadOnly(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				s, err := session.FromContext(r.Context())
				must(t, err)
				if !s.New() || !s.ReadOnly() {
					t.Errorf("new %t, read-only %t, want both", s.New(), s.ReadOnly())
				}
			})).ServeHTTP(w, r)
		}, ""},
		{"a session that was abandoned at once", func(_ http.ResponseWriter, r *http.Request) {
			s, err := session.FromContext(r.Context())
			must(t, err)
			must(t, s.Abandon())
		}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newRequest(t, "GET", "/")
			r.Header.Set("Cookie", test.cookie)
			res := serve(wrap(t, newManager(t, session.ManagerOptions{}), httpsession.Options{}, test.handler), r)
			if len(res.Header["Set-Cookie"]) > 0 || res.Header.Get("Cache-Control") != "" {
				t.Errorf("headers %v, want no cookie", res.Header)
			}
		})
	}
}

func TestAbandonedSessionKeepsItsCookie(t *testing.T) {
	m := newManager(t, session.ManagerOptions{})
	serve(wrap(t, m, httpsession.Options{}, count(t)), newRequest(t, "GET", "/"))
	res := serve(wrap(t, m, httpsession.Options{}, func(_ http.ResponseWriter, r *http.Request) {
		s, err := session.FromContext(r.Context())
		must(t, err)
		must(t, s.Abandon())
	}), newRequest(t, "POST", "/"))
	if got := storedVisits(t, m); got != 0 || len(res.Header["Set-Cookie"]) > 0 {
		t.Errorf("stored %d, headers %v, want nothing", got, res.Header)
	}
}

func TestUnknownIDIsReplacedWhereTheSourceIsStrict(t *testing.T) {
	m := newManager(t, session.ManagerOptions{StrictIDs: true})
	res := serve(wrap(t, m, httpsession.Options{}, count(t)), newRequest(t, "GET", "/"))
	if cookies := res.Cookies(); len(cookies) != 1 || cookies[0].Value == testID {
		t.Errorf("cookies %v, want one with another id", cookies)
	}
}

// TestStoredSessionUnderAnotherIDSetsNoCookie: the source knows why.
func TestStoredSessionUnderAnotherIDSetsNoCookie(t *testing.T) {
	m := newManager(t, session.ManagerOptions{})
	serve(wrap(t, m, httpsession.Options{}, count(t)), newRequest(t, "GET", "/"))
	r := newRequest(t, "GET", "/")
	r.Header.Set("Cookie", "ASP.NET_SessionId="+otherID)
	res := serve(wrap(t, oneSession{m}, httpsession.Options{}, count(t)), r)
	if got := body(t, res); got != "2" || len(res.Cookies()) > 0 {
		t.Errorf("got %s, cookies %v, want the second visit and no cookie", got, res.Cookies())
	}
}

// oneSession opens the test's session for everybody.
type oneSession struct{ session.Source }

func (o oneSession) Open(ctx context.Context, _ string, mode session.Mode) (session.Opened, error) {
	return o.Source.Open(ctx, testID, mode)
}

// TestOwnersCookiesAreHandedOn: the source is a client of another program, which
// sets cookies itself.
func TestOwnersCookiesAreHandedOn(t *testing.T) {
	set := []string{"ASP.NET_SessionId=x; path=/; HttpOnly", "affinity=node-1; path=/"}
	p := &probe{Source: newManager(t, session.ManagerOptions{}), cookies: set}
	r := newRequest(t, "GET", "/")
	r.Header.Del("Cookie")
	for name, h := range map[string]http.Handler{"writable": count(t), "read-only": httpsession.ReadOnly(http.HandlerFunc(
		func(_ http.ResponseWriter, r *http.Request) {
			_, err := session.FromContext(r.Context())
			must(t, err)
		}))} {
		res := serve(wrap(t, p, httpsession.Options{}, h.ServeHTTP), r)
		if got := res.Header["Set-Cookie"]; len(got) != 2 || got[0] != set[0] || got[1] != set[1] {
			t.Errorf("%s: got %q, want the owner's cookies as they are", name, got)
		}
	}
}

func TestWrongCookies(t *testing.T) {
	for _, c := range []httpsession.Cookie{
		{Name: "a;b"},
		{Name: "a=b"},
		{Path: "/;"},
		{Domain: "a b"},
		{SameSite: http.SameSiteNoneMode},
		{Partitioned: true},
		{Name: "__secure-id"},
		{Name: "__Host-id"},
		{Name: "__Host-id", Secure: true, Path: "/shop"},
		{Name: "__Host-id", Secure: true, Domain: "shop.example"},
	} {
		if err := (httpsession.Options{Cookie: c}).Check(); err == nil {
			t.Errorf("%+v: no complaint", c)
		}
	}
}

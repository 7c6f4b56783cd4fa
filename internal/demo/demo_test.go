// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package demo_test

import (
	"bufio"
	"context"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sessionbridge/session/internal/demo"
	"github.com/sessionbridge/session/internal/dotnetpeer"
)

// A surfer opens pages without a script.
type surfer struct {
	t      *testing.T
	client *http.Client
	origin string
}

func surf(t *testing.T, d *demo.Demo) *surfer {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	s := &surfer{t, &http.Client{Jar: jar, Timeout: patience, Transport: &http.Transport{}}, d.URL()}
	t.Cleanup(s.client.CloseIdleConnections)
	return s
}

// send sends a form, or gets a page if it is nil, and returns the page that it
// leads to. No page may show the id of the session.
func (s *surfer) send(path string, form url.Values) (page string, res *http.Response) {
	s.t.Helper()
	var err error
	if form == nil {
		res, err = s.client.Get(s.origin + path)
	} else {
		res, err = s.client.PostForm(s.origin+path, form)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	if id := s.session(); id != "" && strings.Contains(string(body), id) {
		s.t.Errorf("%s shows the id of the session", path)
	}
	return string(body), res
}

// session returns the id of the surfer's session, or "".
func (s *surfer) session() string {
	u, err := url.Parse(s.origin)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, c := range s.client.Jar.Cookies(u) {
		if c.Name == "ASP.NET_SessionId" {
			return c.Value
		}
	}
	return ""
}

// wants fails the test unless a page has all texts.
func (s *surfer) wants(page string, texts ...string) {
	s.t.Helper()
	for _, text := range texts {
		if !strings.Contains(page, text) {
			s.t.Errorf("the page has no %q:\n%s", text, page)
		}
	}
}

// quick returns the options of a demo with short trials.
func quick() demo.Options {
	return demo.Options{Tab: 50 * time.Millisecond, Slow: 200 * time.Millisecond}
}

// TestWithoutScript goes through the demo with forms and links alone.
func TestWithoutScript(t *testing.T) {
	s := surf(t, start(t, quick()))
	page, _ := s.send("/", nil)
	s.wants(page, `src="/old/"`, `src="/new/"`, `action="/try/tabs"`, "Nothing yet", `<a href="/">Refresh</a>`)
	page, _ = s.send("/old/cart", url.Values{"add": {"bell"}})
	s.wants(page, "Served by: <b>old shop</b>", `data-sku="bell"`, `id="add-bell" aria-label="Add Brass bell to the cart" autofocus`)
	page, _ = s.send("/new/cart", url.Values{"add": {"bell"}})
	s.wants(page, "Served by: <b>new shop</b>", "2 ×", "€ 25.00")
	page, _ = s.send("/new/cart", url.Values{"remove": {"bell"}})
	s.wants(page, "1 ×", `id="remove-bell" aria-label="Remove one Brass bell" autofocus`)
	page, _ = s.send("/try/tabs", url.Values{})
	s.wants(page, "Two programs, one cart", "Both visits count: 0 became 2", "tab 1", "tab 2", "committed")
	page, _ = s.send("/try/throw", url.Values{})
	s.wants(page, "Nothing changed: 1 thing in the cart, as before", "answered 500", "page that throws", "unchanged")
	page, _ = s.send("/try/slow", url.Values{})
	s.wants(page, "The other page waited", "slow page", "another page", "nothing crosses", "POST")
	if _, res := s.send("/try/elephant", url.Values{}); res.StatusCode != http.StatusNotFound {
		t.Errorf("a trial that there is not: %s", res.Status)
	}
}

// TestTrialOfANewcomer tries a button before there is a session: it begins one,
// and the newcomer gets its cookie.
func TestTrialOfANewcomer(t *testing.T) {
	s := surf(t, start(t, quick()))
	page, _ := s.send("/try/tabs?part=result", url.Values{})
	s.wants(page, "Both visits count: 1 became 3")
	if s.session() == "" {
		t.Error("there is no cookie of a session")
	}
	page, _ = s.send("/old/", nil)
	s.wants(page, `<b class="visits">3</b>`)
}

// TestHeaders checks that no page loads, or is framed by, anything else, those
// of the old shop included, which come through a proxy.
func TestHeaders(t *testing.T) {
	s := surf(t, start(t, quick()))
	for _, path := range []string{"/", "/old/", "/new/", "/connect", "/assets/stage.js", "/elephant"} {
		_, res := s.send(path, nil)
		for name, want := range map[string]string{
			"Content-Security-Policy": "default-src 'self';", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin",
		} {
			if got := res.Header.Values(name); len(got) != 1 || !strings.HasPrefix(got[0], want) {
				t.Errorf("%s: %s is %q", path, name, got)
			}
		}
	}
}

// TestForeignForms checks that a page of another site can change nothing.
func TestForeignForms(t *testing.T) {
	s := surf(t, start(t, quick()))
	for _, path := range []string{"/old/cart", "/new/cart", "/try/tabs"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.origin+path, strings.NewReader("add=bell"))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		res, err := s.client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %s", path, res.Status)
		}
	}
}

// TestEvents checks what a panel that is open receives.
func TestEvents(t *testing.T) {
	d := start(t, quick())
	s := surf(t, d)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.origin+"/panel/events", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	res, err := s.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	events := bufio.NewScanner(res.Body)
	await := func(text string) {
		t.Helper()
		for events.Scan() {
			if strings.Contains(events.Text(), text) {
				return
			}
		}
		t.Fatalf("the events end before %q: %v", text, events.Err())
	}
	await("nobody holds the session")
	s.send("/new/cart", url.Values{"add": {"bell"}})
	await("cart button")
	await("event: changed")
}

// TestTakenPort starts a second demo where the first one is.
func TestTakenPort(t *testing.T) {
	first := start(t, quick())
	o := quick()
	o.Listen = strings.TrimPrefix(first.URL(), "http://")
	second := start(t, o)
	if first.URL() == second.URL() {
		t.Errorf("both are at %s", first.URL())
	}
	surf(t, second).send("/", nil)
}

// TestStopBreaksOff stops a demo while a page is slow and a panel is open.
func TestStopBreaksOff(t *testing.T) {
	o := quick()
	o.Slow = time.Hour
	d := start(t, o)
	s := surf(t, d)
	s.send("/new/cart", url.Values{"add": {"bell"}})
	ended := make(chan error, 1)
	go func() {
		res, err := s.client.PostForm(s.origin+"/try/slow", nil)
		if err == nil {
			res.Body.Close()
		}
		ended <- err
	}()
	s.awaitPanel("holding")
	began := time.Now()
	if err := d.Stop(); err != nil {
		t.Error(err)
	}
	<-ended
	if took := time.Since(began); took > patience/2 {
		t.Errorf("it took %s", took)
	}
}

// awaitPanel waits until the panel shows something.
func (s *surfer) awaitPanel(text string) {
	s.t.Helper()
	res, err := s.client.Get(s.origin + "/panel/events")
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	for events := bufio.NewScanner(res.Body); events.Scan(); {
		if strings.Contains(events.Text(), text) {
			return
		}
	}
	s.t.Fatalf("the panel does not show %q", text)
}

// TestDotNet has a .NET program as the old shop.
func TestDotNet(t *testing.T) {
	o := quick()
	o.DotNet = dotnetpeer.Path(t)
	s := surf(t, start(t, o))
	page, _ := s.send("/old/cart", url.Values{"add": {"bell"}})
	s.wants(page, ".NET keeps the session", `data-sku="bell"`)
	page, _ = s.send("/new/cart", url.Values{"add": {"lamp"}})
	s.wants(page, `data-sku="bell"`, `data-sku="lamp"`, "€ 52.40")
	page, _ = s.send("/old/", nil)
	s.wants(page, `data-sku="lamp"`, "€ 52.40")
	page, _ = s.send("/try/tabs", url.Values{})
	s.wants(page, "a .NET program", "Both visits count: 0 became 2", "GET &#43; PUT", "committed")
	page, _ = s.send("/try/throw", url.Values{})
	s.wants(page, "Nothing changed: 2 things in the cart, as before", "released")
	page, _ = s.send("/try/slow", url.Values{})
	s.wants(page, "The other page waited")
}

// TestYourApplication lets an ASP.NET Core application join as the page says,
// which knows one key of the session's.
func TestYourApplication(t *testing.T) {
	s := surf(t, start(t, quick()))
	s.send("/new/cart", url.Values{"add": {"bell"}})
	page, _ := s.send("/connect", nil)
	invited := regexp.MustCompile(`(?s)RemoteAppUrl = new\("(.*?)"\);.*ApiKey = "(.*?)";`).FindStringSubmatch(html.UnescapeString(page))
	if invited == nil {
		t.Fatalf("the page has no address and key:\n%s", page)
	}
	app := dotnetpeer.Start(t, "app", "--remote", invited[1], "--key", invited[2], "--keys", "visits:int", "--commit-first")
	yours := &surfer{t, s.client, app.URL}
	for range 2 {
		yours.send("/incr?k=visits", url.Values{})
	}
	page, _ = s.send("/old/", nil)
	s.wants(page, `<b class="visits">2</b>`, `data-sku="bell"`)
	page, _ = s.send("/", nil)
	s.wants(page, "your application", "GET &#43; PUT", "committed")
}

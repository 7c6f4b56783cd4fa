// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package httpsession_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/httpsession"
	"github.com/sessionbridge/session/memstore"
)

var cart = session.NewKey[[]string]("cart")

// addToCart changes the session.
func addToCart(w http.ResponseWriter, r *http.Request) {
	s, err := session.FromContext(r.Context())
	if err == nil {
		err = cart.Update(s, func(goods *[]string) error {
			*goods = append(*goods, r.FormValue("goods"))
			return nil
		})
	}
	if err != nil {
		httpsession.Error(w, r, err)
		return
	}
	http.Redirect(w, r, "/cart", http.StatusSeeOther)
}

// showCart reads it.
func showCart(w http.ResponseWriter, r *http.Request) {
	s, err := session.FromContext(r.Context())
	if err != nil {
		httpsession.Error(w, r, err)
		return
	}
	goods, err := cart.Get(s)
	if err != nil {
		httpsession.Error(w, r, err)
		return
	}
	fmt.Fprintln(w, "cart:", goods)
}

// Two pages share a session. The source is what the program owns the sessions
// with; another source, another owner.
func Example() {
	manager := openManager()
	defer manager.Close()
	var source session.Source = manager

	sessions, err := httpsession.Middleware(source, httpsession.Options{})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /cart", addToCart)
	mux.Handle("GET /cart", httpsession.ReadOnly(http.HandlerFunc(showCart)))
	server := httptest.NewServer(sessions(mux))
	defer server.Close()

	browser := newBrowser()
	for _, goods := range []string{"bicycle", "bell"} {
		res, err := browser.Post(server.URL+"/cart?goods="+goods, "", nil) // follows the redirect
		if err != nil {
			log.Fatal(err)
		}
		page, _ := io.ReadAll(res.Body)
		res.Body.Close()
		fmt.Printf("%s", page)
	}
	// Output:
	// cart: [bicycle]
	// cart: [bicycle bell]
}

// A page that reads and changes its session.
func Example_page() {
	var visits = session.NewKey[int]("visits")

	page := func(w http.ResponseWriter, r *http.Request) {
		s, err := session.FromContext(r.Context()) // opens it
		var n int
		if err == nil {
			n, err = visits.Get(s)
		}
		if err == nil {
			err = visits.Set(s, n+1)
		}
		if err != nil {
			httpsession.Error(w, r, err)
			return
		}
		fmt.Fprintln(w, "visits:", n+1) // commits it
	}

	sessions, err := httpsession.Middleware(openManager(), httpsession.Options{})
	if err != nil {
		log.Fatal(err)
	}
	server := httptest.NewServer(sessions(http.HandlerFunc(page)))
	defer server.Close()
	browser := newBrowser()
	for range 2 {
		res, err := browser.Get(server.URL)
		if err != nil {
			log.Fatal(err)
		}
		page, _ := io.ReadAll(res.Body)
		res.Body.Close()
		fmt.Printf("%s", page)
	}
	// Output:
	// visits: 1
	// visits: 2
}

// The application shows a page of its own when a session can't be stored.
func ExampleOptions_errorFunc() {
	sessions, err := httpsession.Middleware(fullSource{openManager()}, httpsession.Options{
		ErrorFunc: func(w http.ResponseWriter, _ *http.Request, err error) {
			w.WriteHeader(httpsession.Status(err))
			fmt.Fprintln(w, "Sorry! Nothing was added; please try again.")
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	w := httptest.NewRecorder()
	sessions(http.HandlerFunc(addToCart)).ServeHTTP(w, httptest.NewRequest("POST", "/cart?goods=bicycle", nil))
	fmt.Print(w.Code, " ", w.Body)
	// Output: 503 Sorry! Nothing was added; please try again.
}

// A slow page lets the next writer have the session before it is done.
func ExampleCommit() {
	page := func(w http.ResponseWriter, r *http.Request) {
		s, err := session.FromContext(r.Context())
		if err != nil {
			httpsession.Error(w, r, err)
			return
		}
		err = cart.Delete(s)
		if err == nil {
			err = httpsession.Commit(r.Context())
		}
		if err != nil {
			httpsession.Error(w, r, err)
			return
		}
		// … what takes long …
		err = cart.Set(s, nil)
		fmt.Fprintln(w, "too late:", errors.Is(err, httpsession.ErrTooLate))
	}
	sessions, err := httpsession.Middleware(openManager(), httpsession.Options{})
	if err != nil {
		log.Fatal(err)
	}
	w := httptest.NewRecorder()
	sessions(http.HandlerFunc(page)).ServeHTTP(w, httptest.NewRequest("POST", "/order", nil))
	fmt.Print(w.Body)
	// Output: too late: true
}

// A handler refuses a request when it has changed the session already.
func ExampleRelease() {
	var paid = session.NewKey[bool]("paid")
	page := func(w http.ResponseWriter, r *http.Request) {
		s, err := session.FromContext(r.Context())
		if err == nil {
			err = paid.Set(s, true)
		}
		if err != nil {
			httpsession.Error(w, r, err)
			return
		}
		// … the bank says no …
		httpsession.Release(r.Context())
		http.Error(w, "The bank says no.", http.StatusPaymentRequired)
	}
	sessions, err := httpsession.Middleware(openManager(), httpsession.Options{})
	if err != nil {
		log.Fatal(err)
	}
	w := httptest.NewRecorder()
	sessions(http.HandlerFunc(page)).ServeHTTP(w, httptest.NewRequest("POST", "/pay", nil))
	fmt.Print(w.Code, " ", w.Body)
	fmt.Println("stored:", w.Header()["Set-Cookie"] != nil)
	// Output:
	// 402 The bank says no.
	// stored: false
}

// A handler decides by the request what it needs.
func ExampleReadOnly() {
	preview := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.FormValue("preview") != "" {
				httpsession.ReadOnly(next).ServeHTTP(w, r)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
	page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := session.FromContext(r.Context())
		if err != nil {
			httpsession.Error(w, r, err)
			return
		}
		fmt.Fprintln(w, "read-only:", s.ReadOnly())
	})
	sessions, err := httpsession.Middleware(openManager(), httpsession.Options{})
	if err != nil {
		log.Fatal(err)
	}
	w := httptest.NewRecorder()
	sessions(preview(page)).ServeHTTP(w, httptest.NewRequest("POST", "/order?preview=1", nil))
	fmt.Print(w.Body)
	// Output: read-only: true
}

// A table says what the routes of an application need, whatever its router is.
func ExampleOptions_routes() {
	sessions, err := httpsession.Middleware(openManager(), httpsession.Options{
		ReadOnlyGET: true,
		Routes: httpsession.Routes{
			Writable: []string{"GET /logout"},
			ReadOnly: []string{"POST /search"},
			Disabled: []string{"/static/"},
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	page := sessions(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := session.FromContext(r.Context())
		if err != nil {
			fmt.Fprintln(w, r.Method, r.URL, errors.Is(err, session.ErrNoSession))
			return
		}
		fmt.Fprintln(w, r.Method, r.URL, "read-only:", s.ReadOnly())
	}))
	w := httptest.NewRecorder()
	for _, route := range [][2]string{{"GET", "/"}, {"POST", "/"}, {"GET", "/logout"}, {"POST", "/search"}, {"GET", "/static/a.css"}} {
		page.ServeHTTP(w, httptest.NewRequest(route[0], route[1], nil))
	}
	fmt.Print(w.Body)
	// Output:
	// GET / read-only: true
	// POST / read-only: false
	// GET /logout read-only: false
	// POST /search read-only: true
	// GET /static/a.css true
}

// A handler finds out from the request whether it will change the session.
func ExampleOpen() {
	page := func(w http.ResponseWriter, r *http.Request) {
		mode := session.ReadOnly
		if r.FormValue("add") != "" {
			mode = session.Writable
		}
		s, err := httpsession.Open(r.Context(), mode)
		if err != nil {
			httpsession.Error(w, r, err)
			return
		}
		fmt.Fprintln(w, "read-only:", s.ReadOnly())
	}
	sessions, err := httpsession.Middleware(openManager(), httpsession.Options{})
	if err != nil {
		log.Fatal(err)
	}
	w := httptest.NewRecorder()
	for _, url := range []string{"/cart", "/cart?add=bell"} {
		sessions(http.HandlerFunc(page)).ServeHTTP(w, httptest.NewRequest("GET", url, nil))
	}
	fmt.Print(w.Body)
	// Output:
	// read-only: true
	// read-only: false
}

// A user signs in: the session goes on under an id that nobody can have planted.
func ExampleRenew() {
	user := session.NewKey[string]("user")
	signIn := func(w http.ResponseWriter, r *http.Request) {
		s, err := session.FromContext(r.Context())
		if err == nil {
			err = user.Set(s, r.FormValue("user"))
		}
		if err == nil {
			err = httpsession.Renew(r.Context())
		}
		if err != nil {
			httpsession.Error(w, r, err)
			return
		}
		http.Redirect(w, r, "/", http.StatusSeeOther)
	}
	sessions, err := httpsession.Middleware(openManager(), httpsession.Options{})
	if err != nil {
		log.Fatal(err)
	}
	w, r := httptest.NewRecorder(), httptest.NewRequest("POST", "/sign-in?user=ann", nil)
	r.AddCookie(&http.Cookie{Name: "ASP.NET_SessionId", Value: "aaaaaaaaaaaaaaaaaaaaaaaa"})
	sessions(http.HandlerFunc(signIn)).ServeHTTP(w, r)
	fmt.Println(w.Code, w.Result().Cookies()[0].Value != "aaaaaaaaaaaaaaaaaaaaaaaa")
	// Output: 303 true
}

// A handler that streams changes the session now and then, and holds it never.
func ExampleID() {
	unread := session.NewKey[int]("unread")
	manager := openManager()
	stream := func(w http.ResponseWriter, r *http.Request) {
		s, err := session.FromContext(r.Context())
		if err == nil {
			err = unread.Set(s, 0)
		}
		if err != nil {
			httpsession.Error(w, r, err)
			return
		}
		id := httpsession.ID(r.Context())
		fmt.Fprintln(w, "hello") // commits, and lets go
		for range 3 {            // … when there is news …
			err := session.Do(r.Context(), manager, id, func(s *session.Session) error {
				return unread.Update(s, func(n *int) error { *n++; return nil })
			})
			if err != nil {
				return
			}
		}
		opened, err := manager.Open(r.Context(), id, session.ReadOnly)
		if err != nil {
			return
		}
		n, _ := unread.Get(opened.Session())
		fmt.Fprintln(w, "unread:", n)
	}
	sessions, err := httpsession.Middleware(manager, httpsession.Options{})
	if err != nil {
		log.Fatal(err)
	}
	w := httptest.NewRecorder()
	sessions(http.HandlerFunc(stream)).ServeHTTP(w, httptest.NewRequest("GET", "/news", nil))
	fmt.Print(w.Body)
	// Output:
	// hello
	// unread: 3
}

// openManager opens what owns the sessions of this program.
func openManager() *session.Manager {
	store, err := memstore.New(memstore.Options{})
	if err != nil {
		log.Fatal(err)
	}
	manager, err := session.OpenManager(context.Background(), store, session.ManagerOptions{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		log.Fatal(err)
	}
	return manager
}

func newBrowser() *http.Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		log.Fatal(err)
	}
	return &http.Client{Jar: jar}
}

// A fullSource has no room for what is committed.
type fullSource struct{ session.Source }

func (f fullSource) Open(ctx context.Context, id string, mode session.Mode) (session.Opened, error) {
	opened, err := f.Source.Open(ctx, id, mode)
	return fullOpened{opened}, err
}

type fullOpened struct{ session.Opened }

func (o fullOpened) Commit(ctx context.Context) error {
	return errors.Join(session.ErrFull, o.Release(ctx))
}

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
		var goods []string
		if goods, err = cart.Get(s); err == nil {
			err = cart.Set(s, append(goods, r.FormValue("goods")))
		}
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

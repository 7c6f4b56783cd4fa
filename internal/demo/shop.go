// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/httpsession"
)

// longestWork bounds how long a page may be asked to take.
const longestWork = 30 * time.Second

// A shop is the pages of a program whose visitors have a cart. Both shops are
// this one, on another source of sessions and with another look.
type shop struct {
	base  string // path below which its pages are
	look  string // name of the template
	pages pages
	log   *slog.Logger
}

// A shopView is what the template of a shop shows.
type shopView struct {
	Base     string
	DotNet   bool // a page of the demo's in front of a .NET program
	Products []product
	Cart     cart
	Visits   int
	Pressed  string // id of the button that was pressed, to go on from there
}

// routes returns the pages by their patterns.
func (s *shop) routes() map[string]func(http.ResponseWriter, *http.Request) error {
	return map[string]func(http.ResponseWriter, *http.Request) error{
		"GET " + s.base + "/{$}":    s.show,
		"GET " + s.base + "/state":  s.state,
		"POST " + s.base + "/cart":  s.change,
		"POST " + s.base + "/visit": s.visit,
		"POST " + s.base + "/throw": s.throw,
	}
}

// handler returns the shop with the sessions of a source: pages that are got
// read them, the others may write.
func (s *shop) handler(source session.Source) (http.Handler, error) {
	sessions, err := httpsession.Middleware(source, httpsession.Options{ReadOnlyGET: true, ErrorFunc: s.fail, Logger: s.log})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	for pattern, page := range s.routes() {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if err := page(w, r); err != nil {
				httpsession.Error(w, r, err)
			}
		})
	}
	return s.recovered(sessions(mux)), nil
}

// show shows the products and the cart.
func (s *shop) show(w http.ResponseWriter, r *http.Request) error {
	c, visits, err := kept(r)
	if err != nil {
		return err
	}
	return s.render(w, shopView{Cart: c, Visits: visits, Pressed: r.FormValue("pressed")})
}

// kept returns what is in the session of a request.
func kept(r *http.Request) (c cart, visits int, err error) {
	opened, err := session.FromContext(r.Context())
	if err != nil {
		return c, 0, err
	}
	if c, err = cartKey.Get(opened); err != nil {
		return c, 0, err
	}
	visits, err = visitsKey.Get(opened)
	return c, visits, err
}

// render sends the shop's page.
func (s *shop) render(w http.ResponseWriter, v shopView) error {
	v.Base, v.Products = s.base, products()
	return s.pages.send(w, http.StatusOK, s.look, v)
}

// change puts a product into the cart, or takes one out.
func (s *shop) change(w http.ResponseWriter, r *http.Request) error {
	opened, err := session.FromContext(r.Context())
	if err != nil {
		return err
	}
	err = cartKey.Update(opened, func(c *cart) error {
		*c = c.add(ordered(r))
		return nil
	})
	if err != nil {
		return err
	}
	s.back(w, r)
	return nil
}

// ordered reads what a form wants of which product.
func ordered(r *http.Request) (sku string, n int) {
	if sku = r.FormValue("remove"); sku != "" {
		return sku, -1
	}
	return r.FormValue("add"), 1
}

// back leads to the shop after a form.
func (s *shop) back(w http.ResponseWriter, r *http.Request) {
	pressed := "add-"
	sku, n := ordered(r)
	if n < 0 {
		pressed = "remove-"
	}
	to := s.base + "/?pressed=" + pressed + sku
	if _, ok := findProduct(sku); !ok {
		to = s.base + "/"
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// A state is what the pages for programs tell.
type state struct {
	Visits int `json:"visits"`
	Items  int `json:"items"`
	Before int `json:"before"` // visits before this page
}

// state tells what is in the session.
func (s *shop) state(w http.ResponseWriter, r *http.Request) error {
	c, visits, err := kept(r)
	if err != nil {
		return err
	}
	return sendJSON(w, state{Visits: visits, Items: c.Items(), Before: visits})
}

// visit counts a visit: it reads the count, works as long as it is asked to,
// then writes it. A program without sessions of one writer would lose visits.
func (s *shop) visit(w http.ResponseWriter, r *http.Request) error {
	opened, err := session.FromContext(r.Context())
	if err != nil {
		return err
	}
	visits, err := visitsKey.Get(opened)
	if err != nil {
		return err
	}
	if err := work(r); err != nil {
		return err
	}
	if err := visitsKey.Set(opened, visits+1); err != nil {
		return err
	}
	return sendJSON(w, state{Visits: visits + 1, Before: visits})
}

// throw spoils the session, then fails.
func (s *shop) throw(_ http.ResponseWriter, r *http.Request) error {
	opened, err := session.FromContext(r.Context())
	if err != nil {
		return err
	}
	if err := errors.Join(visitsKey.Set(opened, -1), cartKey.Delete(opened)); err != nil {
		return err
	}
	panic(errThrown)
}

// errThrown is what the page that throws panics with.
var errThrown = errors.New("a page of the demo throws, as it was asked to")

// work takes the time that a request asks for.
func work(r *http.Request) error {
	d, err := time.ParseDuration(r.FormValue("for"))
	if err != nil {
		return nil // none
	}
	timer := time.NewTimer(min(d, longestWork))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-r.Context().Done():
		return context.Cause(r.Context())
	}
}

// fail answers a page that can't have the session.
func (s *shop) fail(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() == nil { // else the visitor has left
		s.log.Warn("a page of the demo failed", "page", r.URL.Path, "err", err)
	}
	s.pages.fail(w, httpsession.Status(err), "This page could not have the session.", s.base+"/")
}

// recovered answers a page that panics with 500. Its session is released by
// then.
func (s *shop) recovered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			switch fault := recover(); fault {
			case nil:
				return
			case http.ErrAbortHandler:
				panic(fault)
			case errThrown:
			default:
				s.log.Error("a page of the demo panics", "page", r.URL.Path, "fault", fault)
			}
			s.pages.fail(w, http.StatusInternalServerError, "This page has thrown.", s.base+"/")
		}()
		next.ServeHTTP(w, r)
	})
}

func sendJSON(w http.ResponseWriter, v any) error {
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(v)
}

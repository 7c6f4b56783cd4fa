// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/sessionbridge/session/dotnet"
)

// A dotNetShop is the old shop on .NET. The program keeps the sessions and has
// pages that get and set values; these handlers make the shop's HTML of them.
type dotNetShop struct {
	program *dotNetProgram
	journal *journal
	shop    *shop
	client  *http.Client
}

var _ owner = (*dotNetShop)(nil)

func (d *dotNetShop) endpoint() *url.URL { return d.program.url }

func (d *dotNetShop) close(context.Context) error {
	d.program.close()
	d.client.CloseIdleConnections()
	return nil
}

func (d *dotNetShop) pages() http.Handler {
	mux := http.NewServeMux()
	for pattern, page := range map[string]func(http.ResponseWriter, *http.Request, *browser) error{
		"GET " + oldBase + "/{$}":    d.show,
		"POST " + oldBase + "/cart":  d.change,
		"POST " + oldBase + "/visit": d.visit,
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			b := &browser{origin: d.program.url.String(), client: d.client, cookie: sessionCookie(r.Cookies())}
			if err := page(w, r, b); err != nil {
				d.shop.fail(w, r, err)
			}
		})
	}
	return mux
}

// show shows the shop with what the program has in the session.
func (d *dotNetShop) show(w http.ResponseWriter, r *http.Request, b *browser) error {
	v := shopView{DotNet: true, Pressed: r.FormValue("pressed")}
	var err error
	if v.Cart, err = get[cart](r.Context(), b, "cart"); err != nil {
		return err
	}
	if v.Visits, err = get[int](r.Context(), b, "visits"); err != nil {
		return err
	}
	giveCookie(w, r, b)
	return d.shop.render(w, v)
}

// change lets the program set the cart.
func (d *dotNetShop) change(w http.ResponseWriter, r *http.Request, b *browser) error {
	defer d.write(r, b)(outcomeCommitted)
	c, err := get[cart](r.Context(), b, "cart")
	if err != nil {
		return err
	}
	value, err := new(dotnet.Codec).Marshal(c.add(ordered(r)))
	if err != nil {
		return err
	}
	if _, err := b.page(r.Context(), http.MethodPost, "/legacy/set?"+url.Values{"k": {"cart"}, "v": {string(value)}}.Encode()); err != nil {
		return err
	}
	giveCookie(w, r, b)
	d.shop.back(w, r)
	return nil
}

// visit lets the program have the session for a while. It has no page that
// counts.
func (d *dotNetShop) visit(w http.ResponseWriter, r *http.Request, b *browser) error {
	defer d.write(r, b)(outcomeReleased)
	long, err := time.ParseDuration(r.FormValue("for"))
	if err != nil || long > longestWork {
		long = 0
	}
	if _, err := b.page(r.Context(), http.MethodPost, "/legacy/hold?ms="+strconv.FormatInt(long.Milliseconds(), 10)); err != nil {
		return err
	}
	giveCookie(w, r, b)
	return sendJSON(w, state{})
}

// write writes a page of the program down. When it has the session can't be
// seen from here: it counts as waiting until it is done.
func (d *dotNetShop) write(r *http.Request, b *browser) (end func(outcome string)) {
	f := fact{Kind: kindOwn, Who: "old shop", Page: pageLabel(r)}
	if b.cookie != nil {
		f.Session = hashOf([]*http.Cookie{b.cookie})
	}
	return d.journal.begin(f).end
}

// get gets a value of the session as the program's page tells it: null if there
// is none.
func get[T any](ctx context.Context, b *browser, key string) (value T, err error) {
	body, err := b.page(ctx, http.MethodGet, "/legacy/get?k="+key)
	if err != nil {
		return value, err
	}
	var known *T
	if err := new(dotnet.Codec).Unmarshal(body, &known); err != nil {
		return value, fmt.Errorf("the .NET program's %s: %w", key, err)
	}
	if known != nil {
		value = *known
	}
	return value, nil
}

// giveCookie hands the cookie of a new session on to the visitor.
func giveCookie(w http.ResponseWriter, r *http.Request, b *browser) {
	if sessionCookie(r.Cookies()) == nil && b.cookie != nil {
		http.SetCookie(w, b.cookie)
	}
}

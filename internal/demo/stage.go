// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"log/slog"
	"net"
	"net/http"
	"slices"
)

// A stage is the page around both shops.
type stage struct {
	pages  pages
	panel  *panel
	trials []trial
	client *http.Client // of the browsers of trials
	dotNet bool         // the old shop is a .NET program
	invite invitation
	log    *slog.Logger
}

// An invitation is what an application needs to join the two shops.
type invitation struct {
	URL, Key string
	DotNet   bool // the owner keeps no keys that the application does not know
}

// A stageView is what the template of the stage shows.
type stageView struct {
	DotNet bool
	Trials []trial
	Result *result // of the trial that was asked for, if one was
	Panel  panelView
}

// show shows the stage.
func (s *stage) show(w http.ResponseWriter, r *http.Request) { s.send(w, r, nil) }

func (s *stage) send(w http.ResponseWriter, r *http.Request, result *result) {
	v := stageView{DotNet: s.dotNet, Trials: s.trials, Result: result, Panel: s.panel.view()}
	if err := s.pages.send(w, http.StatusOK, "stage", v); err != nil {
		s.fail(w, r, err)
	}
}

// try runs a trial and shows its result: alone, for the script of the stage, or
// in the whole page.
func (s *stage) try(w http.ResponseWriter, r *http.Request) {
	at := slices.IndexFunc(s.trials, func(t trial) bool { return t.Name == r.PathValue("trial") })
	if at < 0 {
		http.NotFound(w, r)
		return
	}
	b := &browser{origin: originOf(r), client: s.client, cookie: sessionCookie(r.Cookies())}
	result, err := s.run(r, s.trials[at], b)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	giveCookie(w, r, b)
	if r.URL.Query().Get("part") != "result" {
		s.send(w, r, &result)
		return
	}
	if err := s.pages.send(w, http.StatusOK, "result", result); err != nil {
		s.fail(w, r, err)
	}
}

// originOf returns the origin of the server that has got a request: the
// visitor's may be another one, of a tunnel.
func originOf(r *http.Request) string {
	return "http://" + r.Context().Value(http.LocalAddrContextKey).(net.Addr).String()
}

func (s *stage) run(r *http.Request, t trial, b *browser) (result, error) {
	if err := b.arrive(r.Context()); err != nil {
		return result{}, err
	}
	result, err := t.run(r.Context(), b)
	result.Title = t.Title
	return result, err
}

func (s *stage) fail(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() == nil { // else the visitor has left
		s.log.Warn("a page of the demo failed", "page", r.URL.Path, "err", err)
	}
	s.pages.fail(w, http.StatusBadGateway, "This did not work: one of the two programs does not answer.", "/")
}

// connect shows how an application joins.
func (s *stage) connect(w http.ResponseWriter, r *http.Request) {
	if err := s.pages.send(w, http.StatusOK, "connect", s.invite); err != nil {
		s.fail(w, r, err)
	}
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"bytes"
	"embed"
	"html/template"
	"io"
	"net/http"
)

//go:embed pages/*.html
var pageFiles embed.FS

//go:embed assets
var assetFiles embed.FS

// pages are the demo's pages, by name.
type pages struct{ templates *template.Template }

func parsePages() (pages, error) {
	t, err := template.ParseFS(pageFiles, "pages/*.html")
	return pages{t}, err
}

// send sends a page, whole or not at all.
func (p pages) send(w http.ResponseWriter, status int, name string, data any) error {
	var b bytes.Buffer
	if err := p.write(&b, name, data); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	w.Write(b.Bytes()) // an error means that the browser has left
	return nil
}

// write writes a page or a part of one.
func (p pages) write(w io.Writer, name string, data any) error {
	return p.templates.ExecuteTemplate(w, name+".html", data)
}

// fail sends the page for what did not work.
func (p pages) fail(w http.ResponseWriter, status int, what, back string) {
	if err := p.send(w, status, "failed", struct{ What, Back string }{what, back}); err != nil {
		http.Error(w, what, status)
	}
}

// secured sets the headers that keep a page to itself: it loads nothing from
// elsewhere, runs no script but its own, and is framed by nobody else.
func secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'; object-src 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

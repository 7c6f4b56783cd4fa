// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"strings"
	"sync"
)

// traceHeader carries the W3C trace context, by which an exchange tells for
// which page it is.
const traceHeader = "Traceparent"

// named is for how many requests the page is remembered.
const named = 256

// pageNames knows the pages for which requests came, by their trace ids. It is
// safe for concurrent use.
type pageNames struct {
	mu    sync.Mutex
	names map[string]string
	order []string // trace ids, oldest first
}

// trace gives a request a trace of its own and remembers its page.
func (p *pageNames) trace(r *http.Request, page string) {
	var b [24]byte
	rand.Read(b[:]) // never fails: crypto/rand ends the program instead
	id := hex.EncodeToString(b[:16])
	r.Header.Set(traceHeader, "00-"+id+"-"+hex.EncodeToString(b[16:])+"-01")
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.names == nil {
		p.names = make(map[string]string)
	}
	p.names[id] = page
	if p.order = append(p.order, id); len(p.order) > named {
		delete(p.names, p.order[0])
		p.order = p.order[1:]
	}
}

// find returns the page that a traceparent stands for, or "".
func (p *pageNames) find(traceparent string) string {
	parts := strings.Split(traceparent, "-")
	if len(parts) < 4 {
		return ""
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.names[parts[1]]
}

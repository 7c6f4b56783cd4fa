// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// A browser opens pages as that of a visitor does: with the cookie of the
// visitor's session.
type browser struct {
	origin string
	client *http.Client
	cookie *http.Cookie // nil: it has no session yet
}

// A statusError is an answer other than 200.
type statusError int

func (e statusError) Error() string { return fmt.Sprintf("the page answered %d", int(e)) }

// page opens a page and returns its body. A *statusError is an answer too.
func (b *browser) page(ctx context.Context, method, path string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, method, b.origin+path, http.NoBody)
	if err != nil {
		return nil, err
	}
	if b.cookie != nil {
		r.AddCookie(b.cookie)
	}
	res, err := b.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if b.cookie == nil {
		b.cookie = sessionCookie(res.Cookies())
	}
	if res.StatusCode != http.StatusOK {
		return nil, statusError(res.StatusCode)
	}
	return io.ReadAll(http.MaxBytesReader(nil, res.Body, 1<<20))
}

// An answer is what came back from a page for programs.
type answer struct {
	state state
	took  time.Duration
	err   error
}

// open opens a page for programs.
func (b *browser) open(ctx context.Context, method, path string) answer {
	began := time.Now()
	body, err := b.page(ctx, method, path)
	a := answer{took: time.Since(began), err: err}
	if err == nil {
		a.err = json.Unmarshal(body, &a.state)
	}
	return a
}

// arrive makes sure that there is a session. After that the browser may open
// pages concurrently.
func (b *browser) arrive(ctx context.Context) error {
	if b.cookie != nil {
		return nil
	}
	return b.open(ctx, http.MethodPost, visitPath(newBase, 0, "first")).err
}

func sessionCookie(cookies []*http.Cookie) *http.Cookie {
	for _, c := range cookies {
		if c.Name == cookieName {
			return c
		}
	}
	return nil
}

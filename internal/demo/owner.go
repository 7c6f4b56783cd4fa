// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"
	"net/http"
	"net/url"
)

// An owner is the old shop, which owns the sessions.
type owner interface {
	// pages returns the handler of its pages, for the front.
	pages() http.Handler

	// endpoint returns the origin at which other programs use its sessions.
	endpoint() *url.URL

	// close ends it. Exchanges that are under way may be committed until ctx
	// is done.
	close(ctx context.Context) error
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package httpsession_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/httpsession"
)

// A panicky source's commits panic before they have ended anything.
type panicky struct{ session.Source }

func (p panicky) Open(ctx context.Context, id string, mode session.Mode) (session.Opened, error) {
	opened, err := p.Source.Open(ctx, id, mode)
	return panickyOpened{opened}, err
}

type panickyOpened struct{ session.Opened }

func (panickyOpened) Commit(context.Context) error { panic("the source panics") }

func TestCommitThatPanicsReleasesTheSession(t *testing.T) {
	m := newManager(t, session.ManagerOptions{})
	h := wrap(t, panicky{m}, httpsession.Options{}, count(t))
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the commit does not panic")
			}
		}()
		serve(h, newRequest(t, http.MethodPost, "/"))
	}()
	if n := m.Stats().Holds; n != 0 {
		t.Errorf("%d sessions are held, want none", n)
	}
}

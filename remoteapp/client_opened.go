// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package remoteapp

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/wire"
)

// An ending is what ends an exchange that holds a session, once.
type ending interface {
	commit(ctx context.Context, body []byte) error
	release(ctx context.Context) error
}

// An opened is a session that a Client has opened.
type opened struct {
	visit    *visit
	received wire.Session
	session  *session.Session
	cookies  []string
	ending   ending // nil: read-only
	method   string // of the request that commits it

	mu    sync.Mutex
	ended bool

	done chan struct{} // closed when Commit or Release is over
	err  error         // what Commit returned
}

func newOpened(r *reply, end ending, method string) *opened {
	return &opened{
		visit: r.visit, received: r.session, session: session.NewSession(r.state(end == nil)),
		cookies: slices.Clone(r.res.Header["Set-Cookie"]), ending: end, method: method,
		done: make(chan struct{}),
	}
}

func (o *opened) Session() *session.Session { return o.session }

// SetCookies returns the Set-Cookie headers of the owner's answer, which are for
// the browser, as they came.
func (o *opened) SetCookies() []string { return slices.Clone(o.cookies) }

// end reports whether the caller is the one to end the session.
func (o *opened) end() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.ending == nil || o.ended {
		return false
	}
	o.ended = true
	return true
}

// Commit sends the session back, if anything changed. It takes as long as the
// option CommitTimeout says at most, also if ctx ends before.
func (o *opened) Commit(ctx context.Context) error {
	if o.ending == nil {
		return o.session.Settle()
	}
	if !o.end() {
		<-o.done
		return o.err
	}
	defer close(o.done)
	ctx, cancel := o.lasting(ctx, "commit")
	defer cancel()
	o.err = session.ErrPanicked
	o.err = o.commit(ctx)
	return o.err
}

// commit sends what was changed, if that can be sent. If it can't, also because a
// codec panics, the session is given back.
func (o *opened) commit(ctx context.Context) error {
	sent := false
	defer func() {
		if !sent {
			o.giveBack(ctx)
		}
	}()
	if err := o.session.Settle(); err != nil || !o.session.Changes().Any() {
		return err
	}
	for _, check := range []func() error{o.checkUnknown, o.checkLimits} {
		if err := check(); err != nil {
			return err
		}
	}
	body := o.update()
	sent = true
	return o.ending.commit(ctx, body)
}

// Release ends the exchange without a change, also if ctx has ended.
func (o *opened) Release(ctx context.Context) error {
	if !o.end() {
		return nil
	}
	defer close(o.done)
	ctx, cancel := o.lasting(ctx, "release")
	defer cancel()
	return o.ending.release(ctx)
}

// lasting returns a context that outlives the browser's request.
func (o *opened) lasting(ctx context.Context, op string) (context.Context, context.CancelFunc) {
	o.visit.op = op
	return context.WithTimeout(context.WithoutCancel(ctx), o.visit.c.opts.CommitTimeout)
}

// giveBack releases a session of which nothing is to be stored. That it failed
// is no failure of the page.
func (o *opened) giveBack(ctx context.Context) {
	if err := o.ending.release(ctx); err != nil {
		o.visit.c.opts.Logger.WarnContext(ctx, "an unchanged session could not be given back: others may wait for it",
			"session", session.HashID(o.received.ID), "err", err)
	}
}

// update returns the session as it is sent back: what nobody touched as it came.
func (o *opened) update() []byte {
	header := o.received.Header
	header.Abandoned = o.session.Abandoned()
	if o.session.Changes().Timeout {
		header.Timeout = minutes(o.session.Timeout())
	}
	return wire.Append(nil, &wire.Session{Header: header, Items: o.session.Items()})
}

// checkUnknown tells of keys that the commit would lose.
func (o *opened) checkUnknown() error {
	lost := o.unchanged(unwritten(o.received))
	if len(lost) == 0 {
		return nil
	}
	if o.visit.c.opts.OnUnknown == WarnUnknown {
		o.visit.c.warned.warn(o.visit.c.opts.Logger, o.received.ID, lost)
		return nil
	}
	e := o.visit.fail(o.method, ErrUnknownKeys, "not sent: the owner could not write these keys, and may forget them if it is sent the session back: "+quoted(lost))
	e.Remedy = "register the keys with their types at the owner, delete them, or set OnUnknown to warn"
	return e
}

// checkLimits refuses what would be too large to be read again, which would lock
// the user out of every page.
func (o *opened) checkLimits() error {
	lim := o.visit.c.opts.Limits
	reason := ""
	for _, key := range o.session.Changes().Set {
		reason = cmp.Or(reason, tooLarge(o.session, key, lim))
	}
	if items := o.session.Items(); reason == "" && len(items) > lim.Keys {
		reason = fmt.Sprintf("the session has %d keys, the limit is %d", len(items), lim.Keys)
	}
	if size := len(o.update()); reason == "" && size > lim.Session {
		reason = fmt.Sprintf("the session has %d bytes, the limit is %d", size, lim.Session)
	}
	if reason == "" {
		return nil
	}
	e := o.visit.fail(o.method, ErrRefused, "not sent: "+reason)
	e.Remedy = "keep less in the session, or raise the option Limits, and the owner's limits with it"
	return e
}

// tooLarge says what is too large of a key that was set, or "".
func tooLarge(s *session.Session, key string, lim wire.Limits) string {
	const shown = 40            // bytes of a key
	sent := string([]rune(key)) // with what is not UTF-8 replaced
	value, _ := s.Raw(key)
	switch {
	case len(sent) > lim.Key:
		return fmt.Sprintf("the key that begins %q has %d bytes, the limit is %d", sent[:min(len(sent), shown)], len(sent), lim.Key)
	case len(value) > lim.Value:
		return fmt.Sprintf("the value of key %q has %d bytes, the limit is %d", key, len(value), lim.Value)
	}
	return ""
}

// unchanged returns those of the keys that the page has not set or removed.
func (o *opened) unchanged(keys []string) []string {
	changes := o.session.Changes()
	if changes.Abandoned || changes.Cleared {
		return nil
	}
	touched := slices.Concat(changes.Set, changes.Removed)
	return slices.DeleteFunc(keys, func(key string) bool {
		return slices.ContainsFunc(touched, func(t string) bool { return wire.FoldKey(t) == wire.FoldKey(key) })
	})
}

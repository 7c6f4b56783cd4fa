// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/sessionbridge/session/remoteapp"
)

// Options say what a demo is like.
type Options struct {
	NewKey func() string // makes API keys; required
	Listen string        // "" means 127.0.0.1:7100; a free port if it is taken
	DotNet string        // path of a .NET program that is the old shop; "" means the Go stand-in
	Tab    time.Duration // how long each of two tabs works; 0 means 1 s
	Slow   time.Duration // how long the slow page works; 0 means 5 s
	Logger *slog.Logger  // nil means slog.Default()
}

// A Demo serves the demo, from Start until Stop.
type Demo struct {
	opts    Options
	log     *slog.Logger
	journal *journal
	pages   pages
	failed  chan error
	newKey  string // API key of the new shop
	yourKey string // API key of the visitor's own application

	old    owner
	tap    *tap
	wire   *server           // where the tap is
	source *remoteapp.Client // of the new shop
	front  *server
	client *http.Client // of the browsers of trials
}

// Start starts a demo, which serves when Start returns. It ends with Wait or
// Stop.
func Start(ctx context.Context, o Options) (*Demo, error) {
	o.Listen = cmp.Or(o.Listen, "127.0.0.1:7100")
	o.Tab, o.Slow = cmp.Or(o.Tab, time.Second), cmp.Or(o.Slow, 5*time.Second)
	d := &Demo{opts: o, log: cmp.Or(o.Logger, slog.Default()), journal: newJournal(), failed: make(chan error, 1)}
	d.client = &http.Client{
		Transport:     newTransport(),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	d.newKey, d.yourKey = o.NewKey(), o.NewKey()
	if err := d.open(ctx); err != nil {
		return nil, errors.Join(err, d.Stop())
	}
	return d, nil
}

// open opens all parts, each after those that it needs.
func (d *Demo) open(ctx context.Context) (err error) {
	if d.pages, err = parsePages(); err != nil {
		return err
	}
	if d.old, err = d.openOld(ctx); err != nil {
		return err
	}
	d.tap = newTap(d.journal, d.old.endpoint(), map[string]string{d.yourKey: "your application", d.newKey: "new shop"}, d.log)
	if d.wire, err = startServer(ctx, "127.0.0.1:0", d.tap, d.log, d.failed); err != nil {
		return err
	}
	return d.openFront(ctx)
}

// openOld opens the old shop.
func (d *Demo) openOld(ctx context.Context) (owner, error) {
	s := &shop{base: oldBase, look: "old", pages: d.pages, log: d.log}
	if d.opts.DotNet != "" {
		program, err := startDotNet(ctx, d.opts.DotNet, d.newKey)
		if err != nil {
			return nil, err
		}
		d.yourKey = d.newKey // the program takes one
		return &dotNetShop{program: program, journal: d.journal, shop: s, client: d.client}, nil
	}
	return openOldShop(ctx, s, d.journal, []remoteapp.HandlerClient{
		{Name: "new shop", Keys: []string{d.newKey}},
		{Name: "your application", Keys: []string{d.yourKey}},
	}, d.failed)
}

// openFront opens the new shop, and the origin in front of both.
func (d *Demo) openFront(ctx context.Context) (err error) {
	if d.source, err = d.openSource(); err != nil {
		return err
	}
	fresh := &shop{base: newBase, look: "new", pages: d.pages, log: d.log}
	pages, err := fresh.handler(d.source)
	if err != nil {
		return err
	}
	d.front, err = startServer(ctx, d.opts.Listen, newFront(d.journal, d.old.pages(), pages, d.newStage()), d.log, d.failed)
	return err
}

// openSource returns the new shop's source of sessions: the program that owns
// them, by way of the tap.
func (d *Demo) openSource() (*remoteapp.Client, error) {
	return remoteapp.NewClient(remoteapp.ClientOptions{
		RemoteAppURL: d.wire.url.String(),
		APIKey:       d.newKey,
		H2C:          d.opts.DotNet == "", // it speaks HTTP/2 over https only
		Transport:    newTransport(),
		Logger:       d.log,
	})
}

func (d *Demo) newStage() *stage {
	t := &trials{journal: d.journal, tab: d.opts.Tab, slow: d.opts.Slow, firstTab: oldBase}
	if d.opts.DotNet != "" {
		t.firstTab = newBase // the .NET program has no page that counts
	}
	return &stage{
		pages: d.pages, panel: &panel{d.journal, d.pages}, trials: t.all(), client: d.client,
		dotNet: d.opts.DotNet != "", invite: invitation{d.wire.url.String(), d.yourKey, d.opts.DotNet != ""}, log: d.log,
	}
}

// URL returns the origin that the visitor opens.
func (d *Demo) URL() string { return d.front.url.String() }

// Wait waits until ctx is done, or until a part fails, which is an error. Then
// it stops the demo.
func (d *Demo) Wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return d.Stop()
	case err := <-d.failed:
		return errors.Join(err, d.Stop())
	}
}

// Stop ends the demo: pages that are under way are broken off. It returns when
// nothing of it is left.
func (d *Demo) Stop() error {
	if d.front != nil {
		d.front.close()
	}
	if d.source != nil { // before its peer, which else waits for connections
		d.source.Close()
	}
	if d.wire != nil {
		d.wire.close()
	}
	if d.tap != nil {
		d.tap.close()
	}
	d.client.CloseIdleConnections()
	if d.old == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), lastAnswers)
	defer cancel()
	return d.old.close(ctx)
}

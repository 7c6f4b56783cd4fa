// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package demo_test

import (
	"cmp"
	"flag"
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sessionbridge/session/internal/demo"
)

var update = flag.Bool("update", false, "write the screenshots in docs/images")

// start starts a demo at a free port.
func start(t *testing.T, o demo.Options) *demo.Demo {
	t.Helper()
	var keys atomic.Int32
	o.NewKey = func() string { return fmt.Sprintf("5b3a9c1e-7d24-4f60-8a19-%012x", keys.Add(1)) }
	o.Listen = cmp.Or(o.Listen, "127.0.0.1:0")
	o.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
	d, err := demo.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Stop(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// pace makes trials quick, unless pictures are taken of them.
func pace() demo.Options {
	if *update {
		return demo.Options{}
	}
	return demo.Options{Tab: 200 * time.Millisecond, Slow: 2 * time.Second}
}

// TestStage goes through the demo as a newcomer does, by keyboard alone.
func TestStage(t *testing.T) {
	browser := startChromium(t)
	for _, c := range []struct {
		name string
		screen
	}{
		{"demo", screen{width: 1080, height: 1120, scheme: "light"}},
		{"demo-dark", screen{width: 1080, height: 1120, scheme: "dark"}},
		{"demo-phone", screen{width: 375, height: 812, scheme: "light", mobile: true}},
		{"demo-phone-dark", screen{width: 375, height: 812, scheme: "dark", mobile: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := start(t, pace())
			v := visit(t, browser, c.screen, d.URL())
			v.press("old", "add-bell")
			v.wait(both(`f.querySelector('.cart [data-sku=bell]')?.innerText.includes('1 ×')`))
			v.press("new", "add-lamp")
			v.wait(both(`f.querySelector('.cart [data-sku=lamp]') && f.querySelector('.total').innerText.includes('52.40')`))
			v.holds(focus + " === 'add-lamp'")

			v.press("stage", "try-tabs")
			v.wait(`document.querySelector('#panel tr.waiting')`)
			v.wait(`document.querySelector('#result .good .verdict')?.innerText.includes('0 became 2')`)
			v.wait(both(`f.querySelector('.visits').innerText === '2'`))
			v.press("stage", "try-throw")
			v.wait(`document.querySelector('#result .good .verdict')?.innerText.includes('2 things in the cart, as before')`)
			v.press("stage", "try-slow")
			v.wait(`document.querySelector('#panel .now .waiting') && document.querySelector('#panel .now .holding')?.innerText.includes('slow page')`)
			if *update {
				v.wait(`parseFloat(document.querySelector('#panel .now .holding output')?.innerText) >= 2.2 && document.querySelector('#panel .now .holding output').innerText.endsWith(' s')`)
				v.picture(c.name + ".png")
			}
			v.wait(`document.querySelector('#result .good .verdict')?.innerText.includes('The other page waited')`)
			v.holds(fmt.Sprintf("document.documentElement.scrollWidth <= %d", c.width)) // innerWidth grows with it on a phone
			v.holds(both(`f.documentElement.scrollWidth <= f.defaultView.frameElement.clientWidth`))
		})
	}
}

// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package demo_test

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"maps"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	pagelog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// patience bounds how long a test waits for what a page is to show.
const patience = 30 * time.Second

// chromium returns the path of a browser. Without one the test is skipped, or
// fails if the environment variable CI is "true".
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	const missing = "no chromium in PATH; internal/tools/debian-packages.sh installs Debian's"
	if os.Getenv("CI") == "true" {
		t.Fatal("NO BROWSER: " + missing + " (a skip is not allowed where CI=true)")
	}
	t.Skip("NOT TESTED IN A BROWSER: " + missing)
	return ""
}

// startChromium starts a browser that looks for nothing but the test's pages.
func startChromium(t *testing.T) context.Context {
	t.Helper()
	options := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(chromium(t)), chromedp.UserDataDir(t.TempDir()), chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck,
		chromedp.NoSandbox, // it has none as root; the pages are ours
		chromedp.WSURLReadTimeout(patience),
	}
	for _, flag := range []string{
		"headless", "disable-gpu", "disable-quic", "disable-background-networking", "disable-component-update", "disable-sync",
		"hide-scrollbars", "disable-dev-shm-usage",
	} {
		options = append(options, chromedp.Flag(flag, true))
	}
	ctx, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	ctx, stop = chromedp.NewContext(ctx)
	t.Cleanup(stop)
	if err := chromedp.Do(ctx); err != nil { // without a timeout: it would be the browser's
		t.Fatalf("chromium does not start: %v", err)
	}
	return ctx
}

// A screen is what a visitor has.
type screen struct {
	width, height int64
	scheme        string // "light" or "dark"
	mobile        bool
}

// A visitor is somebody with a browser and a keyboard.
type visitor struct {
	t   *testing.T
	ctx context.Context
}

// visit opens a page in a browser without cookies. What the page complains of
// fails the test.
func visit(t *testing.T, browser context.Context, s screen, url string) *visitor {
	t.Helper()
	complain := func(event any) {
		switch e := event.(type) {
		case *runtime.EventExceptionThrown:
			t.Errorf("the page throws: %v", e.ExceptionDetails)
		case *pagelog.EventEntryAdded:
			if e.Entry.Level == pagelog.EntryLevelError {
				t.Errorf("the page complains: %s %s", e.Entry.Text, e.Entry.URL)
			}
		}
	}
	ctx, stop := chromedp.NewContext(browser, chromedp.WithNewBrowserContext(), chromedp.WithListener(complain))
	t.Cleanup(stop)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	v := &visitor{t, ctx}
	view := []chromedp.EmulateViewportOption{chromedp.EmulateScale(1)}
	if s.mobile {
		view = append(view, chromedp.EmulateMobile, chromedp.EmulateTouch)
	}
	v.do(chromedp.EmulateViewport(s.width, s.height, view...), preferring(s.scheme), chromedp.Navigate(url))
	v.wait("document.readyState === 'complete' && " + both("!!f.getElementById('shop')"))
	return v
}

// both is a condition for the documents f of both shops.
func both(condition string) string {
	return fmt.Sprintf("[...document.querySelectorAll('iframe')].map(i => i.contentDocument).every(f => %s)", condition)
}

// preferring asks for a color scheme.
func preferring(scheme string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		})
		return err
	})
}

// do carries out actions.
func (v *visitor) do(actions ...chromedp.Action[chromedp.Void]) {
	v.t.Helper()
	run(v, chromedp.Steps(actions...))
}

// run carries out one action and returns its value.
func run[T any](v *visitor, action chromedp.Action[T]) T {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(v.ctx, patience)
	defer cancel()
	value, err := chromedp.Run(ctx, action)
	if err != nil {
		v.t.Fatal(err)
	}
	return value
}

// wait waits until a condition of the page is true. It looks from within the
// page: chromedp.Poll needs eval, which the page forbids.
func (v *visitor) wait(condition string) {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(v.ctx, patience)
	defer cancel()
	look := fmt.Sprintf("new Promise(seen => { const look = () => { (%s) ? seen(true) : setTimeout(look, 10) }; look() })", condition)
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[bool](look, chromedp.EvalAwaitPromise)); err != nil {
		v.t.Fatalf("it does not come true: %s: %v\n%s", condition, err, v.text("#result, #panel"))
	}
}

// text returns what is to be read at a selector.
func (v *visitor) text(selector string) string {
	v.t.Helper()
	return run(v, chromedp.Evaluate[string](fmt.Sprintf("[...document.querySelectorAll(%q)].map(e => e.innerText).join('\\n')", selector)))
}

// holds fails the test unless a condition of the page is true now.
func (v *visitor) holds(condition string) {
	v.t.Helper()
	if !v.is(condition) {
		v.t.Errorf("not true: %s", condition)
	}
}

func (v *visitor) is(condition string) bool {
	v.t.Helper()
	return run(v, chromedp.Evaluate[bool]("!!("+condition+")"))
}

// focused is what has the focus, in whichever frame; focus is its id.
const (
	focused = "(() => { let e = document.activeElement; while (e?.contentDocument) e = e.contentDocument.activeElement; return e })()"
	focus   = focused + "?.id"
)

// tabTo presses Tab until what has an id in a shop, or on the stage, has the
// focus. It must be seen that it has.
func (v *visitor) tabTo(place, id string) {
	v.t.Helper()
	where := fmt.Sprintf("%s === %q && (%q === 'stage' || !!document.activeElement.closest('.%s'))", focus, id, place, place)
	for range 60 {
		if v.do(chromedp.KeyEvent(kb.Tab)); v.is(where) {
			v.holds(focused + ".matches(':focus-visible') && getComputedStyle(" + focused + ").outlineStyle === 'solid'")
			return
		}
	}
	v.t.Fatalf("the key Tab does not lead to %s %s", place, id)
}

// press tabs to a button and presses Enter.
func (v *visitor) press(place, id string) {
	v.t.Helper()
	v.tabTo(place, id)
	v.do(chromedp.KeyEvent(kb.Enter))
}

// picture writes a screenshot of the page for the README.
func (v *visitor) picture(name string) {
	v.t.Helper()
	shot, err := png.Decode(bytes.NewReader(run(v, chromedp.CaptureScreenshot())))
	if err != nil {
		v.t.Fatal(err)
	}
	var small bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	if err := encoder.Encode(&small, reduced(shot)); err != nil {
		v.t.Fatal(err)
	}
	if err := os.WriteFile("../../docs/images/"+name, small.Bytes(), 0o644); err != nil {
		v.t.Fatal(err)
	}
}

// reduced returns a picture with its 256 commonest colors, which is half as
// large in a file.
func reduced(from image.Image) image.Image {
	counts := make(map[color.Color]int)
	size := from.Bounds()
	for y := size.Min.Y; y < size.Max.Y; y++ {
		for x := size.Min.X; x < size.Max.X; x++ {
			counts[from.At(x, y)]++
		}
	}
	colors := slices.SortedFunc(maps.Keys(counts), func(a, b color.Color) int { return counts[b] - counts[a] })
	to := image.NewPaletted(size, colors[:min(len(colors), 256)])
	draw.Draw(to, size, from, size.Min, draw.Src)
	return to
}

package report_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/interdict/interdict/denylist/report"
)

// browser opens the page in headless Chromium (package chromium). Anything
// that the page logs or asks the network for fails the test.
func browser(t *testing.T, doc []byte) context.Context {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.Write(doc)
		} else if r.URL.Path != "/favicon.ico" {
			t.Errorf("the page asks for %s", r.URL)
		}
	}))
	t.Cleanup(server.Close)
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-quic", true))
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, opts...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	chromedp.ListenTarget(ctx, func(ev any) {
		switch ev := ev.(type) {
		case *log.EventEntryAdded:
			t.Errorf("the browser logs: %s", ev.Entry.Text)
		case *runtime.EventExceptionThrown:
			t.Errorf("the script throws: %s", ev.ExceptionDetails.Error())
		}
	})
	run(t, ctx, log.Enable(), chromedp.EmulateViewport(1200, 900), chromedp.Navigate(server.URL+"/"), chromedp.WaitReady("footer", chromedp.ByQuery))
	return ctx
}

func run(t *testing.T, ctx context.Context, actions ...chromedp.Action) {
	t.Helper()
	if err := chromedp.Run(ctx, actions...); err != nil {
		t.Fatalf("driving Chromium (package chromium): %v", err)
	}
}

// eval returns the value of a JavaScript expression.
func eval[T any](t *testing.T, ctx context.Context, expression string) (out T) {
	t.Helper()
	run(t, ctx, chromedp.Evaluate(expression, &out))
	return out
}

const firstVisible = `[...document.querySelector(".findings").querySelectorAll("tbody.finding")].filter((b) => !b.hidden).map((b) => b.dataset.component).join("|")`

// choose gives a control a value, as its user would.
func choose(selector, value, event string) string {
	return fmt.Sprintf(`(() => { const c = document.querySelector(%q); c.value = %q; return c.dispatchEvent(new Event(%q)); })()`, selector, value, event)
}

func TestPageInBrowser(t *testing.T) {
	ctx := browser(t, write(t, report.HTML, fixture(), report.Options{Mentions: true}))

	// The search and the selections narrow the findings and say how many are left.
	run(t, ctx, chromedp.SendKeys("input[type=search]", "hexa", chromedp.ByQuery))
	if got := eval[string](t, ctx, firstVisible); got != "@kaspersky/hexa-ui 1.0.0" {
		t.Errorf("search shows %q", got)
	}
	if got := eval[string](t, ctx, `document.querySelector("[role=status]").textContent`); got != "1 of 5 findings shown" {
		t.Errorf("status says %q", got)
	}
	eval[bool](t, ctx, choose(`input[type=search]`, "", "input"))
	eval[bool](t, ctx, choose(`select[name=level]`, "review", "change"))
	if got := eval[string](t, ctx, firstVisible); got != "HCNetSDK.dll 5.2.3.3" {
		t.Errorf("level review shows %q", got)
	}
	eval[bool](t, ctx, choose(`select[name=level]`, "", "change"))

	// A column heading sorts, by keyboard, and tells so.
	run(t, ctx, chromedp.Focus(`th[data-key=component] button`, chromedp.ByQuery), chromedp.KeyEvent(kb.Enter))
	if got := eval[string](t, ctx, firstVisible); !strings.HasPrefix(got, "@kaspersky") {
		t.Errorf("sorted by component: %q", got)
	}
	if got := eval[string](t, ctx, `document.querySelector("th[data-key=component]").getAttribute("aria-sort")`); got != "ascending" {
		t.Errorf("aria-sort is %q", got)
	}

	// Enter opens the details.
	run(t, ctx, chromedp.Focus("summary", chromedp.ByQuery), chromedp.KeyEvent(kb.Enter))
	if !eval[bool](t, ctx, `document.querySelector("tbody.finding details").open`) {
		t.Error("Enter does not open the details")
	}
	if bad := eval[string](t, ctx, nameless); bad != "" {
		t.Error(bad)
	}
}

// nameless lists controls without a name for a screen reader, headings out of
// order and references that lead nowhere.
const nameless = `(() => {
  const bad = [];
  for (const c of document.querySelectorAll("input, select")) if (!c.labels.length) bad.push("no label: " + c.outerHTML);
  for (const c of document.querySelectorAll("button, a, summary, th, caption, option"))
    if (!c.textContent.trim()) bad.push("no text: " + c.outerHTML);
  for (const c of document.querySelectorAll("[role=search]")) if (!c.getAttribute("aria-label")) bad.push("no name: search");
  for (const c of document.querySelectorAll("[aria-labelledby]"))
    if (!document.getElementById(c.getAttribute("aria-labelledby"))) bad.push("no such id: " + c.getAttribute("aria-labelledby"));
  let last = 0;
  for (const h of document.querySelectorAll("h1, h2, h3, h4")) {
    const n = +h.tagName[1];
    if (n > last + 1) bad.push("heading skips a level: " + h.textContent);
    last = n;
  }
  if (document.querySelectorAll("main").length !== 1 || !document.documentElement.lang || !document.title) bad.push("no main, language or title");
  return bad.join("; ");
})()`

// TestPageLooks: the page follows the user's colours with readable contrast,
// has no sideways scrolling on a narrow screen, and reads without script. With
// INTERDICT_SCREENSHOTS=DIR it leaves pictures to look at.
func TestPageLooks(t *testing.T) {
	ctx := browser(t, write(t, report.HTML, fixture(), report.Options{}))
	var backgrounds []string
	for _, scheme := range []string{"light", "dark"} {
		run(t, ctx, emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}))
		backgrounds = append(backgrounds, eval[string](t, ctx, `getComputedStyle(document.body).backgroundColor`))
		if low := eval[string](t, ctx, lowContrast); low != "" {
			t.Errorf("%s: contrast below 4.5 (WCAG 2.2, 1.4.3): %s", scheme, low)
		}
		picture(t, ctx, scheme)
	}
	if backgrounds[0] == backgrounds[1] {
		t.Errorf("light and dark have the same background %s", backgrounds[0])
	}
	run(t, ctx, chromedp.EmulateViewport(360, 800))
	if eval[bool](t, ctx, `document.documentElement.scrollWidth > document.documentElement.clientWidth`) {
		t.Error("the page scrolls sideways on a screen of 360 pixels")
	}
	picture(t, ctx, "narrow")
	run(t, ctx, chromedp.EmulateViewport(1200, 900), emulation.SetScriptExecutionDisabled(true), chromedp.Reload(), chromedp.WaitReady("footer", chromedp.ByQuery))
	run(t, ctx, chromedp.ActionFunc(func(ctx context.Context) error {
		pdf, _, err := page.PrintToPDF().WithPrintBackground(true).Do(ctx)
		if err == nil && len(pdf) < 10_000 {
			t.Errorf("printed without script it has %d bytes", len(pdf))
		}
		save(t, "print.pdf", pdf)
		return err
	}))
}

// lowContrast lists texts whose contrast with the nearest background is low.
const lowContrast = `(() => {
  const rgb = (s) => (s.match(/[\d.]+/g) || []).map(Number);
  const lum = ([r, g, b]) => [r, g, b].map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((a, v, i) => a + v * [0.2126, 0.7152, 0.0722][i], 0);
  const bad = new Set();
  for (const e of document.querySelectorAll("body *")) {
    if (![...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()) || !e.checkVisibility()) continue;
    let b = e, bg;
    do { bg = rgb(getComputedStyle(b).backgroundColor); b = b.parentElement; } while (b && bg.length === 4 && bg[3] === 0);
    const [x, y] = [lum(rgb(getComputedStyle(e).color)), lum(bg)].sort((p, q) => q - p);
    if ((x + 0.05) / (y + 0.05) < 4.5) bad.add(e.tagName + "." + e.className);
  }
  return [...bad].join(", ");
})()`

func picture(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	if os.Getenv("INTERDICT_SCREENSHOTS") == "" {
		return
	}
	var png []byte
	run(t, ctx, chromedp.FullScreenshot(&png, 100))
	save(t, name+".png", png)
}

func save(t *testing.T, name string, b []byte) {
	t.Helper()
	if dir := os.Getenv("INTERDICT_SCREENSHOTS"); dir != "" {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

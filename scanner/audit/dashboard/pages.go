package dashboard

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/interdict/interdict/denylist"
	"github.com/interdict/interdict/denylist/report"
	"github.com/interdict/interdict/scanner/audit/store"
)

//go:embed pages assets
var files embed.FS

// pages are the templates, one set for each page with the layout around it.
type pages struct {
	sets   map[string]*template.Template
	assets *assets
}

// layout is what pages/layout.html shows. Texts in Body are foreign: templates
// pass them through v, and html/template escapes them.
type layout struct {
	Title   string
	Nav     string // the address of the navigation's entry that this page is at
	Live    bool   // whether the page follows a run
	Version string
	Made    time.Time
	Body    any
}

func parsePages() *pages {
	p := &pages{sets: make(map[string]*template.Template), assets: newAssets()}
	base := template.New("layout.html").Funcs(p.funcs())
	base = template.Must(base.ParseFS(files, "pages/layout.html", "pages/parts.html"))
	names, err := fs.Glob(files, "pages/*.html")
	if err != nil {
		panic(err) // the pattern is constant
	}
	for _, name := range names {
		if short := path.Base(name); short != "layout.html" && short != "parts.html" {
			p.sets[strings.TrimSuffix(short, ".html")] = template.Must(template.Must(base.Clone()).ParseFS(files, name))
		}
	}
	return p
}

// page answers a page. It is made whole before its first byte is sent.
func (d *dashboard) page(w http.ResponseWriter, r *http.Request, name string, l layout) {
	var buf bytes.Buffer
	l.Version, l.Made = d.opt.Version, d.now()
	if err := d.pages.sets[name].Execute(&buf, l); err != nil {
		d.fail(w, r, fmt.Errorf("making the page %s: %w", name, err))
		return
	}
	d.body200(w, r, "text/html; charset=utf-8", buf.Bytes())
}

func (p *pages) problem(d *dashboard, w http.ResponseWriter, r *http.Request, status int, title, hint string) {
	var buf bytes.Buffer
	l := layout{Title: title, Version: d.opt.Version, Made: d.now(), Body: struct{ Title, Hint string }{title, hint}}
	if err := p.sets["problem"].Execute(&buf, l); err != nil {
		http.Error(w, title, status)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	w.Write(buf.Bytes())
}

func (p *pages) funcs() template.FuncMap {
	return template.FuncMap{
		"asset": p.assets.address,
		"v":     func(s any) string { return report.Visible(fmt.Sprint(s)) },
		"upper": func(s any) string { return strings.ToUpper(fmt.Sprint(s)) },
		"num":   func(n any) string { return grouped(fmt.Sprint(n)) },
		"day": func(t time.Time) string {
			if t.IsZero() {
				return ""
			}
			return t.UTC().Format(time.DateOnly)
		},
		"minute": minute,
		"stamp":  func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"short":  short, "size": size, "percent": percent,
		"join":       func(s []string) string { return report.Visible(strings.Join(s, ", ")) },
		"image":      func(i store.Image) string { return imageURL(i.Repository, i.Digest) },
		"imageURL":   imageURL,
		"findingURL": findingURL,
		"query":      query,
		"word":       word,
		"levelClass": levelClass,
		"component":  componentName,
		"web":        webAddress,
		"answer":     func(v any) string { return answer(fmt.Sprint(v)) },
		"minus":      func(a, b int64) int64 { return a - b },
		"or2":        func(a, b string) string { return cmp.Or(a, b) },
		"list":       func(v ...any) []any { return v },
		"inc":        func(n int) int { return n + 1 },
		"capital":    capital,
		"took":       func(from, to time.Time) string { return to.Sub(from).Round(time.Second).String() },
		"active":     active,
		"tiles":      tiles,
		"barParts":   barParts,
	}
}

// imageURL is the address of an image's page.
func imageURL(repository, digest string) string {
	return (&url.URL{Path: "/images/" + repository + "@" + digest}).EscapedPath()
}

// findingURL is the address of a finding's story in one image.
func findingURL(repository, digest, id string) string {
	return imageURL(repository, digest) + "/findings/" + url.PathEscape(id)
}

// query makes an address of a path and pairs of names and values; pairs without
// a value are left out.
func query(path string, pairs ...any) string {
	q := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if value := fmt.Sprint(pairs[i+1]); value != "" {
			q.Set(fmt.Sprint(pairs[i]), value)
		}
	}
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}

// word is what is known of an image, as a badge says it.
func word(i store.Image) string {
	if i.State == store.Failed {
		return string(store.Failed)
	}
	return cmp.Or(string(i.Verdict), string(i.State))
}

// levelClass is the level of a finding as a badge says it.
func levelClass(f store.Finding) string {
	if f.Waived {
		return "waived"
	}
	return string(f.Level)
}

func componentName(c denylist.ComponentRef) string {
	return report.Visible(strings.TrimSpace(cmp.Or(c.Name, c.PURL, c.Ref, "(unnamed)") + " " + c.Version))
}

func webAddress(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
}

func answer(v string) string {
	if v == string(denylist.RulingNotCovered) {
		return "no ban"
	}
	return report.Visible(strings.ReplaceAll(v, "-", " "))
}

func minute(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04 UTC")
}

func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// short cuts a digest to the 12 digits that people compare.
func short(digest string) string {
	if _, digits, ok := strings.Cut(digest, ":"); ok {
		digest = digits
	}
	return report.Visible(digest[:min(12, len(digest))])
}

// grouped writes a whole number with commas.
func grouped(s string) string {
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// size writes bytes in decimal units, as registries do.
func size(n int64) string {
	const units = "kMGTPE"
	if n < 1000 {
		return fmt.Sprintf("%d B", n)
	}
	f, u := float64(n)/1000, 0
	for f >= 999.5 && u < len(units)-1 {
		f, u = f/1000, u+1
	}
	return fmt.Sprintf("%.3g %cB", f, units[u])
}

func percent(n, of int64) string {
	if of == 0 {
		return "0"
	}
	return fmt.Sprintf("%.2f", 100*float64(n)/float64(of))
}

// assets are the style sheet, the script and the icon.
type assets struct {
	body map[string][]byte
	sum  map[string]string
}

func newAssets() *assets {
	a := &assets{body: make(map[string][]byte), sum: make(map[string]string)}
	for _, name := range []string{"style.css", "live.js", "icon.svg"} {
		b, err := files.ReadFile("assets/" + name)
		if err != nil {
			panic(err) // it is embedded
		}
		sum := sha256.Sum256(b)
		a.body[name], a.sum[name] = b, hex.EncodeToString(sum[:8])
	}
	return a
}

// address is that of an asset, with its version.
func (a *assets) address(name string) string { return "/assets/" + name + "?v=" + a.sum[name] }

// serve answers an asset. By the address with its version it may be kept for
// ever, because another version has another address.
func (a *assets) serve(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	body, ok := a.body[name]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}[path.Ext(name)])
	if r.URL.Query().Get("v") == a.sum[name] {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	} else {
		w.Header().Set("Cache-Control", "no-cache")
	}
	w.Write(body)
}

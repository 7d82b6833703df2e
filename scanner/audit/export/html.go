package export

import (
	"bufio"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"strings"

	"github.com/interdict/interdict/denylist/report"
	"github.com/interdict/interdict/scanner/audit/store"

	_ "embed"
)

//go:embed page.css
var pageCSS string

var (
	imageColumns   = []string{"Verdict", "Repository", "Digest", "Platform", "Tags", "Team", "Findings"}
	findingColumns = []string{"Level", "Vendor", "Component", "Regimes", "Place", "Repository", "Digest", "First seen"}
)

// htmlPage is the head and foot of the self-contained pages: they load nothing
// and run nothing.
var htmlPage = template.Must(template.New("page").Parse(`{{define "head"}}<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="{{.Policy}}">
<title>interdict audit: {{.Title}}</title>
<style>{{.CSS}}</style>
</head>
<body>
<header><h1>interdict audit: {{.Title}}</h1></header>
<main>
{{end}}{{define "table"}}<div class="scroll"><table>
<caption>{{.Caption}}</caption>
<thead><tr>{{range .Columns}}<th scope="col">{{.}}</th>{{end}}</tr></thead>
<tbody>
{{end}}{{define "row"}}<tr>{{range .}}<td>{{if .Badge}}<span class="badge {{.Badge}}">{{.Text}}</span>{{else if .Code}}<code>{{.Text}}</code>{{else}}{{.Text}}{{end}}{{range .List}}<div>{{.}}</div>{{end}}</td>{{end}}</tr>
{{end}}{{define "endtable"}}</tbody></table></div>
{{end}}{{define "section"}}<h2>{{.}}</h2>
{{end}}{{define "paragraph"}}<p>{{.}}</p>
{{end}}{{define "items"}}<ul>{{range .}}<li>{{.}}</li>{{end}}</ul>
{{end}}{{define "foot"}}</main>
<footer><p class="soft">This page states what was found and what the cited texts say of it. It is not legal advice.</p></footer>
</body>
</html>
{{end}}`))

type pageHead struct {
	Title  string
	Policy string
	CSS    template.CSS
}

func head(title string) pageHead {
	sum := sha256.Sum256([]byte(pageCSS))
	return pageHead{title, "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'", template.CSS(pageCSS)}
}

type tableHead struct {
	Caption string
	Columns []string
}

// cell is one cell; its text is foreign.
type cell struct {
	Text  string
	Badge string
	Code  bool
	List  []string
}

func plain(s string) cell { return cell{Text: report.Visible(s)} }

func code(s string) cell { return cell{Text: report.Visible(s), Code: true} }

// htmlList is a page of one table, written as it is read.
type htmlList struct {
	w       *bufio.Writer
	title   string
	columns []string
}

func (l *htmlList) begin() error {
	if err := htmlPage.ExecuteTemplate(l.w, "head", head(l.title)); err != nil {
		return err
	}
	return htmlPage.ExecuteTemplate(l.w, "table", tableHead{"All that was asked for, one row each", l.columns})
}

func (l *htmlList) end() error {
	for _, part := range []string{"endtable", "foot"} {
		if err := htmlPage.ExecuteTemplate(l.w, part, nil); err != nil {
			return err
		}
	}
	return l.w.Flush()
}

func (l *htmlList) image(i store.Image, found []store.Finding) error {
	verdict := cell{Text: strings.ToUpper(string(i.Verdict)), Badge: string(i.Verdict)}
	if i.Verdict == "" {
		verdict = cell{Text: strings.ToUpper(string(i.State)), Badge: string(i.State)}
	}
	if i.State == store.Failed {
		verdict.List = []string{report.Visible(i.Error)}
	}
	what := cell{}
	for _, f := range found {
		what.List = append(what.List, fmt.Sprintf("%s: %s, %s (%s)", f.Level, report.Visible(vendorName(f)), report.Visible(componentName(f)), report.Visible(f.ID)))
	}
	return htmlPage.ExecuteTemplate(l.w, "row", []cell{
		verdict, plain(i.Repository), code(i.Digest), plain(i.Platform), plain(strings.Join(i.Tags, ", ")), plain(i.Team), what,
	})
}

func (l *htmlList) finding(f store.Finding) error {
	where := code(f.Path)
	if f.Hidden {
		where.List = []string{"hidden by a later layer, but it ships"}
	}
	return htmlPage.ExecuteTemplate(l.w, "row", []cell{
		levelCell(f), plain(vendorName(f)), plain(componentName(f)), {List: strings.Fields(report.Visible(rulings(f)))},
		where, plain(f.Repository), code(f.Digest), plain(day(f.FirstSeen)),
	})
}

func levelCell(f store.Finding) cell {
	if f.Waived {
		return cell{Text: "WAIVED", Badge: "waived"}
	}
	return cell{Text: strings.ToUpper(string(f.Level)), Badge: string(f.Level)}
}

func vendorName(f store.Finding) string {
	if f.VendorName != "" {
		return f.VendorName
	}
	return f.Vendor
}

func componentName(f store.Finding) string {
	c := f.Component
	name := c.Name
	for _, other := range []string{c.PURL, c.Ref, "(unnamed)"} {
		if name == "" {
			name = other
		}
	}
	return strings.TrimSpace(name + " " + c.Version)
}

func htmlCounts(w io.Writer, what string, counts []store.Count) error {
	b := bufio.NewWriter(w)
	if err := htmlPage.ExecuteTemplate(b, "head", head("by "+what)); err != nil {
		return err
	}
	if err := htmlCountTable(b, what, counts); err != nil {
		return err
	}
	if err := htmlPage.ExecuteTemplate(b, "foot", nil); err != nil {
		return err
	}
	return b.Flush()
}

func htmlCountTable(w io.Writer, what string, counts []store.Count) error {
	columns := []string{capital(what), "Images", "Images denied", "Images to review", "Findings", "First seen"}
	if err := htmlPage.ExecuteTemplate(w, "table", tableHead{"Images and findings by " + what, columns}); err != nil {
		return err
	}
	for _, c := range counts {
		row := []cell{plain(countName(c)), plain(number(c.Images)), plain(number(c.Deny)), plain(number(c.Review)), plain(number(c.Findings)), plain(day(c.FirstSeen))}
		if err := htmlPage.ExecuteTemplate(w, "row", row); err != nil {
			return err
		}
	}
	return htmlPage.ExecuteTemplate(w, "endtable", nil)
}

// countName is what people call it; what has no name, such as images without a
// team, says so.
func countName(c store.Count) string {
	switch {
	case c.Title != "":
		return c.Title
	case c.Name != "":
		return c.Name
	}
	return "(none)"
}

func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

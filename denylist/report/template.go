package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"strings"
	"text/template"
)

// writeTemplate runs a Go text/template over the report. The data is the
// *Report, with all its fields and those of denylist and sbom, so that
//
//	{{range .Targets}}{{.Target}}: {{.Outcome}}
//	{{range .Verdict.Findings}}{{.VendorName}} {{.Level}} {{visible .Component.Name}}
//	{{end}}{{end}}
//
// writes a line for each target and finding. Foreign text is not escaped of
// itself; beside the functions of text/template there are:
//
//	visible s     s on one line, control characters as escapes
//	html s        visible, escaped for HTML and XML
//	json v        v as JSON
//	csv s         visible, quoted for CSV, never a formula
//	markdown s    visible, escaped for Markdown
//	short s       the first 12 digits of a digest
//	join sep list strings joined
//	upper s, lower s
func writeTemplate(w io.Writer, r *Report, opt Options) error {
	if opt.Template == "" {
		return errors.New("the template is empty")
	}
	t, err := template.New("template").Option("missingkey=error").Funcs(template.FuncMap{
		"visible": func(v any) string { return visible(fmt.Sprint(v)) },
		"html":    func(v any) string { return html.EscapeString(visible(fmt.Sprint(v))) },
		"json": func(v any) (string, error) {
			b, err := json.Marshal(v)
			return string(b), err
		},
		"csv": func(v any) string {
			return `"` + strings.ReplaceAll(cells([]string{fmt.Sprint(v)})[0], `"`, `""`) + `"`
		},
		"markdown": func(v any) string { return mdText(fmt.Sprint(v)) },
		"short":    short,
		"join":     func(sep string, list []string) string { return strings.Join(list, sep) },
		"upper":    func(v any) string { return strings.ToUpper(fmt.Sprint(v)) },
		"lower":    func(v any) string { return strings.ToLower(fmt.Sprint(v)) },
	}).Parse(opt.Template)
	if err != nil {
		return err
	}
	return t.Execute(w, r)
}

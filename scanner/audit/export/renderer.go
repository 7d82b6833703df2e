package export

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"unicode/utf8"

	"github.com/interdict/interdict/denylist/report"
)

// renderer writes the parts of a report in one format. Texts are foreign.
type renderer interface {
	head(title, lead string)
	section(title string)
	paragraph(text string)
	items(texts []string)
	table(caption string, columns []string, rows [][]string)
	end() error
}

type textRenderer struct {
	w   io.Writer
	err error
}

func (p *textRenderer) printf(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format, args...)
	}
}

func (p *textRenderer) head(title, lead string) {
	p.printf("%s\n%s\n\n", report.Visible(title), strings.Repeat("=", len(title)))
	p.wrap("", "", lead)
}

func (p *textRenderer) section(title string) {
	p.printf("\n%s\n%s\n", report.Visible(title), strings.Repeat("-", len(title)))
}

func (p *textRenderer) paragraph(text string) { p.wrap("", "", text) }

func (p *textRenderer) items(texts []string) {
	for _, t := range texts {
		p.wrap("- ", "  ", t)
	}
}

// wrap breaks at 80 columns.
func (p *textRenderer) wrap(first, rest, text string) {
	line := first
	for i, word := range strings.Fields(report.Visible(text)) {
		if i > 0 && len(line)+1+len(word) > 80 {
			p.printf("%s\n", line)
			line = rest + word
			continue
		}
		if i > 0 {
			line += " "
		}
		line += word
	}
	p.printf("%s\n", line)
}

// widest is the widest table of the text format, in columns; what is wider
// becomes a list.
const widest = 100

func (p *textRenderer) table(caption string, columns []string, rows [][]string) {
	p.printf("\n%s\n", report.Visible(caption))
	var buf bytes.Buffer
	t := tabwriter.NewWriter(&buf, 0, 0, 2, ' ', 0)
	for _, row := range append([][]string{columns}, rows...) {
		fmt.Fprintln(t, "  "+strings.Join(each(row, report.Visible), "\t"))
	}
	t.Flush()
	for line := range strings.Lines(buf.String()) {
		if utf8.RuneCountInString(strings.TrimSpace(line)) > widest {
			p.list(columns, rows)
			return
		}
	}
	p.printf("%s", buf.String())
}

func (p *textRenderer) list(columns []string, rows [][]string) {
	for _, row := range rows {
		if len(row) == 2 {
			p.wrap("- ", "  ", row[0]+": "+row[1])
			continue
		}
		var parts []string
		for i, text := range row {
			if text != "" {
				parts = append(parts, columns[i]+": "+text)
			}
		}
		p.wrap("- ", "  ", strings.Join(parts, "; "))
	}
}

func (p *textRenderer) end() error { return p.err }

type markdownRenderer struct {
	w   io.Writer
	err error
}

func (p *markdownRenderer) printf(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format, args...)
	}
}

func (p *markdownRenderer) head(title, lead string) {
	p.printf("# %s\n\n%s\n", report.MarkdownText(title), report.MarkdownText(lead))
}

func (p *markdownRenderer) section(title string) { p.printf("\n## %s\n", report.MarkdownText(title)) }

func (p *markdownRenderer) paragraph(text string) { p.printf("\n%s\n", report.MarkdownText(text)) }

func (p *markdownRenderer) items(texts []string) {
	p.printf("\n")
	for _, t := range texts {
		p.printf("- %s\n", report.MarkdownText(t))
	}
}

func (p *markdownRenderer) table(caption string, columns []string, rows [][]string) {
	p.printf("\n%s\n\n", report.MarkdownText(caption))
	line := func(cells []string) { p.printf("| %s |\n", strings.Join(each(cells, report.MarkdownText), " | ")) }
	line(columns)
	p.printf("|%s\n", strings.Repeat(" --- |", len(columns)))
	for _, row := range rows {
		line(row)
	}
}

func (p *markdownRenderer) end() error { return p.err }

type htmlRenderer struct {
	w   *bufio.Writer
	err error
}

func newHTMLRenderer(w io.Writer) *htmlRenderer { return &htmlRenderer{w: bufio.NewWriter(w)} }

func (p *htmlRenderer) part(name string, data any) {
	if p.err == nil {
		p.err = htmlPage.ExecuteTemplate(p.w, name, data)
	}
}

func (p *htmlRenderer) head(title, lead string) {
	p.part("head", head(title))
	p.paragraph(lead)
}

func (p *htmlRenderer) section(title string) { p.part("section", report.Visible(title)) }

func (p *htmlRenderer) paragraph(text string) { p.part("paragraph", report.Visible(text)) }

func (p *htmlRenderer) items(texts []string) { p.part("items", each(texts, report.Visible)) }

func (p *htmlRenderer) table(caption string, columns []string, rows [][]string) {
	p.part("table", tableHead{report.Visible(caption), columns})
	for _, row := range rows {
		p.part("row", each(row, plain))
	}
	p.part("endtable", nil)
}

func (p *htmlRenderer) end() error {
	p.part("foot", nil)
	if p.err != nil {
		return p.err
	}
	return p.w.Flush()
}

package report

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/interdict/interdict/denylist"
	"github.com/interdict/interdict/sbom"
)

// Comparison is two targets, and what differs between them.
type Comparison struct {
	A, B       Target
	Components sbom.Difference
	Findings   denylist.Difference
}

// Compare compares two targets that both have an inventory and a verdict.
func Compare(a, b Target) *Comparison {
	return &Comparison{A: a, B: b, Components: sbom.Diff(a.Inventory, b.Inventory), Findings: denylist.Diff(a.Verdict, b.Verdict)}
}

// Empty reports whether neither components nor findings nor outcomes differ.
func (c *Comparison) Empty() bool {
	return c.Components.Empty() && c.Findings.Empty() && c.A.Outcome() == c.B.Outcome()
}

// The formats of comparisons are [JSON], [Markdown] and this one.
const Text Format = "text"

// ComparisonFormats returns all formats of comparisons.
func ComparisonFormats() []Format { return []Format{Text, JSON, Markdown} }

// WriteComparison writes a comparison in one of [ComparisonFormats].
func WriteComparison(w io.Writer, f Format, c *Comparison) error {
	switch f {
	case Text:
		return c.text(w)
	case JSON:
		return encodeJSON(w, c.wire(), true)
	case Markdown:
		return c.markdown(w)
	}
	return fmt.Errorf("writing comparison: no such format: %q", f)
}

// lines yields every difference: its sign, what sort of thing it is of, and
// words for both sides.
func (c *Comparison) lines(yield func(sign, kind, before, after string)) {
	if a, b := c.A.Outcome(), c.B.Outcome(); a != b {
		yield("~", "verdict", string(a), string(b))
	}
	found := func(f *denylist.Finding) string {
		return fmt.Sprintf("%s %s: %s", levelWord(f), cmp.Or(f.VendorName, f.Vendor), title(f))
	}
	for _, f := range c.Findings.Removed {
		yield("-", "finding", found(&f), "")
	}
	for _, f := range c.Findings.Added {
		yield("+", "finding", "", found(&f))
	}
	for _, ch := range c.Findings.Changed {
		yield("~", "finding", found(&ch.Before), found(&ch.After))
	}
	part := func(p *sbom.Component) string {
		name := p.Name
		if p.Group != "" {
			name = p.Group + "/" + name
		}
		return strings.TrimSpace(cmp.Or(name, p.PURL, p.Ref) + " " + p.Version)
	}
	for _, p := range c.Components.Removed {
		yield("-", "component", part(&p), "")
	}
	for _, p := range c.Components.Added {
		yield("+", "component", "", part(&p))
	}
	for _, ch := range c.Components.Changed {
		after := ch.After.Version
		if ch.Before.Version == after {
			after = strings.TrimSpace(after + " (other contents)")
		}
		yield("~", "component", part(&ch.Before), after)
	}
}

func (c *Comparison) counts() string {
	n := func(added, removed, changed int, what string) string {
		return fmt.Sprintf("%s: %d added, %d removed, %d changed", what, added, removed, changed)
	}
	f, p := c.Findings, c.Components
	return n(len(f.Added), len(f.Removed), len(f.Changed), "findings") + "; " + n(len(p.Added), len(p.Removed), len(p.Changed), "components")
}

// text is like a diff: a line for each difference, with "-", "+" or "~".
func (c *Comparison) text(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "--- %s\n+++ %s\n", visible(c.A.Target), visible(c.B.Target))
	c.lines(func(sign, kind, before, after string) {
		switch {
		case before == "":
			before = after
		case after != "":
			before += " -> " + after
		}
		fmt.Fprintf(&b, "%s %-9s %s\n", sign, kind, visible(before))
	})
	b.WriteString(c.counts() + "\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// maxMarkdownRows bounds the rows of the comment.
const maxMarkdownRows = 300

func (c *Comparison) markdown(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "## interdict: %s and %s\n\n%s\n", mdCode(c.A.Target), mdCode(c.B.Target), c.counts())
	rows, words := 0, map[string]string{"-": "removed", "+": "added", "~": "changed"}
	c.lines(func(sign, kind, before, after string) {
		if rows == 0 {
			b.WriteString("\n| | what | before | after |\n| --- | --- | --- | --- |\n")
		}
		if rows++; rows <= maxMarkdownRows && b.Len() < maxMarkdown {
			fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", words[sign], kind, mdText(before), mdText(after))
		} else {
			rows = max(rows, maxMarkdownRows+1)
		}
	})
	if rows > maxMarkdownRows {
		b.WriteString("\nMore differences are left out: this comment would be too long.\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

type wireSide struct {
	Target   string `json:"target"`
	Digest   string `json:"digest"`
	Platform string `json:"platform"`
	Verdict  string `json:"verdict"`
}

type wireChange[T any] struct {
	Before T `json:"before"`
	After  T `json:"after"`
}

type wireDifference[T any] struct {
	Added   []T             `json:"added"`
	Removed []T             `json:"removed"`
	Changed []wireChange[T] `json:"changed"`
}

type wireComparison struct {
	SchemaVersion string                        `json:"schemaVersion"`
	A             wireSide                      `json:"a"`
	B             wireSide                      `json:"b"`
	Findings      wireDifference[wireFinding]   `json:"findings"`
	Components    wireDifference[wireComponent] `json:"components"`
}

func (c *Comparison) wire() wireComparison {
	side := func(t *Target) wireSide {
		return wireSide{t.Target, t.Digest, t.Platform, string(t.Outcome())}
	}
	part := func(p sbom.Component) wireComponent {
		name := p.Name
		if p.Group != "" {
			name = p.Group + "/" + name
		}
		return wireComponent{Name: name, Version: p.Version, PURL: p.PURL, Type: string(p.Type), Ref: p.Ref}
	}
	return wireComparison{
		SchemaVersion: SchemaVersion, A: side(&c.A), B: side(&c.B),
		Findings: wireDifference[wireFinding]{
			Added: each(c.Findings.Added, findingToWire), Removed: each(c.Findings.Removed, findingToWire),
			Changed: each(c.Findings.Changed, func(ch denylist.Change) wireChange[wireFinding] {
				return wireChange[wireFinding]{findingToWire(ch.Before), findingToWire(ch.After)}
			}),
		},
		Components: wireDifference[wireComponent]{
			Added: each(c.Components.Added, part), Removed: each(c.Components.Removed, part),
			Changed: each(c.Components.Changed, func(ch sbom.Change) wireChange[wireComponent] {
				return wireChange[wireComponent]{part(ch.Before), part(ch.After)}
			}),
		},
	}
}

package report

import (
	"bytes"
	"cmp"
	"fmt"
	"html"
	"io"
	"strings"

	"github.com/interdict/interdict/denylist"
)

// maxMarkdown is how long a comment may be: GitHub takes 65,536 characters.
// Details are left out beyond it, never the verdicts.
const maxMarkdown = 60_000

// writeMarkdown writes a pull-request comment in GitHub Flavored Markdown.
func writeMarkdown(w io.Writer, r *Report, opt Options) error {
	var b bytes.Buffer
	b.WriteString("## interdict\n\n| verdict | target | findings | not examined |\n| --- | --- | --- | --- |\n")
	for i := range r.Targets {
		t := &r.Targets[i]
		weigh, _ := t.weighty()
		name := mdCode(t.Target)
		if t.Platform != "" {
			name += " " + mdText(t.Platform)
		}
		fmt.Fprintf(&b, "| **%s** | %s | %s | %d |\n", strings.ToUpper(string(t.Outcome())), name, mdText(t.tally().String()), len(weigh))
	}
	for _, warning := range r.WaiverWarnings() {
		fmt.Fprintf(&b, "\n%s.\n", mdText(capital(warning)))
	}
	skipped := 0
	for i := range r.Targets {
		part := mdTarget(r, &r.Targets[i], opt)
		if b.Len()+len(part) > maxMarkdown {
			skipped++
			continue
		}
		b.WriteString(part)
	}
	if skipped > 0 {
		fmt.Fprintf(&b, "\nThe details of %s are left out: this comment would be too long. See the full report.\n", count(skipped, "target"))
	}
	fmt.Fprintf(&b, "\n<sub>interdict %s, list %s", mdText(r.Tool.Version), mdText(strings.TrimSpace(r.List.Name+" "+r.List.Version)))
	if !r.AsOf.IsZero() {
		fmt.Fprintf(&b, ", law as of %s", r.AsOf)
	}
	b.WriteString("</sub>\n")
	_, err := w.Write(b.Bytes())
	return err
}

func mdTarget(r *Report, t *Target, opt Options) string {
	var b strings.Builder
	groups, left := t.groups(opt)
	weigh, _ := t.weighty()
	if t.Error == "" && len(groups) == 0 && len(weigh) == 0 {
		return ""
	}
	fmt.Fprintf(&b, "\n### %s\n", mdCode(t.Target))
	if t.Error != "" {
		fmt.Fprintf(&b, "\n**Error**: %s\n", mdText(t.Error))
	}
	for _, g := range groups {
		fmt.Fprintf(&b, "\n**%s**\n\n| level | component | regimes | where |\n| --- | --- | --- | --- |\n", mdText(g.Name))
		for _, f := range g.Findings {
			b.WriteString(mdRow(t, f))
		}
		for _, f := range g.Findings {
			b.WriteString(mdDetails(f))
		}
	}
	if left > 0 {
		fmt.Fprintf(&b, "\n%s of a name not shown.\n", count(left, "mere mention"))
	}
	if len(weigh) > 0 {
		fmt.Fprintf(&b, "\n<details><summary>not examined: %s</summary>\n\n", count(len(weigh), "thing"))
		for i, g := range weigh {
			if i == 50 {
				fmt.Fprintf(&b, "- and %d more\n", len(weigh)-i)
				break
			}
			fmt.Fprintf(&b, "- %s: %s\n", mdText(string(g.Reason)), mdCode(gapLine(t, g)))
		}
		b.WriteString("\n</details>\n")
	}
	return b.String()
}

func mdRow(t *Target, f *denylist.Finding) string {
	var laws []string
	for _, r := range f.Rulings {
		law := mdText(r.Regime) + ": " + mdText(string(r.Verdict))
		if r.Waiver != nil {
			law += ", waived"
		}
		laws = append(laws, law)
	}
	var where []string
	for i, o := range f.Occurrences {
		if i == 3 {
			where = append(where, fmt.Sprintf("and %d more", len(f.Occurrences)-i))
			break
		}
		where = append(where, mdCode(place(t, o)))
	}
	name := mdCode(componentName(f.Component))
	if f.EmbeddedIn != nil {
		name += " inside " + mdCode(componentName(*f.EmbeddedIn))
	}
	return fmt.Sprintf("| **%s** | %s | %s | %s |\n", levelWord(f), name, strings.Join(laws, "<br>"), strings.Join(where, "<br>"))
}

func mdDetails(f *denylist.Finding) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n<details><summary>evidence for <code>%s</code> (%s)</summary>\n\n", html.EscapeString(title(f)), html.EscapeString(shortID(f)))
	for i, p := range f.Matches {
		if i == 20 {
			fmt.Fprintf(&b, "- and %d more\n", len(f.Matches)-i)
			break
		}
		verified := ""
		if !p.Verified {
			verified = ", not verified"
		}
		fmt.Fprintf(&b, "- %s = %s: %s, rule %s%s\n", mdCode(string(p.Kind)), mdCode(p.Value), mdText(string(p.Strength)), mdCode(p.Rule), verified)
	}
	for _, s := range []string{capital(waived(f.Waiver)), f.Why, f.Change} {
		if s != "" {
			fmt.Fprintf(&b, "\n%s\n", mdText(s))
		}
	}
	b.WriteString("\n</details>\n")
	return b.String()
}

// mdText escapes what Markdown and HTML give a meaning to (CommonMark 0.31,
// section 2.4). A space of no width keeps an "@" from calling a person or a
// team, and an address from becoming a link.
func mdText(s string) string {
	s = visible(s)
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '<' || r == '>' || r == '&':
			fmt.Fprintf(&b, "&#%d;", r)
		case r == '@':
			b.WriteString("@&#8203;")
		case strings.ContainsRune("\\`*_{}[]#|~!$^", r):
			b.WriteByte('\\')
			b.WriteRune(r)
		default:
			b.WriteRune(r)
		}
	}
	return strings.ReplaceAll(b.String(), "://", ":&#8203;//")
}

// mdCode makes a code span of foreign text, also inside a table: a fence longer
// than any run of backticks in it (CommonMark 0.31, section 6.1), bars escaped
// (GFM, section 4.10).
func mdCode(s string) string {
	s = cmp.Or(visible(s), " ")
	longest, run := 0, 0
	for _, r := range s {
		if r == '`' {
			run++
			longest = max(longest, run)
		} else {
			run = 0
		}
	}
	fence := strings.Repeat("`", longest+1)
	if longest > 0 || strings.TrimSpace(s) != s {
		s = " " + s + " "
	}
	return fence + strings.ReplaceAll(s, "|", `\|`) + fence
}

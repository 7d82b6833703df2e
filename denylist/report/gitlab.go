package report

import (
	"cmp"
	"io"
	"strings"
	"time"

	"github.com/interdict/interdict/denylist"
)

// gitlabVersion is the version of GitLab's security report schema that is
// written: dependency-scanning-report-format.json of
// https://gitlab.com/gitlab-org/security-products/security-report-schemas
const gitlabVersion = "15.2.1"

type gitlabReport struct {
	Version         string                `json:"version"`
	Schema          string                `json:"schema"`
	Scan            gitlabScan            `json:"scan"`
	Vulnerabilities []gitlabVulnerability `json:"vulnerabilities"`
	DependencyFiles []struct{}            `json:"dependency_files"`
}

type gitlabScan struct {
	Analyzer gitlabTool      `json:"analyzer"`
	Scanner  gitlabTool      `json:"scanner"`
	Type     string          `json:"type"`
	Start    string          `json:"start_time"`
	End      string          `json:"end_time"`
	Status   string          `json:"status"`
	Messages []gitlabMessage `json:"messages,omitempty"`
}

type gitlabTool struct {
	ID      string     `json:"id"`
	Name    string     `json:"name"`
	URL     string     `json:"url"`
	Version string     `json:"version"`
	Vendor  gitlabName `json:"vendor"`
}

type gitlabName struct {
	Name string `json:"name"`
}

type gitlabMessage struct {
	Level string `json:"level"` // info, warn, fatal
	Value string `json:"value"`
}

type gitlabVulnerability struct {
	ID          string                  `json:"id"`
	Name        string                  `json:"name"`
	Description string                  `json:"description"`
	Severity    string                  `json:"severity"`
	Solution    string                  `json:"solution,omitempty"`
	Identifiers []gitlabIdentifier      `json:"identifiers"`
	Links       []gitlabLink            `json:"links,omitempty"`
	Location    gitlabLocation          `json:"location"`
	Details     map[string]gitlabDetail `json:"details,omitempty"`
}

type gitlabIdentifier struct {
	Type  string `json:"type"`
	Name  string `json:"name"`
	Value string `json:"value"`
	URL   string `json:"url,omitempty"`
}

type gitlabLink struct {
	Name string `json:"name,omitempty"`
	URL  string `json:"url"`
}

type gitlabLocation struct {
	File       string           `json:"file"`
	Dependency gitlabDependency `json:"dependency"`
}

type gitlabDependency struct {
	Package gitlabName `json:"package"`
	Version string     `json:"version"`
}

type gitlabDetail struct {
	Type  string `json:"type"`
	Name  string `json:"name"`
	Value string `json:"value"`
}

func writeGitLab(w io.Writer, r *Report, opt Options) error {
	tool := gitlabTool{
		ID: "interdict", Name: "interdict", URL: "https://github.com/interdict/interdict",
		Version: cmp.Or(visible(r.Tool.Version), "0"), Vendor: gitlabName{"interdict"},
	}
	at := cmp.Or(r.Created, time.Unix(0, 0)).UTC().Format("2006-01-02T15:04:05")
	out := gitlabReport{
		Version:         gitlabVersion,
		Schema:          "https://gitlab.com/gitlab-org/security-products/security-report-schemas/-/raw/v" + gitlabVersion + "/dist/dependency-scanning-report-format.json",
		Scan:            gitlabScan{Analyzer: tool, Scanner: tool, Type: "dependency_scanning", Start: at, End: at, Status: "success"},
		Vulnerabilities: []gitlabVulnerability{},
		DependencyFiles: []struct{}{},
	}
	prints := make(fingerprints)
	for i := range r.Targets {
		t := &r.Targets[i]
		groups, _ := t.groups(opt)
		for _, g := range groups {
			for _, f := range g.Findings {
				out.Vulnerabilities = append(out.Vulnerabilities, r.gitlabFinding(t, f, prints.next(f)))
			}
		}
		if t.Error == "" {
			out.Scan.Messages = append(out.Scan.Messages, gitlabMessage{"info", visible(t.Target) + ": " + string(t.Outcome()) + ": " + t.tally().String()})
		} else {
			out.Scan.Status = "failure"
			out.Scan.Messages = append(out.Scan.Messages, gitlabMessage{"fatal", visible(t.Target + ": " + t.Error)})
		}
		weigh, _ := t.weighty()
		for _, gap := range weigh {
			out.Scan.Messages = append(out.Scan.Messages, gitlabMessage{"warn", visible(t.Target) + ": not examined (" + visible(string(gap.Reason)) + "): " + gapLine(t, gap)})
		}
	}
	return encodeJSON(w, out, opt.Pretty)
}

func (r *Report) gitlabFinding(t *Target, f *denylist.Finding, id string) gitlabVulnerability {
	v := gitlabVulnerability{
		ID:          visible(id),
		Name:        cut(visible(cmp.Or(f.VendorName, f.Vendor))+": "+title(f), 255),
		Description: sentence(t, f),
		Severity:    map[denylist.Level]string{denylist.Denied: "Critical", denylist.Review: "Medium"}[f.Standing()],
		Solution:    cut(visible(f.Change), 7000),
		Identifiers: []gitlabIdentifier{{Type: "interdict", Name: sarifRuleID(f), Value: sarifRuleID(f)}},
		Location:    gitlabLocation{File: visible(t.Target), Dependency: gitlabDependency{gitlabName{visible(cmp.Or(f.Component.Name, f.Component.Ref, "unnamed"))}, visible(f.Component.Version)}},
	}
	if v.Severity == "" {
		v.Severity = "Info"
	}
	if len(f.Occurrences) > 0 {
		v.Location.File = visible(strings.TrimLeft(f.Occurrences[0].Path, "/"))
		v.Details = map[string]gitlabDetail{"place": {"text", "Place", place(t, f.Occurrences[0])}}
	}
	for _, ruling := range f.Rulings {
		v.Identifiers = append(v.Identifiers, gitlabIdentifier{Type: "regime", Name: visible(ruling.Regime + " (" + string(ruling.Verdict) + ")"), Value: visible(ruling.Regime)})
		if g := r.regime(ruling.Regime); g != nil {
			for _, s := range g.Sources {
				if webAddress(s) {
					v.Links = append(v.Links, gitlabLink{Name: visible(cmp.Or(ruling.Citation, ruling.Regime)), URL: s})
				}
			}
		}
	}
	return v
}

// cut shortens to n bytes at a character boundary.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n-3], "") + "..."
}

// qualityIssue is one entry of GitLab's code-quality report, which is a part of
// Code Climate's format: https://docs.gitlab.com/ci/testing/code_quality/
type qualityIssue struct {
	Description string          `json:"description"`
	CheckName   string          `json:"check_name"`
	Fingerprint string          `json:"fingerprint"`
	Severity    string          `json:"severity"`
	Location    qualityLocation `json:"location"`
}

type qualityLocation struct {
	Path  string       `json:"path"`
	Lines qualityLines `json:"lines"`
}

type qualityLines struct {
	Begin int `json:"begin"`
}

func writeGitLabQuality(w io.Writer, r *Report, opt Options) error {
	out := []qualityIssue{}
	prints := make(fingerprints)
	for i := range r.Targets {
		t := &r.Targets[i]
		groups, _ := t.groups(opt)
		for _, g := range groups {
			for _, f := range g.Findings {
				q := qualityIssue{
					Description: sentence(t, f), CheckName: sarifRuleID(f), Fingerprint: visible(prints.next(f)),
					Severity: map[denylist.Level]string{denylist.Denied: "blocker", denylist.Review: "major"}[f.Standing()],
					Location: qualityLocation{Path: visible(t.Target), Lines: qualityLines{1}},
				}
				if q.Severity == "" {
					q.Severity = "info"
				}
				if len(f.Occurrences) > 0 {
					q.Location.Path = visible(strings.TrimLeft(f.Occurrences[0].Path, "/"))
				}
				out = append(out, q)
			}
		}
	}
	return encodeJSON(w, out, opt.Pretty)
}

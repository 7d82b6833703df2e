package report

import (
	"cmp"
	"io"
	"net/url"
	"slices"
	"strings"

	"github.com/interdict/interdict/denylist"
	"github.com/interdict/interdict/sbom"
)

// The sarif types are the part of SARIF 2.1.0 that is written. They are our
// own because go-sarif v3.3.1 nests a property bag's values one level too deep:
// GitHub does not find "security-severity" there.
// https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
// https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning
type sarifLog struct {
	Schema  string     `json:"$schema"`
	Version string     `json:"version"`
	Runs    []sarifRun `json:"runs"`
}

type sarifRun struct {
	Tool        sarifTool         `json:"tool"`
	Automation  sarifAutomation   `json:"automationDetails"`
	Invocations []sarifInvocation `json:"invocations"`
	ColumnKind  string            `json:"columnKind"`
	Language    string            `json:"language"`
	Newlines    []string          `json:"newlineSequences"`
	Results     []sarifResult     `json:"results"`
	Properties  map[string]any    `json:"properties,omitempty"`
}

type sarifAutomation struct {
	ID string `json:"id"`
}

type sarifTool struct {
	Driver sarifDriver `json:"driver"`
}

type sarifDriver struct {
	Name           string      `json:"name"`
	Version        string      `json:"version,omitempty"`
	InformationURI string      `json:"informationUri"`
	Rules          []sarifRule `json:"rules"`
}

type sarifText struct {
	Text     string `json:"text"`
	Markdown string `json:"markdown,omitempty"`
}

type sarifRule struct {
	ID         string         `json:"id"`
	Name       string         `json:"name"`
	Short      sarifText      `json:"shortDescription"`
	Full       sarifText      `json:"fullDescription"`
	Help       sarifText      `json:"help"`
	HelpURI    string         `json:"helpUri,omitempty"`
	Default    sarifDefault   `json:"defaultConfiguration"`
	Properties map[string]any `json:"properties"`
}

type sarifDefault struct {
	Level string `json:"level"`
}

type sarifInvocation struct {
	Successful    bool                `json:"executionSuccessful"`
	Notifications []sarifNotification `json:"toolExecutionNotifications"`
}

type sarifNotification struct {
	Level     string          `json:"level"`
	Message   sarifText       `json:"message"`
	Locations []sarifLocation `json:"locations,omitempty"`
}

type sarifResult struct {
	RuleID       string             `json:"ruleId"`
	RuleIndex    int                `json:"ruleIndex"`
	Level        string             `json:"level"`
	Message      sarifText          `json:"message"`
	Locations    []sarifLocation    `json:"locations"`
	Fingerprints map[string]string  `json:"partialFingerprints"`
	Properties   map[string]any     `json:"properties"`
	Suppressions []sarifSuppression `json:"suppressions,omitempty"`
}

// sarifSuppression is that of a waived finding (SARIF 2.1.0, section 3.35).
type sarifSuppression struct {
	Kind          string `json:"kind"`
	Status        string `json:"status"`
	Justification string `json:"justification"`
}

type sarifLocation struct {
	Physical sarifPhysical  `json:"physicalLocation"`
	Logical  []sarifLogical `json:"logicalLocations,omitempty"`
	Message  *sarifText     `json:"message,omitempty"`
}

type sarifPhysical struct {
	Artifact sarifArtifact `json:"artifactLocation"`
	Region   sarifRegion   `json:"region"`
}

type sarifArtifact struct {
	URI string `json:"uri"`
}

type sarifRegion struct {
	StartLine int `json:"startLine"`
}

type sarifLogical struct {
	FullName string `json:"fullyQualifiedName"`
	Kind     string `json:"kind"`
}

// maxSARIFLocations is what GitHub reads of one result.
const maxSARIFLocations = 100

func writeSARIF(w io.Writer, r *Report, opt Options) error {
	run := sarifRun{
		Tool:       sarifTool{sarifDriver{Name: "interdict", Version: visible(r.Tool.Version), InformationURI: "https://github.com/interdict/interdict", Rules: []sarifRule{}}},
		Automation: sarifAutomation{ID: "interdict/"},
		ColumnKind: "utf16CodeUnits",
		Language:   "en-US",
		Newlines:   []string{"\n"},
		Results:    []sarifResult{},
		Properties: map[string]any{"list": r.List.Name, "listVersion": r.List.Version, "asOf": r.AsOf.String(), "verdict": r.Outcome()},
	}
	rules := sarifRules(r, opt)
	prints := make(fingerprints)
	run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, rules...)
	inv := sarifInvocation{Successful: true, Notifications: []sarifNotification{}}
	for i := range r.Targets {
		t := &r.Targets[i]
		run.Results = append(run.Results, sarifResults(t, rules, prints, opt)...)
		if t.Error != "" {
			inv.Successful = false
			inv.Notifications = append(inv.Notifications, sarifNotification{Level: "error", Message: sarifText{Text: visible(t.Target + ": " + t.Error)}})
		}
		weigh, noted := t.weighty()
		for _, g := range weigh {
			inv.Notifications = append(inv.Notifications, sarifGap(t, g, "warning"))
		}
		for _, g := range noted {
			inv.Notifications = append(inv.Notifications, sarifGap(t, g, "note"))
		}
	}
	run.Invocations = []sarifInvocation{inv}
	return encodeJSON(w, sarifLog{
		Schema:  "https://json.schemastore.org/sarif-2.1.0.json",
		Version: "2.1.0",
		Runs:    []sarifRun{run},
	}, opt.Pretty)
}

func sarifGap(t *Target, g sbom.Gap, level string) sarifNotification {
	n := sarifNotification{Level: level, Message: sarifText{Text: visible(t.Target) + ": not examined (" + visible(string(g.Reason)) + "): " + gapLine(t, g)}}
	if g.Path != "" {
		n.Locations = []sarifLocation{sarifPlace(t, sbom.Occurrence{Path: g.Path, Layer: g.Layer})}
	}
	return n
}

// sarifRuleID names what was found, not how: a result keeps its rule when the
// denylist learns another way to see it.
func sarifRuleID(f *denylist.Finding) string {
	return visible(f.Vendor) + "/" + visible(string(cmp.Or(f.Identifies, denylist.Product)))
}

// sarifRules makes one rule for each vendor and sort of thing that was found.
func sarifRules(r *Report, opt Options) []sarifRule {
	worst := make(map[string]*denylist.Finding)
	for i := range r.Targets {
		groups, _ := r.Targets[i].groups(opt)
		for _, g := range groups {
			for _, f := range g.Findings {
				id := sarifRuleID(f)
				if old := worst[id]; old == nil || rank(f) < rank(old) {
					worst[id] = f
				}
			}
		}
	}
	var out []sarifRule
	for id, f := range worst {
		out = append(out, r.sarifRule(id, f))
	}
	slices.SortFunc(out, func(a, b sarifRule) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

func (r *Report) sarifRule(id string, f *denylist.Finding) sarifRule {
	vendor := visible(cmp.Or(f.VendorName, f.Vendor))
	what := cmp.Or(identifies(f), "the vendor's software")
	text := "Found: " + what + " (" + vendor + ")."
	md := "Found: " + what + " (" + mdText(vendor) + ")."
	var sources []string
	for _, ruling := range f.Rulings {
		text += "\n" + visible(ruling.Regime) + ": " + visible(string(ruling.Verdict)) + ". " + visible(ruling.Citation) + ". " + visible(ruling.Reason)
		md += "\n\n**" + mdText(ruling.Regime) + "**: " + mdText(string(ruling.Verdict)) + ". " + mdText(ruling.Citation) + ". " + mdText(ruling.Reason)
		if g := r.regime(ruling.Regime); g != nil {
			for _, s := range []string{g.Remedy, g.Reporting} {
				if s != "" {
					text += " " + visible(s)
					md += "\n" + mdText(s)
				}
			}
			for _, s := range g.Sources {
				if webAddress(s) {
					sources = append(sources, s)
				}
			}
		}
	}
	rule := sarifRule{
		ID: id, Name: "BannedVendor" + strings.ReplaceAll(sarifTitle(string(f.Identifies)), " ", ""),
		Short:   sarifText{Text: "Software of " + vendor + ": " + what},
		Full:    sarifText{Text: text},
		Help:    sarifText{Text: text, Markdown: md},
		Default: sarifDefault{sarifLevel(f)},
		Properties: map[string]any{
			"tags": []string{"security", "supply-chain", "compliance"}, "precision": "high", "security-severity": severity(f),
		},
	}
	if len(sources) > 0 {
		rule.HelpURI = sources[0]
	}
	return rule
}

func sarifTitle(s string) string {
	var b strings.Builder
	for word := range strings.SplitSeq(s, "-") {
		if word != "" {
			b.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
	}
	return visible(b.String())
}

// severity is GitHub's security-severity, 0.0 to 10.0: over 9.0 is critical,
// 4.0 to 6.9 medium, under 4.0 low.
func severity(f *denylist.Finding) string {
	switch f.Level {
	case denylist.Denied:
		return "9.5"
	case denylist.Review:
		return "5.0"
	}
	return "1.0"
}

func sarifLevel(f *denylist.Finding) string {
	switch f.Level {
	case denylist.Denied:
		return "error"
	case denylist.Review:
		return "warning"
	}
	return "note"
}

func sarifResults(t *Target, rules []sarifRule, prints fingerprints, opt Options) []sarifResult {
	var out []sarifResult
	groups, _ := t.groups(opt)
	for _, g := range groups {
		for _, f := range g.Findings {
			id := sarifRuleID(f)
			index, _ := slices.BinarySearchFunc(rules, id, func(r sarifRule, id string) int { return cmp.Compare(r.ID, id) })
			res := sarifResult{
				RuleID: id, RuleIndex: index, Level: sarifLevel(f),
				Message: sarifText{Text: sentence(t, f)},
				// The second is the one that GitHub compares.
				Fingerprints: map[string]string{
					"interdictFinding/v1":     visible(f.ID),
					"primaryLocationLineHash": visible(prints.next(f)),
				},
				Properties: map[string]any{
					"finding": visible(f.ID), "target": visible(t.Target), "digest": visible(t.Digest), "platform": visible(t.Platform), "level": f.Level,
					"component": visible(componentName(f.Component)), "purl": visible(f.Component.PURL), "hidden": f.Hidden(),
					"regimes": each(f.Rulings, func(r denylist.Ruling) string { return visible(r.Regime + ": " + string(r.Verdict)) }),
				},
			}
			if f.Waiver != nil {
				res.Suppressions = []sarifSuppression{{"external", "accepted", waived(f.Waiver)}}
			}
			for _, o := range f.Occurrences[:min(len(f.Occurrences), maxSARIFLocations)] {
				res.Locations = append(res.Locations, sarifPlace(t, o))
			}
			if res.Locations == nil {
				res.Locations = []sarifLocation{sarifPlace(t, sbom.Occurrence{})}
			}
			out = append(out, res)
		}
	}
	return out
}

// sarifPlace is a place as a relative reference, which is what GitHub shows.
func sarifPlace(t *Target, o sbom.Occurrence) sarifLocation {
	path := cmp.Or(strings.TrimLeft(o.Path, "/"), "(image)")
	l := sarifLocation{Physical: sarifPhysical{
		Artifact: sarifArtifact{URI: (&url.URL{Path: path}).EscapedPath()},
		Region:   sarifRegion{StartLine: 1},
	}}
	if strings.Contains(strings.SplitN(path, "/", 2)[0], ":") { // RFC 3986, section 4.2
		l.Physical.Artifact.URI = "./" + l.Physical.Artifact.URI
	}
	if name := t.layerName(o.Layer); name != "" {
		l.Logical = []sarifLogical{{FullName: name, Kind: "layer"}}
		if o.Hidden {
			l.Message = &sarifText{Text: "hidden by a later layer, but it ships with the image"}
		}
	}
	return l
}

// sentence tells one finding in a line or two, for places without room.
func sentence(t *Target, f *denylist.Finding) string {
	s := title(f) + ": " + cmp.Or(identifies(f), "software") + ", " + visible(cmp.Or(f.VendorName, f.Vendor))
	var denied, review []string
	for _, r := range f.Rulings {
		if r.Waiver != nil && f.Waiver == nil {
			continue // the others decide
		}
		switch r.Verdict {
		case denylist.RulingDenied:
			denied = append(denied, visible(r.Regime))
		case denylist.RulingReview:
			review = append(review, visible(r.Regime))
		}
	}
	if denied != nil {
		s += "; banned by " + strings.Join(denied, ", ")
	}
	if review != nil {
		s += "; to be reviewed under " + strings.Join(review, ", ")
	}
	s += "."
	if f.Waiver != nil {
		s += " " + capital(waived(f.Waiver)) + "."
	}
	if len(f.Occurrences) > 0 {
		s += " At " + place(t, f.Occurrences[0]) + "."
	}
	if f.Why != "" {
		s += " " + visible(f.Why)
	}
	return s
}

// webAddress reports whether s is safe to make a link of.
func webAddress(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
}

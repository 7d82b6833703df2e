package report

import (
	"time"

	"github.com/interdict/interdict/denylist"
	"github.com/interdict/interdict/sbom"
)

// The wire types are the json format, field by field; schema/report.schema.json
// describes them. They are apart from the nouns so that the format stays when
// the nouns change.
type wireReport struct {
	SchemaVersion string       `json:"schemaVersion"`
	Tool          wireTool     `json:"tool"`
	List          wireList     `json:"list"`
	AsOf          string       `json:"asOf,omitempty"`    // ISO 8601 day
	Created       string       `json:"created,omitempty"` // RFC 3339
	Regimes       []wireRegime `json:"regimes"`
	Targets       []wireTarget `json:"targets"`
	Waivers       []wireWaiver `json:"waivers,omitempty"`
}

type wireTool struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

type wireList struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Digest  string `json:"digest,omitempty"`
}

type wireRegime struct {
	ID         string         `json:"id"`
	Name       string         `json:"name"`
	Authority  string         `json:"authority,omitempty"`
	Citation   string         `json:"citation,omitempty"`
	Effects    []string       `json:"effects"`
	Who        string         `json:"who,omitempty"`
	Issued     string         `json:"issued,omitempty"`
	Effective  string         `json:"effective,omitempty"`
	Ends       string         `json:"ends,omitempty"`
	Deadlines  []wireDeadline `json:"deadlines"`
	Reporting  string         `json:"reporting,omitempty"`
	Remedy     string         `json:"remedy,omitempty"`
	Exceptions []string       `json:"exceptions"`
	Status     string         `json:"status,omitempty"`
	Sources    []string       `json:"sources"`
	Verified   bool           `json:"verified"`
}

type wireDeadline struct {
	Date   string `json:"date,omitempty"`
	Period string `json:"period,omitempty"`
	What   string `json:"what"`
}

type wireTarget struct {
	Target   string        `json:"target"`
	Digest   string        `json:"digest"`
	Platform string        `json:"platform"`
	Verdict  string        `json:"verdict"`
	Error    string        `json:"error,omitempty"`
	Foreign  string        `json:"foreign,omitempty"`
	Subject  *wireSubject  `json:"subject,omitempty"`
	Regimes  []string      `json:"regimesAsked"`
	Detected []string      `json:"detectors"`
	Findings []wireFinding `json:"findings"`
	Coverage wireCoverage  `json:"coverage"`
	Layers   []wireLayer   `json:"layers"`
}

type wireSubject struct {
	Kind      string `json:"kind"`
	Name      string `json:"name"`
	ImageID   string `json:"imageID,omitempty"`
	IndexedBy string `json:"indexedBy,omitempty"`
	PURL      string `json:"purl,omitempty"`
}

type wireFinding struct {
	ID          string           `json:"id"`
	Vendor      string           `json:"vendor"`
	VendorName  string           `json:"vendorName"`
	Level       string           `json:"level"`
	Identity    string           `json:"identity,omitempty"`
	Identifies  string           `json:"identifies"`
	Hidden      bool             `json:"hidden"`
	Regimes     []wireRuling     `json:"regimes"`
	Component   wireComponent    `json:"component"`
	Host        *wireComponent   `json:"host,omitempty"`
	Occurrences []wireOccurrence `json:"occurrences"`
	Evidence    []wireEvidence   `json:"evidence"`
	Why         string           `json:"why,omitempty"`
	Change      string           `json:"change,omitempty"`
	Waiver      *wireWaiver      `json:"waiver,omitempty"`
}

type wireRuling struct {
	ID       string `json:"id"`
	Verdict  string `json:"verdict"`
	Citation string `json:"citation"`
	Reason   string `json:"reason,omitempty"`

	Waiver *wireWaiver `json:"waiver,omitempty"`
}

type wireComponent struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	PURL    string `json:"purl"`
	Type    string `json:"type,omitempty"`
	Ref     string `json:"ref,omitempty"`
}

type wireOccurrence struct {
	Layer  string `json:"layer"`
	Path   string `json:"path"`
	Hidden bool   `json:"hidden"`
	Digest string `json:"digest,omitempty"`
}

type wireEvidence struct {
	Kind       string `json:"kind"`
	Value      string `json:"value"`
	Rule       string `json:"rule"`
	Strength   string `json:"strength"`
	Source     string `json:"source"`
	Identifies string `json:"identifies,omitempty"`
	Path       string `json:"path,omitempty"`
	Layer      string `json:"layer,omitempty"`
	Where      string `json:"where,omitempty"`
	Detector   string `json:"detector,omitempty"`
	Count      int    `json:"count,omitempty"`
	Group      string `json:"group,omitempty"`
	Format     string `json:"format,omitempty"`
	Verified   bool   `json:"verified"`
}

type wireCoverage struct {
	FilesSeen     int64     `json:"filesSeen"`
	FilesExamined int64     `json:"filesExamined"`
	BytesSeen     int64     `json:"bytesSeen"`
	NotExamined   []wireGap `json:"notExamined"`
}

type wireGap struct {
	Path     string `json:"path"`
	Layer    string `json:"layer"`
	Reason   string `json:"reason"`
	Detail   string `json:"detail,omitempty"`
	Detector string `json:"detector,omitempty"`
}

type wireLayer struct {
	DiffID    string `json:"diffID"`
	Digest    string `json:"digest,omitempty"`
	ChainID   string `json:"chainID,omitempty"`
	MediaType string `json:"mediaType,omitempty"`
	Size      int64  `json:"size,omitempty"`
	CreatedBy string `json:"createdBy,omitempty"`
}

// each maps a slice; the result is never nil, so that JSON has a list.
func each[A, B any](in []A, fn func(A) B) []B {
	out := make([]B, len(in))
	for i, a := range in {
		out[i] = fn(a)
	}
	return out
}

func same(s string) string { return s }

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func toWire(r *Report) wireReport {
	version := r.SchemaVersion
	if version == "" {
		version = SchemaVersion
	}
	return wireReport{
		SchemaVersion: version,
		Tool:          wireTool{r.Tool.Name, r.Tool.Version},
		List:          wireList(r.List),
		AsOf:          r.AsOf.String(),
		Created:       stamp(r.Created),
		Regimes:       each(r.Regimes, regimeToWire),
		Targets:       each(r.Targets, targetToWire),
		Waivers:       usesToWire(r.Waivers),
	}
}

func regimeToWire(g denylist.Regime) wireRegime {
	return wireRegime{
		ID: g.ID, Name: g.Name, Authority: g.Authority, Citation: g.Citation,
		Effects: each(g.Effects, func(e denylist.Effect) string { return string(e) }),
		Who:     g.Who, Issued: g.Issued.String(), Effective: g.Effective.String(), Ends: g.Ends.String(),
		Deadlines: each(g.Deadlines, func(d denylist.Deadline) wireDeadline {
			return wireDeadline{d.Date.String(), d.Period, d.What}
		}),
		Reporting: g.Reporting, Remedy: g.Remedy, Exceptions: each(g.Exceptions, same),
		Status: g.Status, Sources: each(g.Sources, same), Verified: g.Verified,
	}
}

func targetToWire(t Target) wireTarget {
	out := wireTarget{
		Target: t.Target, Digest: t.Digest, Platform: t.Platform, Error: t.Error,
		Verdict:  string(t.Outcome()),
		Regimes:  each(t.Verdict.Regimes, same),
		Findings: each(t.Verdict.Findings, findingToWire),
		Layers:   []wireLayer{},
		Detected: []string{},
		Coverage: wireCoverage{NotExamined: each(t.gaps(), func(g sbom.Gap) wireGap {
			return wireGap{g.Path, g.Layer, string(g.Reason), g.Detail, g.Detector}
		})},
	}
	if inv := t.Inventory; inv != nil {
		out.Foreign = inv.Foreign
		out.Detected = each(inv.Tool.Detectors, same)
		s := inv.Subject
		out.Subject = &wireSubject{string(s.Kind), s.Name, s.ImageID, s.IndexedBy, s.PURL}
		out.Layers = each(inv.Layers, func(l sbom.Layer) wireLayer { return wireLayer(l) })
		out.Coverage.FilesSeen = inv.Coverage.FilesSeen
		out.Coverage.FilesExamined = inv.Coverage.FilesExamined
		out.Coverage.BytesSeen = inv.Coverage.BytesSeen
	}
	return out
}

func findingToWire(f denylist.Finding) wireFinding {
	out := wireFinding{
		ID: f.ID, Vendor: f.Vendor, VendorName: f.VendorName, Level: string(f.Level), Identity: string(f.Identity),
		Identifies: string(f.Identifies), Hidden: f.Hidden(),
		Regimes: each(f.Rulings, func(r denylist.Ruling) wireRuling {
			return wireRuling{r.Regime, string(r.Verdict), r.Citation, r.Reason, waiverToWire(r.Waiver)}
		}),
		Component: componentToWire(f.Component),
		Occurrences: each(f.Occurrences, func(o sbom.Occurrence) wireOccurrence {
			return wireOccurrence{o.Layer, o.Path, o.Hidden, o.Digest}
		}),
		Evidence: each(f.Matches, proofToWire),
		Why:      f.Why, Change: f.Change, Waiver: waiverToWire(f.Waiver),
	}
	if f.EmbeddedIn != nil {
		h := componentToWire(*f.EmbeddedIn)
		out.Host = &h
	}
	return out
}

func componentToWire(c denylist.ComponentRef) wireComponent {
	return wireComponent{Name: c.Name, Version: c.Version, PURL: c.PURL, Type: c.Type, Ref: c.Ref}
}

func proofToWire(p denylist.Match) wireEvidence {
	return wireEvidence{
		Kind: string(p.Kind), Value: p.Value, Rule: p.Rule, Strength: string(p.Strength), Source: p.Source,
		Identifies: string(p.Identifies), Path: p.Path, Layer: p.Layer, Where: p.Where, Detector: p.Detector,
		Count: p.Count, Group: p.Group, Format: string(p.Format), Verified: p.Verified,
	}
}

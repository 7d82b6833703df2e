package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"time"

	"github.com/interdict/interdict/denylist"
	"github.com/interdict/interdict/sbom"

	_ "embed"
)

//go:embed schema/report.schema.json
var schema []byte

// Schema returns the JSON Schema (draft 2020-12) of the json format.
func Schema() []byte { return append([]byte(nil), schema...) }

func writeJSON(w io.Writer, r *Report, opt Options) error {
	return encodeJSON(w, toWire(r), opt.Pretty)
}

func encodeJSON(w io.Writer, v any, pretty bool) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	if pretty {
		enc.SetIndent("", "  ")
	}
	return enc.Encode(v)
}

// maxReport is the largest json report that Read reads, in bytes.
const maxReport = 512 << 20

// Read reads a report that Write wrote as [JSON]. It has no components beyond
// those of the findings.
func Read(r io.Reader) (*Report, error) {
	limited := &io.LimitedReader{R: r, N: maxReport + 1}
	dec := json.NewDecoder(limited)
	var w wireReport
	if err := dec.Decode(&w); err != nil {
		if limited.N <= 0 {
			return nil, fmt.Errorf("reading report: it is larger than %d bytes", maxReport)
		}
		return nil, fmt.Errorf("reading report: %w", err)
	}
	if major, _, _ := strings.Cut(w.SchemaVersion, "."); major != "1" {
		if w.SchemaVersion == "" {
			return nil, errors.New("reading report: not an interdict report: it has no schemaVersion")
		}
		return nil, fmt.Errorf("reading report: its schemaVersion is %q, this interdict reads 1.x", w.SchemaVersion)
	}
	out := &Report{
		SchemaVersion: w.SchemaVersion,
		Tool:          sbom.Tool{Name: w.Tool.Name, Version: w.Tool.Version},
		List:          denylist.ListID(w.List),
	}
	var err error
	if out.AsOf, err = denylist.ParseDate(w.AsOf); err != nil {
		return nil, fmt.Errorf("reading report: asOf: %w", err)
	}
	if w.Created != "" {
		if out.Created, err = time.Parse(time.RFC3339, w.Created); err != nil {
			return nil, fmt.Errorf("reading report: created: %w", err)
		}
	}
	for _, g := range w.Regimes {
		regime, err := regimeFromWire(g)
		if err != nil {
			return nil, fmt.Errorf("reading report: regime %s: %w", g.ID, err)
		}
		out.Regimes = append(out.Regimes, regime)
	}
	out.Waivers = usesFromWire(w.Waivers)
	for _, t := range w.Targets {
		out.Targets = append(out.Targets, targetFromWire(t, out))
	}
	return out, nil
}

func regimeFromWire(g wireRegime) (denylist.Regime, error) {
	out := denylist.Regime{
		ID: g.ID, Name: g.Name, Authority: g.Authority, Citation: g.Citation, Who: g.Who,
		Effects:   some(g.Effects, func(s string) denylist.Effect { return denylist.Effect(s) }),
		Reporting: g.Reporting, Remedy: g.Remedy, Exceptions: g.Exceptions,
		Status: g.Status, Sources: g.Sources, Verified: g.Verified,
	}
	var errs [4]error
	out.Issued, errs[0] = denylist.ParseDate(g.Issued)
	out.Effective, errs[1] = denylist.ParseDate(g.Effective)
	out.Ends, errs[2] = denylist.ParseDate(g.Ends)
	for _, d := range g.Deadlines {
		date, err := denylist.ParseDate(d.Date)
		errs[3] = errors.Join(errs[3], err)
		out.Deadlines = append(out.Deadlines, denylist.Deadline{Date: date, Period: d.Period, What: d.What})
	}
	return out, errors.Join(errs[:]...)
}

func targetFromWire(t wireTarget, r *Report) Target {
	gaps := some(t.Coverage.NotExamined, func(g wireGap) sbom.Gap {
		return sbom.Gap{Path: g.Path, Layer: g.Layer, Reason: sbom.Reason(g.Reason), Detail: g.Detail, Detector: g.Detector}
	})
	out := Target{
		Target: t.Target, Digest: t.Digest, Platform: t.Platform, Error: t.Error,
		Verdict: denylist.Verdict{
			Outcome: denylist.Outcome(t.Verdict), Regimes: t.Regimes, AsOf: r.AsOf, List: r.List,
			Findings: some(t.Findings, findingFromWire), Gaps: gaps,
		},
	}
	if t.Subject != nil {
		out.Inventory = &sbom.Inventory{
			Subject: sbom.Subject{
				Kind: sbom.SubjectKind(t.Subject.Kind), Name: t.Subject.Name, Digest: t.Digest, Platform: t.Platform,
				ImageID: t.Subject.ImageID, IndexedBy: t.Subject.IndexedBy, PURL: t.Subject.PURL,
			},
			Tool:    sbom.Tool{Name: r.Tool.Name, Version: r.Tool.Version, Detectors: t.Detected},
			Created: r.Created,
			Layers:  some(t.Layers, func(l wireLayer) sbom.Layer { return sbom.Layer(l) }),
			Foreign: t.Foreign,
			Coverage: sbom.Coverage{
				FilesSeen: t.Coverage.FilesSeen, FilesExamined: t.Coverage.FilesExamined,
				BytesSeen: t.Coverage.BytesSeen, Gaps: gaps,
			},
		}
	}
	return out
}

// Brief returns the target as the json format holds it: without components,
// and without the memory of the document that they were read from. Reports of
// many targets are made of these, unless a bill of materials is among them.
func (t Target) Brief(r *Report) Target {
	wire := targetToWire(t)
	copyTexts(reflect.ValueOf(&wire).Elem())
	return targetFromWire(wire, r)
}

// copyTexts puts a copy into the place of every string in v.
func copyTexts(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(strings.Clone(v.String()))
	case reflect.Pointer:
		if !v.IsNil() {
			copyTexts(v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			copyTexts(v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			copyTexts(v.Field(i))
		}
	}
}

func findingFromWire(f wireFinding) denylist.Finding {
	out := denylist.Finding{
		ID: f.ID, Vendor: f.Vendor, VendorName: f.VendorName, Level: denylist.Level(f.Level),
		Identity: denylist.Level(f.Identity), Identifies: denylist.Identifies(f.Identifies),
		Rulings: some(f.Regimes, func(r wireRuling) denylist.Ruling {
			return denylist.Ruling{Regime: r.ID, Verdict: denylist.RulingVerdict(r.Verdict), Citation: r.Citation, Reason: r.Reason, Waiver: waiverFromWire(r.Waiver)}
		}),
		Component: denylist.ComponentRef(f.Component.ref()),
		Occurrences: some(f.Occurrences, func(o wireOccurrence) sbom.Occurrence {
			return sbom.Occurrence{Path: o.Path, Layer: o.Layer, Hidden: o.Hidden, Digest: o.Digest}
		}),
		Matches: some(f.Evidence, proofFromWire),
		Why:     f.Why, Change: f.Change, Waiver: waiverFromWire(f.Waiver),
	}
	if f.Host != nil {
		h := f.Host.ref()
		out.EmbeddedIn = &h
	}
	return out
}

func (c wireComponent) ref() denylist.ComponentRef {
	return denylist.ComponentRef{Ref: c.Ref, Type: c.Type, Name: c.Name, Version: c.Version, PURL: c.PURL}
}

func proofFromWire(e wireEvidence) denylist.Match {
	return denylist.Match{
		Evidence: sbom.Evidence{
			Kind: sbom.Kind(e.Kind), Value: e.Value, Path: e.Path, Layer: e.Layer, Where: e.Where,
			Detector: e.Detector, Count: e.Count, Group: e.Group, Format: sbom.FileFormat(e.Format),
		},
		Rule: e.Rule, Strength: denylist.Strength(e.Strength), Identifies: denylist.Identifies(e.Identifies),
		Source: e.Source, Verified: e.Verified,
	}
}

// some is each for reading: an empty list is nil, as it was before it was
// written.
func some[A, B any](in []A, fn func(A) B) []B {
	if len(in) == 0 {
		return nil
	}
	return each(in, fn)
}

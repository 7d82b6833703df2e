// Package report writes verdicts for people and for programs: one typed
// Report, and one sink for each format.
package report

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/interdict/interdict/denylist"
	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/sbom/cyclonedx"
	"github.com/interdict/interdict/sbom/spdx"
)

// SchemaVersion is the version of the json format. The minor number grows when
// fields are added, the major one when a field changes or goes.
const SchemaVersion = "1.0"

// Report is the result of one run. Its sinks only read it.
type Report struct {
	SchemaVersion string // SchemaVersion when empty
	Tool          sbom.Tool
	List          denylist.ListID
	AsOf          denylist.Date
	// Regimes are those that were asked, with their law and duties; the sinks
	// for people print them. Sorted by ID.
	Regimes []denylist.Regime
	Created time.Time // UTC; zero means not stated
	Targets []Target  // in the order given by the user
	// Waivers are those that were given, and what became of them for all targets.
	Waivers []denylist.WaiverUse
}

// Target is the result of one target and platform.
type Target struct {
	Target    string // as the user wrote it
	Digest    string // of the manifest or file; empty for a folder
	Platform  string // "os/arch[/variant]"; empty when it has none
	Inventory *sbom.Inventory
	Verdict   denylist.Verdict
	// Error tells why there is no verdict. Inventory is then nil or partial.
	Error string
}

// Format names a sink.
type Format string

// The formats.
const (
	Table         Format = "table"
	JSON          Format = "json"
	CycloneDXJSON Format = "cyclonedx-json"
	CycloneDXXML  Format = "cyclonedx-xml"
	SPDXJSON      Format = "spdx-json"
	SARIF         Format = "sarif"
	JUnit         Format = "junit"
	GitLab        Format = "gitlab"         // dependency-scanning report
	GitLabQuality Format = "gitlab-quality" // code-quality report
	CSV           Format = "csv"
	Markdown      Format = "markdown"
	HTML          Format = "html"
	Template      Format = "template"
)

// Options say how to write. The zero value is good for a file.
type Options struct {
	Width    int    // columns of the terminal, for table; 80 when zero
	Color    bool   // ANSI colours, for table
	Mentions bool   // show findings of level mention
	Template string // text of the Go template, for Template
	// SpecVersion, Pretty and Files are those of cyclonedx.Options; Pretty also
	// indents json, sarif and gitlab.
	SpecVersion string
	Pretty      bool
	Files       bool
	// Declarations adds the verdict to CycloneDX documents, as attestations
	// (specification 1.6 and later).
	Declarations bool
}

// formats is the one table of formats, in the order they are best listed. single
// says that a document of it is about one thing.
func formats() []struct {
	format Format
	single bool
	write  sink
} {
	return []struct {
		format Format
		single bool
		write  sink
	}{
		{Table, false, writeTable},
		{JSON, false, writeJSON},
		{CycloneDXJSON, true, writeCycloneDX(cyclonedx.JSON)},
		{CycloneDXXML, true, writeCycloneDX(cyclonedx.XML)},
		{SPDXJSON, true, writeSPDX},
		{SARIF, false, writeSARIF},
		{JUnit, false, writeJUnit},
		{GitLab, false, writeGitLab},
		{GitLabQuality, false, writeGitLabQuality},
		{CSV, false, writeCSV},
		{Markdown, false, writeMarkdown},
		{HTML, false, writeHTML},
		{Template, false, writeTemplate},
	}
}

// Formats returns all formats, in the order they are best listed.
func Formats() []Format {
	var fs []Format
	for _, row := range formats() {
		fs = append(fs, row.format)
	}
	return fs
}

// SingleTarget reports whether a document of the format is about one thing:
// of a report with several targets Write makes one, of which they are parts.
func SingleTarget(f Format) bool {
	for _, row := range formats() {
		if row.format == f {
			return row.single
		}
	}
	return false
}

// Write writes the report in one format. Contents of the subject are foreign:
// control characters and markup in them are escaped in each format's own way.
// Equal reports give equal bytes. The whole is made before the first byte is
// written, so that an error leaves w untouched, unless writing itself ends in
// an error.
func Write(w io.Writer, f Format, r *Report, opt Options) error {
	var write sink
	for _, row := range formats() {
		if row.format == f {
			write = row.write
		}
	}
	if write == nil {
		return fmt.Errorf("writing report: no such format: %q", f)
	}
	var buf bytes.Buffer
	if err := write(&buf, r, opt); err != nil {
		return fmt.Errorf("writing %s: %w", f, err)
	}
	if _, err := w.Write(buf.Bytes()); err != nil {
		return fmt.Errorf("writing %s: %w", f, err)
	}
	return nil
}

type sink func(w io.Writer, r *Report, opt Options) error

// Outcome is the target's verdict. A target that could not be looked at is
// incomplete, never passed.
func (t *Target) Outcome() denylist.Outcome {
	if t.Error != "" && t.Verdict.Outcome != denylist.Deny {
		return denylist.Incomplete
	}
	return t.Verdict.Outcome
}

// Outcome is the verdict on all targets together: the worst.
func (r *Report) Outcome() denylist.Outcome {
	all := make([]denylist.Outcome, len(r.Targets))
	for i := range r.Targets {
		all[i] = r.Targets[i].Outcome()
	}
	return denylist.Worst(all...)
}

// gaps are those of the verdict, which are the inventory's and more; those of
// the inventory when there is no verdict.
func (t *Target) gaps() []sbom.Gap {
	if t.Verdict.Gaps == nil && t.Inventory != nil {
		return t.Inventory.Coverage.Gaps
	}
	return t.Verdict.Gaps
}

// single returns the one target of a report whose components are there.
func (r *Report) single() (*Target, error) {
	if len(r.Targets) == 0 {
		return nil, errors.New("the report has no target")
	}
	t := &r.Targets[0]
	if len(r.Targets) > 1 {
		return r.merged()
	}
	switch {
	case t.Inventory == nil && t.Error != "":
		return nil, fmt.Errorf("there is nothing of %s: %s", t.Target, t.Error)
	case t.Inventory == nil:
		return nil, fmt.Errorf("there is nothing of %s", t.Target)
	case t.Inventory.Components == nil && len(t.Verdict.Findings) > 0:
		return nil, errors.New("a json report does not hold the components: keep the bill of materials beside it")
	}
	return t, nil
}

// merged makes one target of all. One that could not be looked at is a gap in
// the whole.
func (r *Report) merged() (*Target, error) {
	whole := &Target{Verdict: denylist.Verdict{Outcome: r.Outcome(), AsOf: r.AsOf, List: r.List}}
	var invs []*sbom.Inventory
	var failed []sbom.Gap
	for i := range r.Targets {
		t := &r.Targets[i]
		if t.Error != "" {
			failed = append(failed, sbom.Gap{Path: t.Target, Reason: sbom.Unreadable, Detail: t.Error})
		}
		if t.Inventory == nil {
			continue
		}
		invs = append(invs, t.Inventory)
		whole.Verdict.Regimes = t.Verdict.Regimes
		whole.Verdict.Findings = append(whole.Verdict.Findings, t.Verdict.Findings...)
		whole.Verdict.Gaps = append(whole.Verdict.Gaps, t.Verdict.Gaps...)
	}
	if len(invs) == 0 {
		return nil, errors.New("a json report does not hold the components: keep the bill of materials beside it")
	}
	whole.Inventory = sbom.Merge("", invs)
	whole.Inventory.Coverage.Gaps = append(whole.Inventory.Coverage.Gaps, failed...)
	whole.Inventory.Normalize()
	whole.Verdict.Gaps = append(whole.Verdict.Gaps, failed...)
	whole.Target = whole.Inventory.Subject.Name
	return whole, nil
}

func writeSPDX(w io.Writer, r *Report, opt Options) error {
	t, err := r.single()
	if err != nil {
		return err
	}
	return spdx.Encode(w, t.Inventory, spdx.Options{Pretty: opt.Pretty, Files: opt.Files})
}

func writeCycloneDX(format cyclonedx.Format) sink {
	return func(w io.Writer, r *Report, opt Options) error {
		t, err := r.single()
		if err != nil {
			return err
		}
		o := cyclonedx.Options{Format: format, SpecVersion: opt.SpecVersion, Pretty: opt.Pretty, Files: opt.Files}
		if opt.Declarations {
			o.Declarations = r.declarations(t)
			o.Annotations = r.annotations(t)
		}
		return cyclonedx.Encode(w, t.Inventory, o)
	}
}
